/**
 * The total order of rows: event time, then the declared created column, then the primary key
 * (law 2: the later created column wins a tie, then the larger key, never arrival).
 */
import type { SourceSpec } from "../specs.ts";
import type { Batch } from "./batch.ts";
import { valueAt } from "./batch.ts";
import { compareValues } from "./compare.ts";

/** What orders rows of one event time. */
export type Ties = Pick<SourceSpec, "createdAt" | "primaryKey">;

/** Names of the columns that order rows of one event time. */
export function tieColumns({ createdAt, primaryKey }: Ties): readonly string[] {
  return createdAt === null ? primaryKey : [createdAt, ...primaryKey];
}

/** Compares two rows of a batch that have one event time. The batch has the source's ties. */
export function tieOrder(source: Ties, batch: Batch): (a: number, b: number) => number {
  const ties = tieColumns(source).map((name) => {
    const index = batch.columns.findIndex((column) => column.name === name);
    if (index < 0) throw new TypeError(`the batch has no column ${name}`);
    return { vector: batch.vectors[index]!, type: batch.columns[index]!.type };
  });
  return (a, b) => {
    for (const { vector, type } of ties) {
      const order = compareValues(type, valueAt(vector, a), valueAt(vector, b));
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** Sorts those of `rows[0]` to `rows[length − 1]` that have one time. Times already ascend. */
export function sortTies(
  rows: Int32Array,
  length: number,
  time: Float64Array,
  order: (a: number, b: number) => number,
): void {
  for (let start = 0, end = 1; start < length; start = end++) {
    const same = time[rows[start]!]!;
    while (end < length && time[rows[end]!] === same) end++;
    if (end - start > 1) rows.subarray(start, end).sort(order);
  }
}
