/** Runs one task after the other beside the caller, who learns of a failure later. */

export interface BackgroundTask {
  readonly isRunning: boolean;
  /** Starts a task. None runs. */
  start(task: (aborted: AbortSignal) => Promise<void>): void;
  /** Throws the error of a task that failed, once. */
  throwFailure(): void;
  /** Waits for the task that runs, and throws its error. */
  ended(): Promise<void>;
  /** Aborts the task that runs, and waits for its end. */
  abandon(): Promise<void>;
}

export function backgroundTask(): BackgroundTask {
  const abort = new AbortController();
  let running: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  const throwFailure = (): void => {
    if (failure === null) return;
    const { error } = failure;
    failure = null;
    throw error;
  };
  return {
    get isRunning() {
      return running !== null;
    },
    start(task) {
      running = task(abort.signal)
        .catch((error: unknown) => {
          failure = { error };
        })
        .finally(() => {
          running = null;
        });
    },
    throwFailure,
    async ended() {
      await running;
      throwFailure();
    },
    async abandon() {
      abort.abort();
      await running;
    },
  };
}
