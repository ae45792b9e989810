/** Groups the changes of a batch by row. */
import { keyText } from "../columns/key-bytes.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import type { OriginOf } from "./entity-log-entries.ts";
import { primaryKeyColumns, rowChangesOf, type RowChange } from "../rows/row-change.ts";
import { truncateOf, type Truncate } from "../rows/row-versions.ts";

/** The changes of one row in a batch, in arrival order. */
export interface RowEdit {
  readonly key: readonly Value[];
  readonly changes: RowChange[];
}

export interface BatchEdits {
  readonly rows: readonly RowEdit[];
  readonly truncates: readonly Truncate[];
  /** The message that contained a change of a row. */
  readonly originOf: (change: Parameters<OriginOf>[0]) => Change | undefined;
}

export function batchEditsOf(source: SourceSpec): (changes: readonly Change[]) => BatchEdits {
  const rowChanges = rowChangesOf(source);
  const keyColumns = primaryKeyColumns(source);

  return (changes) => {
    const rows = new Map<string, RowEdit>();
    const origins = new Map<string, Change>();
    const truncates: Truncate[] = [];
    for (const change of changes) {
      const truncate = truncateOf(change);
      if (truncate !== null) truncates.push(truncate);
      for (const { key, change: row } of rowChanges(change)) {
        const text = keyText(keyColumns, key);
        const edit = rows.get(text);
        if (edit === undefined) rows.set(text, { key, changes: [row] });
        else edit.changes.push(row);
        origins.set(`${row.order} ${row.offset}`, change);
      }
    }
    return {
      rows: [...rows.values()],
      truncates,
      originOf: ({ order, offset }) => origins.get(`${order} ${offset}`),
    };
  };
}
