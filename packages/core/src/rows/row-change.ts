/** Splits a change into changes of single rows: of its old and of its new primary key. */
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import { orderInGeneration } from "./snapshot-generations.ts";

/** One change of one row, in the terms of laws 4 to 6 (rows, replay, history). */
export interface RowChange {
  /**
   * Log order: the change's own, else the inherited one, else the offset (law 5: replay is free).
   * The snapshot generation is in its upper bits.
   */
  readonly order: bigint;
  /** Decides between changes of equal order. */
  readonly offset: number;
  /** Whether the order was inherited: it is the highest order that the partition held before. */
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
  /**
   * Why the content could not be read. The row is then in no window (law 9: missing is missing).
   */
  readonly undecodable: string | null;
  /** Invalid columns, as `column:reason`. */
  readonly invalidColumns: readonly string[];
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

export function orderOf(change: Change): bigint {
  return orderInGeneration(
    change.generation ?? 0,
    change.order ?? change.inheritedOrder ?? BigInt(change.offset),
  );
}

/** Makes a reader of row changes for one source. A truncate, or a change of no row, gives none. */
export function rowChangesOf(source: SourceSpec): (change: Change) => readonly KeyedRowChange[] {
  const keys = primaryKeyIndexes(source);
  const since =
    source.eventTime.kind === "committed" && source.eventTime.since !== null
      ? columnIndex(source, source.eventTime.since)
      : -1;

  const microsOf = (value: Value): number | null =>
    typeof value !== "number" ? null : source.columns[since]!.type === "date" ? value * DAY : value;

  return (change) => {
    if (change.values === null || (change.kind !== "upsert" && change.kind !== "delete")) return [];
    const { values } = change;
    const committed = knownFrom(change, since < 0 ? null : microsOf(values[since] ?? null));
    const order = orderOf(change);
    const loggedCommitTime = change.committed ?? 0;
    const orderInherited = change.order === null && change.inheritedOrder !== undefined;
    const gone = {
      order,
      offset: change.offset,
      orderInherited,
      committed,
      loggedCommitTime,
      values: null,
      unavailable: [],
      undecodable: null,
      invalidColumns: [],
    };
    const key = keys.map((index) => values[index]!);
    const now: RowChange =
      change.kind === "delete"
        ? gone
        : {
            order,
            offset: change.offset,
            orderInherited,
            committed,
            loggedCommitTime,
            values,
            unavailable: change.unavailable,
            undecodable: change.undecodable?.reason ?? null,
            invalidColumns: change.invalidColumns.map(
              ({ column, reason }) => `${column}:${reason}`,
            ),
          };
    // The old key is deleted at once, whichever partition holds its own delete (law 5: replay is
    // free).
    return change.oldKey === null
      ? [{ key, change: now }]
      : [
          { key: change.oldKey, change: gone },
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
