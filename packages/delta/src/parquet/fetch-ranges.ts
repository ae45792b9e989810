/** Reads parts of a Parquet file with few requests. */
import { type ParquetSource, readExactly } from "./footer.ts";

/** The bytes [from, to) of a file. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads ranges of a file. Those with less than `gap` bytes between them are read together. `tail`:
 * the end of the file, which was read before.
 */
export async function fetchRanges(
  source: ParquetSource,
  ranges: readonly ByteRange[],
  tail: Uint8Array<ArrayBuffer>,
  gap: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  for (const { from, to } of ranges)
    if (from < 4 || to > source.size || to < from)
      throw new Error(`a column lies at [${from}, ${to}) of ${source.size} bytes`);
  const tailStart = source.size - tail.length;
  const fetched = new Array<Promise<Uint8Array<ArrayBuffer>>>(ranges.length);
  const order = Array.from(ranges.keys()).sort((a, b) => ranges[a]!.from - ranges[b]!.from);
  for (let i = 0; i < order.length;) {
    const { from, to: first } = ranges[order[i]!]!;
    const begin = i;
    let to = first;
    const isInTail = from >= tailStart;
    for (i++; i < order.length && ranges[order[i]!]!.from <= to + gap; i++) {
      if (!isInTail && ranges[order[i]!]!.from >= tailStart) break;
      to = Math.max(to, ranges[order[i]!]!.to);
    }
    const bytes = isInTail
      ? Promise.resolve(tail.subarray(from - tailStart, to - tailStart))
      : readExactly(source, from, to);
    for (const index of order.slice(begin, i)) {
      const range = ranges[index]!;
      fetched[index] = bytes.then((all) => all.subarray(range.from - from, range.to - from));
    }
  }
  const settled = await Promise.allSettled(fetched);
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return await Promise.all(fetched);
}
