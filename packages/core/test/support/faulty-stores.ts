/**
 * Memory stores that fail, fail after having done it, and take their time; and pauses that cost
 * turns of the event loop, not time.
 */
import { TidemarkError } from "@tidemark/core";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import type { Sleep } from "../../src/ingest/backpressure.ts";

/**
 * What happens to a call: nothing, an error before it, an error after it was done, or so many turns
 * before it.
 */
export type Fault = "none" | "before" | "after" | number;

export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** A pause of so many ms is a turn for each 50. */
export const turns: Sleep = async (ms, signal) => {
  for (let left = Math.ceil(ms / 50); left > 0 && !signal.aborted; left--) await turn();
};

function away(store: string): TidemarkError {
  return new TidemarkError("STORE_AWAY", `${store}: is away; wait`, { retryable: true });
}

async function faulty<T>(name: string, fault: Fault, call: () => Promise<T>): Promise<T> {
  if (fault === "before") throw away(name);
  if (typeof fault === "number") for (let i = 0; i < fault; i++) await turn();
  const done = await call();
  if (fault === "after") throw away(name);
  return done;
}

export function faultyOnline(store: OnlineStore, next: () => Fault): OnlineStore {
  return {
    ...store,
    read: (keys) => faulty(store.name, next(), () => store.read(keys)),
    write: (step) => faulty(store.name, next(), () => store.write(step)),
    positions: (source) => faulty(store.name, next(), () => store.positions(source)),
  };
}

export function faultyOffline(store: OfflineStore, next: () => Fault): OfflineStore {
  return {
    ...store,
    state: (table, options) => faulty(store.name, next(), () => store.state(table, options)),
    append: (table, rows, options) =>
      faulty(store.name, next(), () => store.append(table, rows, options)),
    rewrite: (table, rows, options) =>
      faulty(store.name, next(), () => store.rewrite(table, rows, options)),
  };
}
