import { valueAt, type Batch } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";

/** Converts a batch to objects of user values. */
export function rowsOfBatch(batch: Batch): Record<string, unknown>[] {
  return Array.from({ length: batch.length }, (_, i) =>
    Object.fromEntries(
      batch.columns.map((column, c) => [
        column.name,
        toUser(valueAt(batch.vectors[c]!, i), column),
      ]),
    ),
  );
}
