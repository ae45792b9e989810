/**
 * Stores that fail at their n-th write, before it or after it: what a process that dies there
 * leaves behind.
 */
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";

export class Died extends Error {}

export interface WriteCount {
  /** Writes so far. */
  writes: number;
  /** Dies at this one; null: at none. */
  readonly at: number | null;
  readonly after: boolean;
}

async function dying<T>(count: WriteCount, write: () => Promise<T>): Promise<T> {
  const here = count.writes++ === count.at;
  if (here && !count.after) throw new Died();
  const done = await write();
  if (here) throw new Died();
  return done;
}

export function failingOnline(store: OnlineStore, count: WriteCount): OnlineStore {
  return {
    name: store.name,
    open: (options) => store.open(options),
    close: () => store.close(),
    read: (keys) => store.read(keys),
    positions: (source) => store.positions(source),
    sweep: (options) => store.sweep(options),
    write: (step) => dying(count, () => store.write(step)),
  };
}

export function failingOffline(store: OfflineStore, count: WriteCount): OfflineStore {
  return {
    name: store.name,
    state: (table, options) => store.state(table, options),
    scan: (table, options) => store.scan(table, options),
    close: () => store.close(),
    append: (table, rows, options) => dying(count, () => store.append(table, rows, options)),
    rewrite: (table, rows, options) => dying(count, () => store.rewrite(table, rows, options)),
  };
}
