/** Gives way to other work between the rows of one request, until the request is aborted. */
import { eventLoopYielder } from "../yield-to-event-loop.ts";

/** Waits for a turn of the event loop when the thread was held for long enough. */
export type GiveWay = () => Promise<void> | undefined;

/** Gives way, and ends with the signal's reason when the signal has aborted meanwhile. */
export function givingWay(signal: AbortSignal | undefined): GiveWay {
  const waitTurn = eventLoopYielder();
  if (signal === undefined) return waitTurn;
  const thenCheck = async (turn: Promise<void>): Promise<void> => {
    await turn;
    signal.throwIfAborted();
  };
  return () => {
    const turn = waitTurn();
    return turn === undefined ? undefined : thenCheck(turn);
  };
}
