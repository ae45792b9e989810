/**
 * Memory stores that fail before or after a call, or take their time.
 * Their pauses take turns of the event loop, not time.
 */
import { TidemarkError } from "@tidemark/core";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import type { Sleep } from "../../src/ingest/backpressure.ts";

/**
 * What happens to a call: nothing, an error before it, or an error after it was done.
 * A number: so many turns of the event loop before it.
 */
export type Fault = "none" | "before" | "after" | number;

export const eventLoopTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Sleeps one turn of the event loop for each 50 ms. */
export const sleepInTurns: Sleep = async (ms, signal) => {
  for (let left = Math.ceil(ms / 50); left > 0 && !signal.aborted; left--) await eventLoopTurn();
};

function unavailable(store: string): TidemarkError<string> {
  return new TidemarkError<string>("STORE_UNAVAILABLE", `${store}: is away; wait`, {
    retryable: true,
  });
}

async function withFault<T>(name: string, fault: Fault, call: () => Promise<T>): Promise<T> {
  if (fault === "before") throw unavailable(name);
  if (typeof fault === "number") for (let i = 0; i < fault; i++) await eventLoopTurn();
  const done = await call();
  if (fault === "after") throw unavailable(name);
  return done;
}

export function faultyOnline(store: OnlineStore, next: () => Fault): OnlineStore {
  return {
    ...store,
    read: (keys) => withFault(store.name, next(), () => store.read(keys)),
    write: (step) => withFault(store.name, next(), () => store.write(step)),
    positions: (source) => withFault(store.name, next(), () => store.positions(source)),
    metadata: (source) => withFault(store.name, next(), () => store.metadata(source)),
  };
}

export function faultyOffline(store: OfflineStore, next: () => Fault): OfflineStore {
  return {
    ...store,
    state: (table, options) => withFault(store.name, next(), () => store.state(table, options)),
    append: (table, rows, options) =>
      withFault(store.name, next(), () => store.append(table, rows, options)),
    rewrite: (table, rows, options) =>
      withFault(store.name, next(), () => store.rewrite(table, rows, options)),
  };
}
