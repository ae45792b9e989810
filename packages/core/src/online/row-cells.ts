/**
 * What the online store knows of one row: the changes that its image, or for a dimension its
 * versions, follow from.
 */
import { decodeRows, encodeRows } from "../columns/batch-codec.ts";
import { valueAt } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { epochOf } from "../rows/snapshot-generations.ts";
import { compareChanges, type RowChange } from "../rows/row-change.ts";
import type { SourceLayout } from "./source-layout.ts";

const plain = { nullable: true, database: "" } as const;
const CHANGE_COLUMNS: readonly ColumnSpec[] = [
  { ...plain, name: "~committed", kind: "timestamp" },
  { ...plain, name: "~logged", kind: "timestamp" },
  { ...plain, name: "~place", kind: "int64" },
  { ...plain, name: "~offset", kind: "timestamp" },
  { ...plain, name: "~gone", kind: "boolean" },
  { ...plain, name: "~broken", kind: "string" },
  { ...plain, name: "~unavailable", kind: "string" },
  { ...plain, name: "~unreadable", kind: "string" },
  { ...plain, name: "~guessed", kind: "boolean" },
];
const FIXED = CHANGE_COLUMNS.length;

/**
 * How changes of a source are written as rows: in the row's own cell, and in the lanes of a
 * dimension.
 */
export interface ChangeCodec {
  readonly columns: readonly ColumnSpec[];
  /** The column of the commit time. */
  readonly time: number;
  toRow(change: RowChange, key: readonly Value[]): readonly Value[];
  /** The change of a row; columns that are not held are null. */
  fromRow(row: readonly Value[]): RowChange;
  keyOf(row: readonly Value[]): readonly Value[];
  encode(changes: readonly RowChange[], key: readonly Value[]): Uint8Array;
  decode(bytes: Uint8Array): RowChange[];
}

export function changeCodec(layout: SourceLayout): ChangeCodec {
  const { source, held, heldIndexes } = layout;
  const columns = [...CHANGE_COLUMNS, ...held];
  const keyPlaces = source.primaryKey.map(
    (name) => FIXED + held.findIndex((column) => column.name === name),
  );
  const keyIndexes = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );

  const toRow = (change: RowChange, key: readonly Value[]): Value[] => {
    const row: Value[] = [
      change.committed,
      change.logged,
      change.place,
      change.offset,
      change.values === null,
      change.broken,
      change.unavailable.length === 0 ? null : change.unavailable.join(),
      change.unreadable.length === 0 ? null : change.unreadable.join("\n"),
      change.guessed,
    ];
    for (const index of heldIndexes)
      row.push(change.values === null ? null : change.values[index]!);
    if (change.values === null)
      keyPlaces.forEach((place, k) => {
        row[place] = key[k]!;
      });
    return row;
  };
  const fromRow = (row: readonly Value[]): RowChange => {
    let values: Value[] | null = null;
    if (row[4] !== true) {
      values = new Array<Value>(source.columns.length).fill(null);
      for (let h = 0; h < heldIndexes.length; h++) values[heldIndexes[h]!] = row[FIXED + h]!;
    }
    return {
      committed: row[0] as number,
      logged: row[1] as number,
      place: row[2] as bigint,
      offset: row[3] as number,
      values,
      broken: row[5] as string | null,
      unavailable: row[6] === null ? [] : (row[6] as string).split(",").map(Number),
      unreadable: row[7] === null ? [] : (row[7] as string).split("\n"),
      guessed: row[8] === true,
    };
  };
  return {
    columns,
    time: 0,
    toRow,
    fromRow,
    keyOf: (row) => keyPlaces.map((place) => row[place]!),
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
 * The changes to keep of a row once `change` has come. A dimension keeps all. Any other source
 * keeps the newest and, for each column that it leaves out, the newest below it that tells of that
 * column: a change that comes late may still be the one that does (law 5).
 */
export function withChange(
  stored: readonly RowChange[],
  change: RowChange,
  keepsVersions: boolean,
): readonly RowChange[] {
  if (isDeliveredAgain(stored, change)) return stored;
  const before = stored.at(-1);
  const ahead = before === undefined || compareChanges(change, before) > 0;
  // a clock that was set back must not make the row's next replay look like a restored database
  const since =
    before !== undefined && epochOf(before.place) === epochOf(change.place)
      ? before.logged
      : -Infinity;
  const all = ahead
    ? [...stored, { ...change, logged: Math.max(change.logged, since) }]
    : [...stored, change].sort(compareChanges);
  if (keepsVersions) return all;
  const newest = all.at(-1)!;
  const needed = new Set([
    newest,
    ...newest.unavailable.map((column) => all.slice(0, -1).findLast((one) => tellsOf(one, column))),
  ]);
  return all.filter((one) => needed.has(one));
}

/**
 * Whether the change says what the column is: a value, that the row was gone, or that nobody can
 * know.
 */
function tellsOf(change: RowChange, column: number): boolean {
  return change.values === null || change.broken !== null || !change.unavailable.includes(column);
}

/**
 * The same message, or the same LSN at another offset; with a guessed place among them the offsets
 * must decide.
 */
function isDeliveredAgain(stored: readonly RowChange[], change: RowChange): boolean {
  const there = stored.filter((one) => one.place === change.place);
  if (there.some((one) => one.offset === change.offset)) return true;
  return (
    !change.guessed &&
    there.length === 1 &&
    !there[0]!.guessed &&
    (there[0]!.values === null) === (change.values === null)
  );
}
