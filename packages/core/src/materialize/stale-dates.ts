/**
 * Finds the stale dates: materialized days that no longer equal what the history says.
 * It looks at the changes that the log got after each day was computed, whatever their event time.
 * A row that arrives today with an event time of last month changes days of last month.
 */
import { keyText } from "../columns/key-bytes.ts";
import { valueAt } from "../columns/batch.ts";
import { readChangeLog } from "../offline/change-log.ts";
import type { HistoryContext } from "../offline/merge-versions.ts";
import { rowVersionsOf } from "../offline/row-versions-of.ts";
import { versionEvents, type HistoryState } from "../offline/version-events.ts";
import type { Value, ViewSpec } from "../specs.ts";
import { offsetsOf, partitionKeyOf } from "../rows/snapshot-generations.ts";
import {
  columnIndex,
  compareChanges,
  primaryKeyColumns,
  rowChangesOf,
} from "../rows/row-change.ts";
import { truncateOf, type RowVersion } from "../rows/row-versions.ts";
import { snapshotsIn, type MaterializedDate } from "./features-table.ts";

/** The most changed rows that are examined one by one. Beyond it, every day counts as stale. */
const MAX_CHANGED_ROWS = 2_000_000;

/** The new changes of one row. */
interface ChangedRow {
  /** For each partition of the log: the last offset with a change of the row. */
  readonly reached: Map<string, number>;
  /** The orders of its changes. */
  readonly orders: {
    readonly order: bigint;
    readonly offset: number;
    readonly committed: number;
  }[];
}

/** A row image that counts now or has counted before, and its entity. */
interface ChangedImage {
  readonly row: ChangedRow;
  readonly time: number;
  readonly entity: string | null;
}

/** Returns those of the dates that are stale. */
export async function staleDates(
  context: HistoryContext,
  state: HistoryState,
  view: ViewSpec,
  dates: readonly MaterializedDate[],
  limits: { readonly rows: number } = { rows: MAX_CHANGED_ROWS },
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const allDates = new Set(dates.map(({ date }) => date));
  if (dates.length === 0) return allDates;
  // A log that ends before the offset that a date was computed from is another log.
  const ends = offsetsOf(state.log.positions);
  if (
    dates.some(({ partitions, reached }) =>
      partitions.some((partition) => (ends.get(partition) ?? -1) < reached(partition)),
    )
  )
    return allDates;
  // The end of a snapshot deletes rows that no change names.
  const snapshots = snapshotsIn(state.log.metadata);
  if (dates.some((date) => date.snapshots !== snapshots)) return allDates;
  const rows = await changedRows(context, state, dates, limits.rows, signal);
  if (rows === "all") return allDates;
  if (rows.size === 0) return new Set();
  const images = await changedImages(context, state, view, rows, signal);
  const longest =
    view.kind === "window" ? Math.max(...view.features.map(({ window }) => window!)) : Infinity;
  const firstRows =
    view.kind === "window"
      ? await firstUnchangedRows(context, state, view, rows, images, signal)
      : null;
  const stale = new Set<string>();
  for (const { date, time: t, reached } of dates) {
    const isStale = images.some(({ row, time, entity }) => {
      if (![...row.reached].some(([partition, offset]) => offset > reached(partition)))
        return false;
      if (firstRows === null) return time <= t;
      // An entity's first row before t gives it a row, with zeros over empty windows (law 7: no
      // history dependence).
      return time < t && t <= Math.max(time + longest, firstRows.get(entity!) ?? Infinity);
    });
    if (isStale) stale.add(date);
  }
  return stale;
}

/** The rows that changed. "all": a truncate came, or too many rows changed. */
async function changedRows(
  { offline, tables, source, rows: versions }: HistoryContext,
  state: HistoryState,
  dates: readonly MaterializedDate[],
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

async function changedImages(
  context: HistoryContext,
  state: HistoryState,
  view: ViewSpec,
  rows: ReadonlyMap<string, ChangedRow>,
  signal: AbortSignal | undefined,
): Promise<readonly ChangedImage[]> {
  const { source } = context;
  const time =
    source.eventTime.kind === "column" ? columnIndex(source, source.eventTime.column) : -1;
  const keys = view.keyColumns.map((name) => columnIndex(source, name));
  const keyColumns = keys.map((index) => source.columns[index]!);
  const images: ChangedImage[] = [];
  for await (const { text, versions } of rowVersionsOf(
    context,
    state,
    new Set(rows.keys()),
    signal,
  )) {
    const row = rows.get(text)!;
    if (time < 0) {
      // A dimension: what is seen may change from the earliest known-from of the affected versions.
      const affected = affectedVersions(row, versions);
      const moments = [
        ...affected.flatMap(({ from, committed }) => [from, committed]),
        ...(affected.length === 0 ? [] : row.orders.map(({ committed }) => committed)),
      ].filter(Number.isFinite);
      if (moments.length > 0) images.push({ row, time: Math.min(...moments), entity: null });
      continue;
    }
    const seen = new Set<string>();
    for (const { values } of affectedVersions(row, versions)) {
      const at = values?.[time] ?? null;
      const key = keys.map((index): Value => values?.[index] ?? null);
      if (at === null || key.includes(null)) continue;
      const entity = keyText(keyColumns, key);
      if (seen.has(`${String(at)} ${entity}`)) continue;
      seen.add(`${String(at)} ${entity}`);
      images.push({ row, time: at as number, entity });
    }
  }
  return images;
}

/**
 * The versions from the first of these changes on, and the version before them.
 * They include the row's earlier image, even after a late change.
 * Its values are those of a change that is still listed, or were passed on by the version before.
 */
function affectedVersions(
  { orders }: ChangedRow,
  versions: readonly RowVersion[],
): readonly RowVersion[] {
  const first = orders.reduce((least, one) => (compareChanges(one, least) < 0 ? one : least));
  const since = versions.filter((version) => compareChanges(version, first) >= 0);
  const before = versions.filter((version) => compareChanges(version, first) < 0).at(-1);
  return before === undefined || since.length === 0 ? since : [before, ...since];
}

/**
 * For each entity of an image: the time of its first row that did not change. Infinity: it has no
 * such row.
 */
async function firstUnchangedRows(
  context: HistoryContext,
  state: HistoryState,
  view: ViewSpec,
  rows: ReadonlyMap<string, ChangedRow>,
  images: readonly ChangedImage[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const entities = [...new Set(images.map(({ entity }) => entity!))];
  const numbers = new Map(entities.map((entity, number) => [entity, number]));
  const first = new Float64Array(entities.length).fill(Infinity);
  const query = {
    columns: primaryKeyColumns(context.source),
    keyColumns: view.keyColumns,
    entityOf: (text: string) => numbers.get(text) ?? -1,
    signal,
    knowledge: "as-corrected" as const,
    times: { min: -Infinity, max: Infinity },
  };
  for await (const {
    length,
    entity,
    time,
    columns: { vectors },
  } of versionEvents(context, state, query)) {
    for (let i = 0; i < length; i++) {
      const number = entity[i]!;
      if (number < 0 || time[i]! >= first[number]!) continue;
      if (!rows.has(context.rows.textOf(vectors.map((vector) => valueAt(vector, i)))))
        first[number] = time[i]!;
    }
  }
  return new Map(entities.map((entity, number) => [entity, first[number]!]));
}
