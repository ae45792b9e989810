/** Splits a change into changes of single rows: of its old and of its new primary key. */
import { compareKeys } from "../columns/compare.ts";
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import { offsetLike } from "./retried.ts";
import { orderInGeneration } from "./snapshot-generations.ts";

/** One change of one row, in the terms of laws 4 to 6 (rows, replay, history). */
export interface RowChange {
  /**
   * Log order: the change's own, else the inherited one, else the offset (law 5: replay is free).
   * A change that was committed after changes of higher orders has the order of the last commit
   * before it. The snapshot generation is in its upper bits.
   */
  readonly order: bigint;
  /**
   * Decides between changes of equal order: the offset, or the change's own log order where `order`
   * is that of a commit before it.
   */
  readonly offset: number;
  /** Whether the order is not the change's own, so that other changes of the row may share it. */
  readonly orderInherited: boolean;
  /**
   * Commit time, µs: the version's known from, before it is raised to that of the version it
   * replaces (law 6: history does not forget).
   */
  readonly committed: number;
  /**
   * Commit time as the log said it. It detects a restored source (law 5: a lower order with a later
   * commit time).
   */
  readonly loggedCommitTime: number;
  /** Values by the index of the source's columns. null: the row was deleted. */
  readonly values: readonly Value[] | null;
  /** Indexes of the columns that keep the value of the version before (TOAST). */
  readonly unavailable: readonly number[];
  /** Columns that the definition does not declare and that keep their value in the same way. */
  readonly undeclaredUnavailable: readonly UndeclaredUnavailable[];
  /**
   * Why the content could not be read. The row is then in no window (law 9: missing is missing).
   */
  readonly undecodable: string | null;
  /** Invalid columns, as `column:reason`. */
  readonly invalidColumns: readonly string[];
}

/** A column that the definition does not declare and that the log left out of a change. */
export interface UndeclaredUnavailable {
  /** The name in the database. */
  readonly name: string;
  /** The newest earlier change that did not leave the column out; null: none is known. */
  readonly image: ColumnImage | null;
}

/** A change of a row that did not leave a column out. */
export interface ColumnImage {
  readonly order: bigint;
  readonly offset: number;
  /** False: the change deleted the row, or could not be read. */
  readonly hasValue: boolean;
}

/** A change of one row, with the row's primary key. */
export interface KeyedRowChange {
  readonly key: readonly Value[];
  readonly change: RowChange;
}

/** Indexes of the primary key's columns among the source's columns. */
export function primaryKeyIndexes(source: SourceSpec): readonly number[] {
  return source.primaryKey.map((name) => columnIndex(source, name));
}

/** The primary key's columns, in order. */
export function primaryKeyColumns(source: SourceSpec): readonly ColumnSpec[] {
  return primaryKeyIndexes(source).map((index) => source.columns[index]!);
}

/**
 * Index of the event time among the source's columns.
 * −1: a dimension, whose versions are stamped with their commit time (law 2: validity).
 */
export function eventTimeIndex(source: SourceSpec): number {
  return source.eventTime.kind === "column" ? columnIndex(source, source.eventTime.column) : -1;
}

export function columnIndex(source: SourceSpec, name: string): number {
  const index = source.columns.findIndex((column) => column.name === name);
  if (index < 0) throw new TypeError(`source ${source.name} has no column ${name}`);
  return index;
}

/** Compares two changes of one row: by log order, then by offset. */
export function compareChanges(
  a: { readonly order: bigint; readonly offset: number },
  b: { readonly order: bigint; readonly offset: number },
): number {
  return a.order < b.order ? -1 : a.order > b.order ? 1 : a.offset - b.offset;
}

/** The place of a change among the changes of its table. */
export function placeOf(change: Change): Pick<RowChange, "order" | "offset"> {
  const { order, committedAfter, generation = 0 } = change;
  const offset =
    order === null || committedAfter === undefined
      ? change.offset
      : offsetLike(change, Number(order));
  // No change has the order right before a commit's: the commit is there.
  const at =
    committedAfter === undefined
      ? (order ?? change.inheritedOrder ?? BigInt(change.offset))
      : committedAfter - 1n;
  return { order: orderInGeneration(generation, at), offset };
}

/** Makes a reader of row changes for one source. A truncate, or a change of no row, gives none. */
export function rowChangesOf(source: SourceSpec): (change: Change) => readonly KeyedRowChange[] {
  const keys = primaryKeyIndexes(source);
  const since =
    source.eventTime.kind === "committed" && source.eventTime.since !== null
      ? columnIndex(source, source.eventTime.since)
      : -1;

  const keyColumns = primaryKeyColumns(source);

  const microsOf = (value: Value): number | null =>
    typeof value !== "number" ? null : source.columns[since]!.type === "date" ? value * DAY : value;

  return (change) => {
    if (change.values === null || (change.kind !== "upsert" && change.kind !== "delete")) return [];
    const { values } = change;
    const committed = knownFrom(change, since < 0 ? null : microsOf(values[since] ?? null));
    const { order, offset } = placeOf(change);
    const loggedCommitTime = change.committed ?? 0;
    const orderInherited =
      change.committedAfter !== undefined ||
      (change.order === null && change.inheritedOrder !== undefined);
    const gone = (): RowChange => ({
      order,
      offset,
      orderInherited,
      committed,
      loggedCommitTime,
      values: null,
      unavailable: [],
      undeclaredUnavailable: [],
      undecodable: null,
      invalidColumns: [],
    });
    const key = keys.map((index) => values[index]!);
    const now: RowChange =
      change.kind === "delete"
        ? gone()
        : {
            order,
            offset,
            orderInherited,
            committed,
            loggedCommitTime,
            values,
            unavailable: change.unavailable,
            undeclaredUnavailable:
              change.undeclaredUnavailable?.map((name) => ({ name, image: null })) ?? NONE,
            undecodable: change.undecodable?.reason ?? null,
            invalidColumns:
              change.invalidColumns.length === 0
                ? NONE
                : change.invalidColumns.map(({ column, reason }) => `${column}:${reason}`),
          };
    // The old key is deleted at once, whichever partition holds its own delete (law 5: replay is
    // free). The key of the message may have more columns than the primary key.
    return change.oldKey === null || compareKeys(keyColumns, change.oldKey, key) === 0
      ? [{ key, change: now }]
      : [
          { key: change.oldKey, change: gone() },
          { key, change: now },
        ];
  };
}

/**
 * Known from of a snapshot row: the declared column, but never later than the snapshot read it (law
 * 2).
 */
function knownFrom(change: Change, since: number | null): number {
  const committed = change.committed ?? 0;
  return change.snapshot && since !== null && since < committed ? since : committed;
}

const DAY = 86_400_000_000;
/** Most rows share it, because the changes of a log tail are in memory together. */
const NONE: readonly never[] = [];
