/**
 * Wraps stores that fail at their n-th write, before it or after it, as a process that dies there.
 */
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";

export class SimulatedCrash extends Error {}

export interface WriteCount {
  /** The number of writes so far. */
  writes: number;
  /** The number of the write that fails; null for none. */
  readonly crashAt: number | null;
  readonly crashAfterWrite: boolean;
}

async function crashOnWrite<T>(count: WriteCount, write: () => Promise<T>): Promise<T> {
  const here = count.writes++ === count.crashAt;
  if (here && !count.crashAfterWrite) throw new SimulatedCrash();
  const done = await write();
  if (here) throw new SimulatedCrash();
  return done;
}

export function failingOnline(store: OnlineStore, count: WriteCount): OnlineStore {
  return {
    name: store.name,
    open: (options) => store.open(options),
    close: () => store.close(),
    read: (keys) => store.read(keys),
    positions: (source) => store.positions(source),
    metadata: (source) => store.metadata(source),
    deleteExpired: (options) => store.deleteExpired(options),
    deleteCells: (options) => store.deleteCells(options),
    scan: (options) => store.scan(options),
    write: (step) => crashOnWrite(count, () => store.write(step)),
  };
}

export function failingOffline(store: OfflineStore, count: WriteCount): OfflineStore {
  return {
    name: store.name,
    state: (table, options) => store.state(table, options),
    scan: (table, options) => store.scan(table, options),
    close: () => store.close(),
    append: (table, rows, options) => crashOnWrite(count, () => store.append(table, rows, options)),
    rewrite: (table, rows, options) =>
      crashOnWrite(count, () => store.rewrite(table, rows, options)),
    replaceRows: (table, options) => crashOnWrite(count, () => store.replaceRows(table, options)),
  };
}
