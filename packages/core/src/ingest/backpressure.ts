/**
 * A store that does not keep up: how that is told, how long it is waited for, and when it is tried
 * again.
 */
import type { TidemarkError } from "../errors.ts";
import type { StoreRole } from "./source-writer.ts";

/** A store that takes nothing, or is behind since it did not. */
export interface StoreBackpressure {
  readonly role: StoreRole;
  /** The store's name. */
  readonly store: string;
  /** Since when, by the store's clock: an ISO string. */
  readonly since: string;
  /** How often it was tried in vain since it last took something. */
  readonly attempts: number;
  /** What it said last; null: it is slow and says nothing. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /**
   * It no longer shares the run's reader, so it holds up nobody; once it works again it reads by
   * itself, until it is level.
   */
  readonly independent: boolean;
  /** It is level again: what is told last. */
  readonly caughtUp: boolean;
}

/**
 * Pauses, for tests that do not wait for them: resolves after so many ms, or when the signal
 * aborts.
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
    // a longer pause than timers know is as good as none that ends
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener("abort", done);
  });

/** Or null, when it takes longer than so many ms. */
export function withTimeout<T>(promise: Promise<T>, ms: number, pause: Sleep): Promise<T | null> {
  const timer = new AbortController();
  return Promise.race([promise, pause(ms, timer.signal).then(() => null)]).finally(() => {
    timer.abort();
  });
}

const FIRST_RETRY_DELAY = 250;
const MAX_RETRY_DELAY = 10_000;

/** ms before the next attempt, after so many failed ones. */
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
  if (caughtUp) return `${who} is level again`;
  const what =
    error === null
      ? "takes too long"
      : `failed ${attempts === 1 ? "once" : `${attempts} times`}: ${error.message}`;
  return (
    `${who} ${what}; it is tried ` +
    `again${independent ? ", reads for itself when it works, and the other goes on without it" : ""}`
  );
}

export function errorSummary(error: TidemarkError<string>): {
  readonly code: string;
  readonly message: string;
} {
  return { code: error.code, message: error.message };
}

/**
 * Wakes whoever waits for something to have changed. Conditions are looked at, and `rung` is asked,
 * without an `await` between.
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
