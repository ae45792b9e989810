/**
 * Handles a store that does not keep up. Decides how the store is reported, how long a run waits,
 * and when the run retries.
 */
import type { TidemarkError } from "../errors.ts";
import type { StoreRole } from "./source-writer.ts";

/** The report of a store that takes nothing, or that is still behind since then. */
export interface StoreBackpressure {
  readonly role: StoreRole;
  /** The store's name. */
  readonly store: string;
  /** Since when, by the store's clock, as an ISO string. */
  readonly since: string;
  /** The number of failed attempts since the store last took something. */
  readonly attempts: number;
  /** The store's last error; null: the store is slow and reports no error. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /**
   * The store has an independent reader, so it holds up no other store. The store reads by itself,
   * once it works again, until it is caught up.
   */
  readonly independent: boolean;
  /** The store is caught up again; this is the last report. */
  readonly caughtUp: boolean;
}

/**
 * Resolves after so many ms, or when the signal aborts. Tests replace it so that they need not
 * wait.
 */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    // a pause longer than timers allow is as good as endless
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener("abort", done);
  });

/** Resolves with the promise, or with null after so many ms. */
export function withTimeout<T>(promise: Promise<T>, ms: number, pause: Sleep): Promise<T | null> {
  const timer = new AbortController();
  return Promise.race([promise, pause(ms, timer.signal).then(() => null)]).finally(() => {
    timer.abort();
  });
}

const FIRST_RETRY_DELAY = 250;
const MAX_RETRY_DELAY = 10_000;

/** ms before the next attempt, after so many failed attempts. */
export function retryDelay(attempts: number): number {
  return Math.min(MAX_RETRY_DELAY, FIRST_RETRY_DELAY * 2 ** Math.min(attempts - 1, 10));
}

export function backpressureText({
  role,
  store,
  attempts,
  error,
  independent,
  caughtUp,
}: StoreBackpressure): string {
  const who = `the ${role === "online" ? "online store" : "history"} (${store})`;
  if (caughtUp) return `${who} is caught up again`;
  const what =
    error === null
      ? "takes too long"
      : `failed ${attempts === 1 ? "once" : `${attempts} times`}: ${error.message}`;
  return (
    `${who} ${what}; it is tried again` +
    (independent ? ", reads for itself when it works, and the other goes on without it" : "")
  );
}

export function errorSummary(error: TidemarkError<string>): {
  readonly code: string;
  readonly message: string;
} {
  return { code: error.code, message: error.message };
}

/**
 * Wakes waiters when something has changed. A waiter checks its condition and calls `changed`
 * without an `await` between them.
 */
export class Notifier {
  private resolve: () => void = () => undefined;
  private promise: Promise<void> = this.next();

  changed(): Promise<void> {
    return this.promise;
  }

  notify(): void {
    const { resolve } = this;
    this.promise = this.next();
    resolve();
  }

  private next(): Promise<void> {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}
