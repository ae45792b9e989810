/** Makes a row of each element of a list. */
import { vectorBuilder, type Batch } from "../columns/batch.ts";
import { pickRows } from "../columns/gather-rows.ts";
import type { Overflows } from "../columns/overflows.ts";
import { bindExpression } from "../expr/bind.ts";
import type { ExplodedList, Value } from "../specs.ts";

/** Rows of elements: for each of them the row that it comes from. */
export interface ExplodedRows {
  readonly row: Int32Array;
  /** The columns of the rows, the element and its index. */
  readonly columns: Batch;
}

/** The elements of the lists of these rows. A missing or an empty list has none. */
export function explodedRows(
  { list, element, index }: ExplodedList,
  batch: Batch,
  rows: Int32Array,
  overflows: Overflows,
): ExplodedRows {
  const listAt = bindExpression(list, batch, overflows);
  const from: number[] = [];
  const positions: number[] = [];
  const elements = vectorBuilder(element, rows.length);
  for (const row of rows)
    for (const [i, value] of ((listAt(row) ?? []) as readonly Value[]).entries()) {
      from.push(row);
      positions.push(i);
      elements.push(value);
    }
  const row = Int32Array.from(from);
  return {
    row,
    columns: {
      length: row.length,
      columns: [...batch.columns, element, index],
      vectors: [
        ...batch.vectors.map((vector) => pickRows(vector, row)),
        elements.finish(),
        { kind: "int32", values: Int32Array.from(positions), valid: null },
      ],
    },
  };
}
