/**
 * Cuts a change log into ranges of offsets, so that a range fits in memory. Each partition is then
 * read in order, although files of a table may lie in any order.
 */
import { valueAt } from "../columns/batch.ts";
import type { ColumnSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { partitionKeyOf } from "../rows/snapshot-generations.ts";

/** A range of offsets, both ends included. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

export interface OffsetRanges {
  readonly ranges: readonly OffsetRange[];
  /** Wanted rows in all ranges. */
  readonly rows: number;
}

/**
 * The largest number of counters of neighbouring offsets; when there are more, neighbours are
 * joined.
 */
const MAX_COUNTERS = 65_536;

/**
 * Cuts the log into ranges of about `rows` wanted rows, whatever their partition. Few columns are
 * read, once.
 */
export async function offsetRanges(
  offline: OfflineStore,
  table: string,
  options: {
    readonly version: number;
    readonly columns: readonly ColumnSpec[];
    readonly fromOffset: number;
    readonly rows: number;
    readonly signal?: AbortSignal | undefined;
    readonly wanted: (partition: string, offset: number) => boolean;
  },
): Promise<OffsetRanges> {
  const { version, fromOffset, signal, wanted } = options;
  let width = 1;
  let counts = new Map<number, number>();
  let total = 0;
  const range = { column: "_offset", min: fromOffset, max: Number.MAX_SAFE_INTEGER };
  const columns = [
    "_topic",
    "_partition",
    "_offset",
    ...(options.columns.some(({ name }) => name === "_generation") ? ["_generation"] : []),
  ];
  for await (const {
    length,
    vectors: [topic, partition, offset, generations],
  } of offline.scan(table, { columns, version, range, signal })) {
    for (let i = 0; i < length; i++) {
      const at = Number(valueAt(offset!, i));
      const generation =
        generations === undefined ? 0 : ((valueAt(generations, i) as number | null) ?? 0);
      if (
        !wanted(
          partitionKeyOf({
            generation,
            topic: valueAt(topic!, i) as string,
            partition: valueAt(partition!, i) as number,
          }),
          at,
        )
      )
        continue;
      total++;
      const counter = Math.floor(at / width);
      counts.set(counter, (counts.get(counter) ?? 0) + 1);
      if (counts.size <= MAX_COUNTERS) continue;
      width *= 2;
      const joined = new Map<number, number>();
      for (const [one, count] of counts)
        joined.set(Math.floor(one / 2), (joined.get(Math.floor(one / 2)) ?? 0) + count);
      counts = joined;
    }
  }
  const ranges: OffsetRange[] = [];
  let from = fromOffset;
  let gathered = 0;
  for (const [counter, count] of [...counts].sort(([a], [b]) => a - b)) {
    gathered += count;
    if (gathered < options.rows) continue;
    ranges.push({ from, to: (counter + 1) * width - 1 });
    from = (counter + 1) * width;
    gathered = 0;
  }
  if (gathered > 0) ranges.push({ from, to: Number.MAX_SAFE_INTEGER });
  return { ranges, rows: total };
}
