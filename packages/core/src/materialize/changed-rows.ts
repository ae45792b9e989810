/** Finds the rows of a source that changed after some positions of its change log. */
import type { HistoryContext } from "../offline/history-context.ts";
import { readChangeLog } from "../offline/change-log.ts";
import type { HistoryState } from "../offline/version-events.ts";
import { offsetsOf, partitionKeyOf } from "../rows/snapshot-generations.ts";
import { compareChanges, rowChangesOf } from "../rows/row-change.ts";
import { truncateOf, type RowVersion } from "../rows/row-versions.ts";
import { snapshotsIn, type CheckedDate } from "./features-table.ts";

/** The most changed rows that are examined one by one. Beyond it, every day counts as stale. */
export const MAX_CHANGED_ROWS = 2_000_000;

/** The new changes of one row. */
export interface ChangedRow {
  /** For each partition of the log: the last offset with a change of the row. */
  readonly reached: Map<string, number>;
  /** The orders of its changes. */
  readonly orders: {
    readonly order: bigint;
    readonly offset: number;
    readonly committed: number;
  }[];
}

/** Whether the row has a change for which the date was not checked. */
export function isAhead({ reached }: ChangedRow, checked: CheckedDate): boolean {
  return [...reached].some(([partition, offset]) => offset > checked.reached(partition));
}

/**
 * The rows that changed after what the dates were checked for. "all": the log is another one, a
 * truncate came, or too many rows changed.
 */
export async function newChanges(
  context: HistoryContext,
  state: HistoryState,
  dates: readonly CheckedDate[],
  most: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ChangedRow> | "all"> {
  // A log that ends before the offset that a date was computed from is another log.
  const ends = offsetsOf(state.log.positions);
  if (
    dates.some(({ partitions, reached }) =>
      partitions.some((partition) => (ends.get(partition) ?? -1) < reached(partition)),
    )
  )
    return "all";
  // The end of a snapshot deletes rows that no change names.
  const snapshots = snapshotsIn(state.log.metadata);
  if (dates.some((date) => date.snapshots !== snapshots)) return "all";
  return changedRows(context, state, dates, most, signal);
}

/** The rows that changed. "all": a truncate came, or too many rows changed. */
async function changedRows(
  { offline, tables, source, rows: versions }: HistoryContext,
  state: HistoryState,
  dates: readonly CheckedDate[],
  most: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ChangedRow> | "all"> {
  const ends = offsetsOf(state.log.positions);
  const least = new Map(
    [...ends.keys()].map((partition) => [
      partition,
      Math.min(...dates.map(({ reached }) => reached(partition))),
    ]),
  );
  const ahead = [...ends].filter(([partition, offset]) => offset > least.get(partition)!);
  const found = new Map<string, ChangedRow>();
  if (ahead.length === 0) return found;
  const read = {
    version: state.log.version,
    columns: state.log.columns,
    signal,
    fromOffset: Math.min(...ahead.map(([partition]) => least.get(partition)! + 1)),
    wanted: (partition: string, offset: number) => offset > (least.get(partition) ?? -1),
  };
  const rowChanges = rowChangesOf(source);
  for await (const change of readChangeLog(offline, tables, source, read)) {
    if (truncateOf(change) !== null) return "all";
    const partition = partitionKeyOf(change);
    for (const {
      key,
      change: { order, offset, committed },
    } of rowChanges(change)) {
      const text = versions.textOf(key);
      let row = found.get(text);
      if (row === undefined) found.set(text, (row = { reached: new Map(), orders: [] }));
      row.reached.set(partition, Math.max(offset, row.reached.get(partition) ?? -1));
      row.orders.push({ order, offset, committed });
    }
    if (found.size > most) return "all";
  }
  return found;
}

/** The first of the new changes, in their order. */
export function firstChange({ orders }: ChangedRow): ChangedRow["orders"][number] {
  return orders.reduce((least, one) => (compareChanges(one, least) < 0 ? one : least));
}

/**
 * The versions from the first of these changes on, and the version before them.
 * They include the row's earlier image, even after a late change.
 * Its values are those of a change that is still listed, or were passed on by the version before.
 */
export function affectedVersions(
  row: ChangedRow,
  versions: readonly RowVersion[],
): readonly RowVersion[] {
  const first = firstChange(row);
  const since = versions.filter((version) => compareChanges(version, first) >= 0);
  const before = versions.filter((version) => compareChanges(version, first) < 0).at(-1);
  return before === undefined || since.length === 0 ? since : [before, ...since];
}
