/** Names the two tables of a source: every change as it arrived, and every version of every row. */
import { tableColumn } from "../columns/table-column.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, SourceSpec } from "../specs.ts";
import type { TableSpec, TableState } from "../spi.ts";

/**
 * The columns of a change: what the log says around the row, and the row as its message said it.
 * `_inherited_order` is the log order before a change that has no order of its own.
 * `_committed_after` is that of a commit between a change and the change's own commit. `_format`
 * says how to read `_row`, `_key` and `_old_key`. `_original_*` hold an undecodable message as it
 * came.
 */
export const LOG_COLUMNS: readonly ColumnSpec[] = [
  tableColumn("_topic", "string", false),
  tableColumn("_partition", "int32", false),
  tableColumn("_offset", "int64", false),
  tableColumn("_timestamp", "int64"),
  tableColumn("_kind", "string", false),
  tableColumn("_op", "string"),
  tableColumn("_order", "int64"),
  tableColumn("_inherited_order", "int64"),
  tableColumn("_committed_after", "int64"),
  tableColumn("_committed", "timestamp"),
  tableColumn("_snapshot", "boolean", false),
  tableColumn("_transaction", "string"),
  tableColumn("_generation", "int32"),
  tableColumn("_row", "string"),
  tableColumn("_key", "string"),
  tableColumn("_old_key", "string"),
  tableColumn("_format", "string"),
  tableColumn("_undecodable", "string"),
  tableColumn("_original_key", "bytes"),
  tableColumn("_original_value", "bytes"),
  tableColumn("_original_headers", "string"),
];

/**
 * The columns of a row version besides the declared columns. `_known_to` is null while the version
 * is the current one. `_deleted` means that the row was deleted then. `_known_from` is null for a
 * deleted row that was never seen before.
 */
export const VERSION_COLUMNS: readonly ColumnSpec[] = [
  tableColumn("_known_from", "timestamp"),
  tableColumn("_known_to", "timestamp"),
  tableColumn("_deleted", "boolean", false),
  tableColumn("_quarantine", "string"),
  tableColumn("_order", "int64", false),
  tableColumn("_offset", "int64", false),
  tableColumn("_committed", "timestamp", false),
  tableColumn("_unresolved", "string"),
  tableColumn("_invalid_columns", "string"),
  tableColumn("_undecodable", "string"),
  tableColumn("_bucket", "int32", false),
];

export interface HistoryTables {
  readonly changes: TableSpec;
  readonly versions: TableSpec;
  /** The declared columns as the versions table names them, in the source's order. */
  readonly declared: readonly ColumnSpec[];
}

/**
 * Derives table and column names without spaces that differ even when case is ignored. Delta
 * without column mapping accepts no others.
 */
export function historyTables(source: SourceSpec): HistoryTables {
  const taken = new Set<string>();
  const declared = source.columns.map((one) => {
    const name = one.name.replace(/[^A-Za-z0-9_]/g, "_");
    const folded = name.toLowerCase();
    if (taken.has(folded) || VERSION_COLUMNS.some((reserved) => reserved.name === folded)) {
      throw new TidemarkError(
        "HISTORY_COLUMN_NAME",
        `source "${source.name}": column "${one.name}" would be "${name}" in the history, ` +
          "which another column is called there: give it another name in the definition",
      );
    }
    taken.add(folded);
    // a deleted or undecodable row has only its key
    return { ...one, name, nullable: true };
  });
  const folder = source.name.replace(/[^A-Za-z0-9_.-]/g, "_");
  return {
    declared,
    changes: { name: `${folder}/changes`, columns: LOG_COLUMNS, partitionBy: [] },
    versions: {
      name: `${folder}/versions`,
      columns: [...declared, ...VERSION_COLUMNS],
      partitionBy: ["_bucket"],
      readByKey: true,
    },
  };
}

/**
 * The state of a change log, if this version of Tidemark wrote it.
 *
 * @throws HISTORY_OLDER_FORMAT when the table has columns or positions of an older version.
 */
export function checkedChangeLog(
  store: string,
  table: string,
  state: TableState | null,
): TableState | null {
  if (
    state === null ||
    (state.columns.some(({ name }) => name === "_row") &&
      !state.positions.some(({ partition }) => partition.startsWith("~")))
  )
    return state;
  throw olderFormat(store, table);
}

export function olderFormat(store: string, table: string): TidemarkError {
  return new TidemarkError(
    "HISTORY_OLDER_FORMAT",
    `${store}, table ${table}: was written by an older Tidemark (before 0.1.0): ` +
      "give a new folder for the history, and run the log from its beginning",
  );
}
