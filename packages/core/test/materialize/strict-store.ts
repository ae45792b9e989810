/** A store in memory for tests of what is read of the history. */
import { selectRows, valueAt } from "../../src/columns/batch.ts";
import type { Value } from "../../src/specs.ts";
import type { OfflineStore } from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

/** What a strict store has met. */
interface Met {
  /** The scans of versions from some event time on. */
  ranges: number;
  /** Called once, after the next commit of a features table. */
  nextCommit: (() => Promise<unknown>) | null;
}

/** Makes a store whose scans give no row outside their range; other stores may give some. */
export function strictStore(): { readonly store: OfflineStore; readonly met: Met } {
  const inner = memoryOfflineStore();
  const met: Met = { ranges: 0, nextCommit: null };
  const store: OfflineStore = {
    ...inner,
    async *scan(table, options) {
      const { range, columns } = options;
      if (range !== undefined && range.min > -(2 ** 53) && table.endsWith("/versions"))
        met.ranges++;
      const at = range === undefined ? -1 : columns.indexOf(range.column);
      for await (const batch of inner.scan(table, options)) {
        if (at < 0) {
          yield batch;
          continue;
        }
        const isIn = (time: Value): boolean =>
          time !== null && Number(time) >= range!.min && Number(time) <= range!.max;
        const vector = batch.vectors[at]!;
        const selected = Uint8Array.from({ length: batch.length }, (_, row) =>
          isIn(valueAt(vector, row)) ? 1 : 0,
        );
        yield selectRows(batch, selected);
      }
    },
    async rewrite(table, rows, options) {
      const done = await inner.rewrite(table, rows, options);
      if (!table.name.endsWith("/features")) return done;
      const then = met.nextCommit;
      met.nextCommit = null;
      await then?.();
      return done;
    },
  };
  return { store, met };
}
