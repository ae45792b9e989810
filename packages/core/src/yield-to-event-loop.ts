/**
 * Long work in the thread that also serves requests and applies changes: it gives way every few
 * milliseconds.
 */

/** How long it may hold the thread, ms. */
const HELD = 8;

/** The works that wait for a turn of the event loop. */
let waiting: (() => void)[] = [];

/** Each turn of the event loop goes to one work, so that many works hold others up no longer. */
function nextTurn(): void {
  const [first, ...others] = waiting;
  waiting = others;
  if (others.length > 0) setImmediate(nextTurn);
  first?.();
}

function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(nextTurn);
  });
}

/**
 * Call what this returns between small pieces of work; it waits for everybody else's turn when the
 * thread has been held for long enough.
 */
export function eventLoopYielder(): () => Promise<void> | undefined {
  let since = performance.now();
  const giveWay = async (): Promise<void> => {
    await ownTurn();
    since = performance.now();
  };
  return () => (performance.now() - since < HELD ? undefined : giveWay());
}
