/** Stores the changes of one row from which its image, or a dimension's versions, are derived. */
import { decodeRows, encodeRows } from "../columns/batch-codec.ts";
import { valueAt } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { generationOf } from "../rows/snapshot-generations.ts";
import { compareChanges, type RowChange } from "../rows/row-change.ts";
import type { SourceLayout } from "./source-layout.ts";

const columnDefaults = { nullable: true, database: "" } as const;
const CHANGE_COLUMNS: readonly ColumnSpec[] = [
  { ...columnDefaults, name: "~committed", type: "timestamp" },
  { ...columnDefaults, name: "~logged_commit_time", type: "timestamp" },
  { ...columnDefaults, name: "~order", type: "int64" },
  { ...columnDefaults, name: "~offset", type: "timestamp" },
  { ...columnDefaults, name: "~gone", type: "boolean" },
  { ...columnDefaults, name: "~undecodable", type: "string" },
  { ...columnDefaults, name: "~unavailable", type: "string" },
  { ...columnDefaults, name: "~invalid_columns", type: "string" },
  { ...columnDefaults, name: "~order_inherited", type: "boolean" },
];
const CHANGE_COLUMN_COUNT = CHANGE_COLUMNS.length;

/**
 * Writes changes of a source as rows: in the row's own cell, and in the entity logs of a dimension.
 */
export interface ChangeCodec {
  readonly columns: readonly ColumnSpec[];
  /** The column of the commit time. */
  readonly timeIndex: number;
  toRow(change: RowChange, key: readonly Value[]): readonly Value[];
  /** Decodes a change; columns that are not stored are null. */
  fromRow(row: readonly Value[]): RowChange;
  keyOf(row: readonly Value[]): readonly Value[];
  encode(changes: readonly RowChange[], key: readonly Value[]): Uint8Array;
  decode(bytes: Uint8Array): RowChange[];
}

export function changeCodec(layout: SourceLayout): ChangeCodec {
  const { source, storedColumns, storedIndexes } = layout;
  const columns = [...CHANGE_COLUMNS, ...storedColumns];
  const keyCells = source.primaryKey.map(
    (name) => CHANGE_COLUMN_COUNT + storedColumns.findIndex((column) => column.name === name),
  );
  const keyIndexes = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );

  const toRow = (change: RowChange, key: readonly Value[]): Value[] => {
    const row: Value[] = [
      change.committed,
      change.loggedCommitTime,
      change.order,
      change.offset,
      change.values === null,
      change.undecodable,
      change.unavailable.length === 0 ? null : change.unavailable.join(),
      change.invalidColumns.length === 0 ? null : change.invalidColumns.join("\n"),
      change.orderInherited,
    ];
    for (const index of storedIndexes)
      row.push(change.values === null ? null : change.values[index]!);
    if (change.values === null)
      keyCells.forEach((cell, k) => {
        row[cell] = key[k]!;
      });
    return row;
  };
  const fromRow = (row: readonly Value[]): RowChange => {
    let values: Value[] | null = null;
    if (row[4] !== true) {
      values = new Array<Value>(source.columns.length).fill(null);
      for (let h = 0; h < storedIndexes.length; h++)
        values[storedIndexes[h]!] = row[CHANGE_COLUMN_COUNT + h]!;
    }
    return {
      committed: row[0] as number,
      loggedCommitTime: row[1] as number,
      order: row[2] as bigint,
      offset: row[3] as number,
      values,
      undecodable: row[5] as string | null,
      unavailable: row[6] === null ? [] : (row[6] as string).split(",").map(Number),
      invalidColumns: row[7] === null ? [] : (row[7] as string).split("\n"),
      orderInherited: row[8] === true,
    };
  };
  return {
    columns,
    timeIndex: 0,
    toRow,
    fromRow,
    keyOf: (row) => keyCells.map((cell) => row[cell]!),
    encode: (changes, key) =>
      encodeRows(
        columns,
        changes.map((change) =>
          toRow(
            change,
            change.values === null ? key : keyIndexes.map((index) => change.values![index]!),
          ),
        ),
      ),
    decode(bytes) {
      const batch = decodeRows(columns, bytes);
      return Array.from({ length: batch.length }, (_, i) =>
        fromRow(batch.vectors.map((vector) => valueAt(vector, i))),
      );
    },
  };
}

/**
 * The changes of a row that must be stored after `change` was applied. A dimension keeps all
 * changes. Any other source keeps the newest change. For each column that the newest leaves out,
 * the source also keeps the newest change that determines the column. A late change may still
 * determine such a column (law 5: replay ends in the same bits).
 */
export function withChange(
  stored: readonly RowChange[],
  change: RowChange,
  keepsVersions: boolean,
): readonly RowChange[] {
  if (isRedelivery(stored, change)) return stored;
  const before = stored.at(-1);
  const ahead = before === undefined || compareChanges(change, before) > 0;
  // the row's next replay must not look like a restored database after a clock was set back
  const since =
    before !== undefined && generationOf(before.order) === generationOf(change.order)
      ? before.loggedCommitTime
      : -Infinity;
  const all = ahead
    ? [...stored, { ...change, loggedCommitTime: Math.max(change.loggedCommitTime, since) }]
    : [...stored, change].sort(compareChanges);
  if (keepsVersions) return all;
  const newest = all.at(-1)!;
  const needed = new Set([
    newest,
    ...newest.unavailable.map((column) =>
      all.slice(0, -1).findLast((one) => determinesColumn(one, column)),
    ),
  ]);
  return all.filter((one) => needed.has(one));
}

/** Whether the change determines the column: as a value, as deleted, or as undecodable. */
function determinesColumn(change: RowChange, column: number): boolean {
  return (
    change.values === null || change.undecodable !== null || !change.unavailable.includes(column)
  );
}

/**
 * Whether the change was stored before: as the same message, or with the same log order at another
 * offset. If a stored or new order is inherited, only the offset identifies the change.
 */
function isRedelivery(stored: readonly RowChange[], change: RowChange): boolean {
  const there = stored.filter((one) => one.order === change.order);
  if (there.some((one) => one.offset === change.offset)) return true;
  return (
    !change.orderInherited &&
    there.length === 1 &&
    !there[0]!.orderInherited &&
    (there[0]!.values === null) === (change.values === null)
  );
}
