/** Stores the changes of one row from which its image, or a dimension's versions, are derived. */
import { decodeRows, encodeRows } from "../columns/batch-codec.ts";
import { valueAt } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { generationOf } from "../rows/snapshot-generations.ts";
import { isRetriedChange, withoutRetried } from "../rows/retried.ts";
import { compareChanges, type RowChange } from "../rows/row-change.ts";
import { withColumnImages } from "./left-out-columns.ts";
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
  { ...columnDefaults, name: "~undeclared_unavailable", type: "string" },
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
      undeclaredText(change.undeclaredUnavailable),
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
      undeclaredUnavailable: undeclaredIn(row[9] as string | null),
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

type StoredUndeclared = readonly [name: string, order: string, offset: number, hasValue: boolean];

function undeclaredText(list: RowChange["undeclaredUnavailable"]): string | null {
  if (list.length === 0) return null;
  return JSON.stringify(
    list.map(({ name, image }): StoredUndeclared | readonly [string] =>
      image === null ? [name] : [name, String(image.order), image.offset, image.hasValue],
    ),
  );
}

function undeclaredIn(text: string | null): RowChange["undeclaredUnavailable"] {
  if (text === null) return [];
  return (JSON.parse(text) as readonly (StoredUndeclared | readonly [string])[]).map((one) => ({
    name: one[0],
    image: one.length === 1 ? null : { order: BigInt(one[1]), offset: one[2], hasValue: one[3] },
  }));
}

/**
 * The changes of a row that must be stored after `change` was applied. A dimension keeps all
 * changes. Any other source keeps the newest change. For each column that the newest leaves out,
 * the source also keeps the newest change that determines the column. A late change may still
 * determine such a column (law 5: replay ends in the same bits).
 */
export function withChange(
  before: readonly RowChange[],
  delivered: RowChange,
  keepsVersions: boolean,
): readonly RowChange[] {
  const known = isRetriedChange(delivered)
    ? withoutRetried([...before, delivered]).slice(0, -1)
    : before;
  if (isRedelivery(known, delivered)) return known.length === before.length ? before : known;
  const { stored, change } = withColumnImages(known, delivered);
  const newest = stored.at(-1);
  const ahead = newest === undefined || compareChanges(change, newest) > 0;
  // the row's next replay must not look like a restored database after a clock was set back
  const since =
    newest !== undefined && generationOf(newest.order) === generationOf(change.order)
      ? newest.loggedCommitTime
      : -Infinity;
  const all = withoutRetried(
    ahead
      ? [...stored, { ...change, loggedCommitTime: Math.max(change.loggedCommitTime, since) }]
      : [...stored, change].sort(compareChanges),
  );
  if (keepsVersions) return all;
  const needed = new Set([all.at(-1)!, ...neededImages(all, all.length - 1)]);
  // A retry of the undecodable change may bring the row back to the change before it.
  const readable = all.findLastIndex((one) => one.undecodable === null);
  if (readable >= 0 && readable < all.length - 1)
    for (const one of [all[readable]!, ...neededImages(all, readable)]) needed.add(one);
  return all.filter((one) => needed.has(one));
}

/** The changes that determine the columns that the change at the index leaves out. */
function neededImages(all: readonly RowChange[], index: number): readonly RowChange[] {
  return all[index]!.unavailable.flatMap(
    (column) => all.slice(0, index).findLast((one) => determinesColumn(one, column)) ?? [],
  );
}

/** Whether the change determines the column: as a value, as deleted, or as undecodable. */
function determinesColumn(change: RowChange, column: number): boolean {
  return (
    change.values === null || change.undecodable !== null || !change.unavailable.includes(column)
  );
}

/**
 * Whether the change was stored before: as the same message, or with the same log order at another
 * offset. If a stored or new order is inherited, only the offset identifies the change. A change
 * that can be read now replaces its undecodable self.
 */
function isRedelivery(stored: readonly RowChange[], change: RowChange): boolean {
  const there = stored.filter((one) => one.order === change.order);
  if (there.some((one) => one.offset === change.offset)) return true;
  return (
    !change.orderInherited &&
    there.length === 1 &&
    !there[0]!.orderInherited &&
    (there[0]!.undecodable === null || change.undecodable !== null) &&
    (there[0]!.values === null) === (change.values === null)
  );
}
