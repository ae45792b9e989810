/**
 * Finds the stale dates: materialized days that no longer equal what the history says.
 * It looks at the changes that the log got after each day was computed, whatever their event time.
 * A row that arrives today with an event time of last month changes days of last month.
 */
import type { HistoryContext } from "../offline/history-context.ts";
import { keyText } from "../columns/key-bytes.ts";
import { valueAt } from "../columns/batch.ts";
import { bindFilter } from "../expr/bind.ts";
import {
  historyLookups,
  withLookups,
  type DimensionHistory,
  type ViewHistory,
} from "../offline/history-lookups.ts";
import { rowVersionsOf } from "../offline/row-versions-of.ts";
import { versionEvents, type HistoryState } from "../offline/version-events.ts";
import { columnsOfRows, storedColumnsOf } from "../plan/columns-read.ts";
import { rowsOfView } from "../plan/compile.ts";
import type { Value, ViewSpec } from "../specs.ts";
import {
  columnIndex,
  compareChanges,
  eventTimeIndex,
  primaryKeyColumns,
} from "../rows/row-change.ts";
import { longestReach } from "../define/window-reach.ts";
import { windowsOf } from "../plan/windows.ts";
import {
  affectedVersions,
  firstChange,
  isAhead,
  MAX_CHANGED_ROWS,
  newChanges,
  type ChangedRow,
} from "./changed-rows.ts";
import type { MaterializedDate } from "./features-table.ts";

/** A row image that counts now or has counted before, and its entity. */
interface ChangedImage {
  readonly row: ChangedRow;
  readonly time: number;
  readonly entity: string | null;
}

/** The history of a table that a view reads, and the view as it reads that table. */
export interface ReadHistory extends ViewHistory {
  readonly view: ViewSpec;
}

/** Returns those of the dates that are stale. */
export async function staleDates(
  history: readonly ReadHistory[],
  dates: readonly MaterializedDate[],
  limits: StaleLimits = { rows: MAX_CHANGED_ROWS },
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const allDates = new Set(dates.map(({ date }) => date));
  const stale = new Set<string>();
  for (const one of history) {
    for (const dimension of one.dimensions) {
      const found = await staleByLookups(dimension, dates, limits, signal);
      if (found === "all") return allDates;
      for (const date of found) stale.add(date);
    }
    const { name } = one.context.source;
    // the logs of the other parts of a union are kept by their names
    const checked =
      name === history[0]!.context.source.name
        ? dates
        : dates.map((date) => ({ ...date, ...date.ofDimension(name) }));
    const own = await staleByRows(one, one.view, checked, limits, signal);
    if (own === "all") return allDates;
    for (const date of own) stale.add(date);
  }
  return stale;
}

interface StaleLimits {
  readonly rows: number;
}

/** The dates whose rows look up what changed: a version holds for the events after its commit. */
async function staleByLookups(
  { context, state }: DimensionHistory,
  dates: readonly MaterializedDate[],
  limits: StaleLimits,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | "all"> {
  if (state === null) return [];
  const { name } = context.source;
  const checked = dates.map((date) => date.ofDimension(name));
  const rows = await newChanges(context, state, checked, limits.rows, signal);
  if (rows === "all") return rows;
  if (rows.size === 0) return [];
  const moments = await changedMoments(context, state, rows, signal);
  return dates.flatMap(({ date, time }, i) =>
    moments.some((moment) => moment.time < time && isAhead(moment.row, checked[i]!)) ? [date] : [],
  );
}

async function staleByRows(
  history: ViewHistory,
  view: ViewSpec,
  dates: readonly MaterializedDate[],
  limits: StaleLimits,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | "all"> {
  const { context, state } = history;
  const rows = await newChanges(context, state, dates, limits.rows, signal);
  if (rows === "all") return rows;
  if (rows.size === 0) return [];
  const latest = Math.max(...dates.map(({ time }) => time));
  const changed =
    context.source.eventTime.kind === "committed"
      ? await changedMoments(context, state, rows, signal)
      : await changedImages(context, state, view, rows, signal);
  // most new rows are later than all dates
  const images = changed.filter(({ time }) => time <= latest);
  if (images.length === 0) return [];
  const longest =
    view.kind === "window" ? longestReach(view.features.flatMap(windowsOf)) : Infinity;
  const firstRows =
    view.kind === "window" ? await firstUnchangedRows(history, view, rows, images, signal) : null;
  return dates.flatMap((checked) => {
    const { date, time: t } = checked;
    const isStale = images.some(({ row, time, entity }) => {
      if (!isAhead(row, checked)) return false;
      if (firstRows === null) return time <= t;
      // An entity's first row before t gives it a row, with zeros over empty windows (law 7: no
      // history dependence).
      return time < t && t <= Math.max(time + longest, firstRows.get(entity!) ?? Infinity);
    });
    return isStale ? [date] : [];
  });
}

async function changedImages(
  context: HistoryContext,
  state: HistoryState,
  view: ViewSpec,
  rows: ReadonlyMap<string, ChangedRow>,
  signal: AbortSignal | undefined,
): Promise<readonly ChangedImage[]> {
  const { source } = context;
  const time = eventTimeIndex(source);
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
 * For each changed row of a dimension: the earliest moment from which another version is seen. It
 * is the earliest commit time of its new changes, and of the versions from the first of them on: a
 * late change may raise their known-from.
 */
async function changedMoments(
  context: HistoryContext,
  state: HistoryState,
  rows: ReadonlyMap<string, ChangedRow>,
  signal: AbortSignal | undefined,
): Promise<readonly ChangedImage[]> {
  const images: ChangedImage[] = [];
  const texts = new Set(rows.keys());
  for await (const { text, versions } of rowVersionsOf(context, state, texts, signal)) {
    const row = rows.get(text)!;
    const first = firstChange(row);
    const since = versions.filter((version) => compareChanges(version, first) >= 0);
    if (since.length === 0) continue;
    const moments = [...since, ...row.orders].map(({ committed }) => committed);
    images.push({ row, time: Math.min(...moments), entity: null });
  }
  return images;
}

/**
 * For each entity of an image: the time of its first row that did not change. Infinity: it has no
 * such row.
 */
async function firstUnchangedRows(
  { context, state, dimensions }: ViewHistory,
  view: ViewSpec,
  rows: ReadonlyMap<string, ChangedRow>,
  images: readonly ChangedImage[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const entities = [...new Set(images.map(({ entity }) => entity!))];
  const numbers = new Map(entities.map((entity, number) => [entity, number]));
  const first = new Float64Array(entities.length).fill(Infinity);
  // A row that the view leaves out gives an entity no row.
  const primaryKey = primaryKeyColumns(context.source);
  const names = new Set(storedColumnsOf(view, columnsOfRows(view)));
  const everyTime = { min: -Infinity, max: Infinity };
  const lookUp = await historyLookups(
    rowsOfView(view),
    dimensions,
    everyTime,
    { count: 0 },
    signal,
  );
  const query = {
    columns: [
      ...primaryKey,
      ...context.source.columns.filter((one) => names.has(one.name) && !primaryKey.includes(one)),
    ],
    keyColumns: view.keyColumns,
    entityOf: (text: string) => numbers.get(text) ?? -1,
    signal,
    knowledge: "as-corrected" as const,
    times: everyTime,
  };
  const events = withLookups(versionEvents(context, state, query), lookUp);
  for await (const { length, entity, time, columns } of events) {
    const keyVectors = columns.vectors.slice(0, primaryKey.length);
    const passes = view.rows === undefined ? null : bindFilter(view.rows, columns, { count: 0 });
    for (let i = 0; i < length; i++) {
      const number = entity[i]!;
      if (number < 0 || time[i]! >= first[number]! || passes?.(i) === false) continue;
      if (!rows.has(context.rows.textOf(keyVectors.map((vector) => valueAt(vector, i)))))
        first[number] = time[i]!;
    }
  }
  return new Map(entities.map((entity, number) => [entity, first[number]!]));
}
