/** The order of rows that are held one by one. */
import { compareValues } from "../columns/compare.ts";
import { tieColumns } from "../columns/row-order.ts";
import { columnIndex } from "../rows/row-change.ts";
import type { SourceSpec } from "../specs.ts";
import type { TimedRow } from "./evaluate-plan.ts";

/** Compares rows by time, then by the created column, then by primary key (law 2). */
export function rowOrder(source: SourceSpec): (a: TimedRow, b: TimedRow) => number {
  const ties = tieColumns(source).map((name) => columnIndex(source, name));
  return (a, b) => {
    // rows without a time come first
    const [earlier, later] = [a.time, b.time].map((time) =>
      Number.isNaN(time) ? -Infinity : time,
    );
    if (earlier! < later!) return -1;
    if (earlier! > later!) return 1;
    for (const index of ties) {
      const order = compareValues(source.columns[index]!.type, a.values[index]!, b.values[index]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}
