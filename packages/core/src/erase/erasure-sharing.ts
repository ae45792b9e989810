/**
 * Shares erasures between the stores during a run. A run may begin while the history does not
 * answer. Until it does, nobody knows which rows of the online store were erased.
 */
import type { SourceSpec } from "../specs.ts";
import { shareErased, type ShareErasedSettings } from "./share-erased.ts";

/** How long after a look the next one follows, ms: at first, and at most. */
const FIRST_WAIT = 1_000;
const LAST_WAIT = 30_000;
/** How long a run that ends waits between two looks, ms. */
const WAIT_AT_END = 500;

/** The sharing of one run. */
export interface ErasureSharing {
  /** Shares the erasures if that is still to be done. False: the history does not answer. */
  isDone(): Promise<boolean>;
  /** Waits until the history has answered. Throws when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** Ends the looks of the run. */
  stop(): void;
}

/** Shares the erasures now, and again and again until the history has answered. */
export async function erasureSharing(
  sources: readonly SourceSpec[],
  settings: ShareErasedSettings,
  signal: AbortSignal | undefined,
): Promise<ErasureSharing> {
  let done = false;
  let looking: Promise<boolean> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const look = async (): Promise<boolean> => {
    done ||= await shareErased(sources, settings, { isRun: true, signal });
    return done;
  };
  const isDone = (): Promise<boolean> => {
    if (done) return Promise.resolve(true);
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  };
  const later = (wait: number): void => {
    if (done || isStopped) return;
    timer = setTimeout(() => {
      void lookAgain(wait);
    }, wait);
    timer.unref();
  };
  async function lookAgain(wait: number): Promise<void> {
    // what fails here fails again where the run waits for it
    await isDone().catch(() => false);
    later(Math.min(2 * wait, LAST_WAIT));
  }
  await isDone();
  later(FIRST_WAIT);
  return {
    isDone,
    async wait(runSignal) {
      while (!(await isDone())) {
        runSignal.throwIfAborted();
        await new Promise((resolve) => {
          setTimeout(resolve, WAIT_AT_END);
        });
      }
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
