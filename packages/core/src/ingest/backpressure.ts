/**
 * A store that does not keep up: how that is told, how long it is waited for, and when it is tried
 * again.
 */
import type { TidemarkError } from "../errors.ts";
import type { StoreRole } from "./source-writer.ts";

/** A store that takes nothing, or is behind since it did not. */
export interface SinkStall {
  readonly sink: StoreRole;
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
  readonly detached: boolean;
  /** It is level again: what is told last. */
  readonly over: boolean;
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
export function within<T>(promise: Promise<T>, ms: number, pause: Sleep): Promise<T | null> {
  const timer = new AbortController();
  return Promise.race([promise, pause(ms, timer.signal).then(() => null)]).finally(() => {
    timer.abort();
  });
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/** ms before the next attempt, after so many failed ones. */
export function pauseAfter(attempts: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempts - 1, 10));
}

export function stallText({ sink, store, attempts, error, detached, over }: SinkStall): string {
  const who = `the ${sink === "online" ? "online store" : "history"} (${store})`;
  if (over) return `${who} is level again`;
  const what =
    error === null
      ? "takes too long"
      : `failed ${attempts === 1 ? "once" : `${attempts} times`}: ${error.message}`;
  return (
    `${who} ${what}; it is tried ` +
    `again${detached ? ", reads for itself when it works, and the other goes on without it" : ""}`
  );
}

export function said(error: TidemarkError): { readonly code: string; readonly message: string } {
  return { code: error.code, message: error.message };
}

/**
 * Wakes whoever waits for something to have changed. Conditions are looked at, and `rung` is asked,
 * without an `await` between.
 */
export class Bell {
  private resolve: () => void = () => undefined;
  private promise: Promise<void> = this.next();

  rung(): Promise<void> {
    return this.promise;
  }

  ring(): void {
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
