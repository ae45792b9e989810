/**
 * Materializes views: the rows of some days go into the features table.
 * The rows of the newest day go into the online store too.
 */
import { historyContext } from "../offline/history-context.ts";
import { definitionOf, described } from "../define/definition.ts";
import { TidemarkError } from "../errors.ts";
import { bytesOption } from "../option-checks.ts";
import { DEFAULT_MEMORY_LIMIT, LEAST_MEMORY_LIMIT } from "../memory-limit.ts";
import { sourceReadings } from "../define/source-readings.ts";
import type { DimensionHistory } from "../offline/history-lookups.ts";
import { historyState } from "../offline/version-events.ts";
import { sourcesOfView } from "../plan/columns-read.ts";
import type { DerivedViewSpec, ViewSpec } from "../specs.ts";
import type { ComputeEngine, OfflineStore, OnlineStore } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { formatTime } from "../time/parse-time.ts";
import { computeDays } from "./compute-days.ts";
import { mostSeen, seenEntities, type SeenEntities } from "./entities.ts";
import { entitiesOfDay } from "./entities-of-day.ts";
import {
  featuresTable,
  readFeaturesTableState,
  type FeaturesTableState,
  type ViewLogs,
} from "./features-table.ts";
import {
  dayAfter,
  lastDayBefore,
  localDate,
  localDates,
  refuseUnfinished,
  today,
  type LocalDate,
} from "./local-date.ts";
import {
  beginSegments,
  LATER_DAY_SERVED,
  servedDay,
  type SegmentWriter,
} from "./online-segments.ts";
import { staleDates, type ReadHistory } from "./stale-dates.ts";
import type { MaterializedView, MaterializeOptions, MaterializeResult } from "./types.ts";
import { viewFingerprint } from "./view-fingerprint.ts";

/** The parts of a store that materializing uses. */
export interface MaterializeSettings {
  readonly views: ReadonlyMap<string, ViewSpec>;
  readonly derivedViews: ReadonlyMap<string, DerivedViewSpec>;
  readonly offline: OfflineStore;
  readonly online: OnlineStore | null;
  readonly namespace: string;
  readonly engine: ComputeEngine;
  /** Current time, µs. */
  readonly clock: () => number;
  readonly limits?: Partial<MaterializeLimits> | undefined;
  /** Called with the number of looked-up values that overflowed. */
  readonly onOverflow?: ((count: number) => void) | undefined;
}

/** How much a run computes at once. */
export interface MaterializeLimits {
  /** Days that are computed from one scan of the history, and committed together. */
  readonly days: number;
  /** Default: that of the options. */
  readonly memoryLimit: number;
  /**
   * The approximate number of rows that the engine computes at once, if memory allows.
   * A writer of Parquet takes as many rows for a row group.
   */
  readonly engineRows: number;
  /** The number of changed rows that an incremental run examines one by one. */
  readonly changedRows?: number | undefined;
}

const LIMITS: Omit<MaterializeLimits, "memoryLimit"> = { days: 31, engineRows: 125_000 };
/** The part of the memory limit that the rows may take which the engine computes at once. */
const ROWS_SHARE = 1 / 8;
/** The same for an engine that computes elsewhere. */
const ELSEWHERE_SHARE = 1 / 2;
/** The memory of one value: itself, its status and its event time. */
const VALUE_BYTES = 24;
const ATTEMPTS = 10;
const WHO = "materialize";

/** Computes the requested days of the views, one view after the other. */
export async function materializeViews(
  options: MaterializeOptions,
  settings: MaterializeSettings,
): Promise<MaterializeResult> {
  const { zone = "UTC", signal } = options;
  const views =
    options.views === undefined
      ? [...settings.views.values()]
      : options.views.map((one) => resolveView(one, settings));
  const now = settings.clock();
  const asked = requestedDays(options, zone, now);
  const limits = limitsOf(options, settings.limits);
  refuseUnfinished(asked.days ?? [], now, WHO);
  const progress = { done: 0, total: 0 };
  const results: MaterializedView[] = [];
  for (const view of views) {
    signal?.throwIfAborted();
    results.push(await materializeView(view, asked, zone, options, limits, settings, progress));
  }
  return { views: results };
}

function limitsOf(
  { memoryLimit }: MaterializeOptions,
  given: Partial<MaterializeLimits> | undefined,
): MaterializeLimits {
  const bytes = bytesOption("memoryLimit", memoryLimit, {
    least: LEAST_MEMORY_LIMIT,
    otherwise: DEFAULT_MEMORY_LIMIT,
  });
  return { ...LIMITS, memoryLimit: bytes, ...given };
}

/** The number of rows that the engine computes at once. */
function engineRowsOf(
  { features }: ViewSpec,
  { engineRows, memoryLimit }: MaterializeLimits,
  isElsewhere: boolean,
): number {
  const bytes = VALUE_BYTES * (features.length + 1);
  // an engine elsewhere reads the history for each of its tasks, and no events are in memory here
  if (isElsewhere) return Math.max(1, Math.floor((memoryLimit * ELSEWHERE_SHARE) / bytes));
  return Math.max(1, Math.min(engineRows, Math.floor((memoryLimit * ROWS_SHARE) / bytes)));
}

/**
 * The requested days. `days` null: an incremental run.
 * It computes the days that the table needs, and every day of [from, to) that the table lacks.
 */
interface RequestedDays {
  readonly days: readonly LocalDate[] | null;
  readonly from: string | undefined;
  readonly to: string;
}

function requestedDays(
  { dates, from, to, incremental = false }: MaterializeOptions,
  zone: string,
  now: number,
): RequestedDays {
  const until = to ?? today(now, zone);
  if (incremental) {
    if (dates !== undefined)
      throw new TidemarkError(
        "DATES_INVALID",
        `${WHO}: dates and incremental do not go together; ` +
          "give the days to compute, or let incremental find them",
      );
    if (from !== undefined) localDates(from, until, zone, WHO);
    refuseUnfinished([lastDayBefore(until, zone, `${WHO}: to`)], now, WHO);
    return { days: null, from, to: until };
  }
  if ((dates === undefined) === (from === undefined && to === undefined))
    throw new TidemarkError(
      "DATES_INVALID",
      `${WHO}: say which days: dates, or from and to, or incremental`,
    );
  if (dates !== undefined) {
    if (dates.length === 0)
      throw new TidemarkError(
        "DATES_EMPTY",
        `${WHO}: dates is empty; give a day such as "2025-06-14"`,
      );
    const days = [
      ...new Map(
        dates.map((date) => localDate(date, zone, `${WHO}: dates`)).map((day) => [day.date, day]),
      ).values(),
    ];
    return { days: days.sort((a, b) => a.time - b.time), from, to: until };
  }
  if (from === undefined)
    throw new TidemarkError("DATES_INVALID", `${WHO}: from is missing; give the first day`);
  return { days: localDates(from, until, zone, WHO), from, to: until };
}

async function materializeView(
  view: ViewSpec,
  asked: RequestedDays,
  zone: string,
  options: MaterializeOptions,
  limits: MaterializeLimits,
  settings: MaterializeSettings,
  progress: { done: number; total: number },
): Promise<MaterializedView> {
  const { offline } = settings;
  const table = featuresTable(view);
  const done = new Map<
    string,
    { readonly date: string; readonly rows: number; readonly state: "new" | "recomputed" }
  >();
  let served: string | null = null;
  let dateCount = 0;
  const yieldToEventLoop = eventLoopYielder();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const due = asked.days ?? null;
    const plan =
      due === null
        ? await incrementalDays(view, asked, zone, options, limits, settings)
        : { days: due, commits: null, finish: null, seen: null };
    const days = plan.days.filter(({ date }) => due === null || !done.has(date));
    progress.total = progress.done + days.length;
    let commits = plan.commits;
    let conflict = false;
    const size = limits.days;
    const seen = plan.seen ?? (days.length <= size ? null : seenEntities(limits.memoryLimit));
    for (let first = 0; first < days.length && !conflict; first += size) {
      const chunk = days.slice(first, first + size);
      // A server's thread has requests to answer. It also learns only then that a caller has given
      // up.
      await yieldToEventLoop();
      options.signal?.throwIfAborted();
      const result = await commitDays(
        view,
        chunk,
        { commits, online: options.online !== false && first + size >= days.length, zone, seen },
        options,
        limits,
        settings,
      );
      if (result === null) {
        conflict = true;
        break;
      }
      if (commits !== null) commits = result.commits;
      served = result.served ?? served;
      dateCount = result.dateCount;
      for (const [i, { date }] of chunk.entries()) {
        done.set(date, {
          date,
          rows: result.rows[i]!,
          state: result.again.has(date) ? "recomputed" : "new",
        });
        progress.done++;
        options.onProgress?.({
          view: view.name,
          date,
          rows: result.rows[i]!,
          done: progress.done,
          total: progress.total,
        });
      }
    }
    if (!conflict && plan.finish !== null) {
      const finished = await plan.finish(commits!);
      conflict = finished === null;
      dateCount = finished ?? dateCount;
    }
    if (conflict) continue;
    return {
      view: view.name,
      table: table.name,
      dates: [...done.values()].sort((a, b) => (a.date < b.date ? -1 : 1)),
      unchanged: dateCount - done.size,
      online: served,
    };
  }
  throw new TidemarkError(
    "MATERIALIZE_CONTENDED",
    `${offline.name}: ${ATTEMPTS} attempts to write table ${table.name} met other writers; ` +
      `let one run at a time materialize view "${view.name}"`,
    { retryable: true },
  );
}

/**
 * Computes and commits some days. null: another run has committed first.
 * `commits` is the commit count that the table must have; null: any.
 */
async function commitDays(
  view: ViewSpec,
  days: readonly LocalDate[],
  how: {
    readonly commits: number | null;
    readonly online: boolean;
    readonly zone: string;
    readonly seen: SeenEntities | null;
  },
  { signal, engine: daysEngine }: MaterializeOptions,
  limits: MaterializeLimits,
  settings: MaterializeSettings,
): Promise<{
  readonly commits: number;
  readonly rows: readonly number[];
  readonly again: ReadonlySet<string>;
  readonly dateCount: number;
  readonly served: string | null;
} | null> {
  const { offline, online, namespace, engine, onOverflow } = settings;
  const table = featuresTable(view);
  const fingerprint = viewFingerprint(view);
  const newest = days.at(-1)!;
  // The table and the history are checked before anything is begun.
  refuseOtherZone(view, await readFeaturesTableState(offline, table, signal), days, how.zone);
  await historyOf(view, offline, signal);
  const begun =
    online === null || !how.online
      ? LATER_DAY_SERVED
      : await beginSegments(online, namespace, view, newest, fingerprint);
  const segments: SegmentWriter | null = begun === LATER_DAY_SERVED ? null : begun;
  const materialized = await readFeaturesTableState(offline, table, signal);
  refuseOtherZone(view, materialized, days, how.zone);
  if (how.commits !== null && materialized.commitCount !== how.commits) return null;
  const history = await historyOf(view, offline, signal);
  const rows = days.map(() => 0);
  const batches = computeDays({
    history,
    view,
    table,
    engine,
    daysEngine: daysEngine ?? null,
    days,
    limits: { ...limits, engineRows: engineRowsOf(view, limits, daysEngine !== undefined) },
    seen: how.seen,
    online: segments,
    signal,
    onOverflow,
    onRows: (day, count) => {
      rows[day]! += count;
    },
  });
  const written = await offline.rewrite(table, batches, {
    replaced: { [table.partitionBy[0]!]: days.map(({ date }) => date) },
    expectedVersion: materialized.version,
    positions: [],
    metadata: materialized.dateSteps(days, fingerprint, logsOf(history)),
    signal,
  });
  if (written === "conflict") return null;
  const again = new Set(days.flatMap(({ date }) => (materialized.dates.has(date) ? [date] : [])));
  return {
    commits: materialized.commitCount + 1,
    rows,
    again,
    dateCount: materialized.dates.size + days.length - again.size,
    served: segments === null ? null : newest.date,
  };
}

/**
 * Finds the days that an incremental run has to compute: those that are stale, and those that the
 * table lacks.
 * `finish` records that all other days were checked.
 */
async function incrementalDays(
  view: ViewSpec,
  { from, to }: RequestedDays,
  zone: string,
  { signal, online: wanted }: MaterializeOptions,
  limits: MaterializeLimits,
  { offline, online, namespace }: MaterializeSettings,
) {
  const table = featuresTable(view);
  const fingerprint = viewFingerprint(view);
  const materialized = await readFeaturesTableState(offline, table, signal);
  const history = await historyOf(view, offline, signal);
  const stored = [...materialized.dates.values()].sort((a, b) => a.time - b.time);
  const newest = stored.at(-1);
  if (newest === undefined && from === undefined) {
    throw new TidemarkError(
      "MATERIALIZE_NOT_BEGUN",
      `${offline.name}: nothing of view "${view.name}" is materialized yet, ` +
        "so incremental cannot tell where to begin; give the first day with from",
    );
  }
  refuseOtherZone(
    view,
    materialized,
    stored.map(({ date }) => localDate(date, zone, WHO)),
    zone,
  );
  const same = stored.filter((date) => date.fingerprint === fingerprint);
  const stale = await staleDates(
    history,
    same,
    limits.changedRows === undefined ? undefined : { rows: limits.changedRows },
    signal,
  );
  const due = new Map(
    stored
      .filter(({ date, fingerprint: under }) => under !== fingerprint || stale.has(date))
      .map(({ date, time }) => [date, { date, time }]),
  );
  const begin =
    newest === undefined
      ? from!
      : from !== undefined && from < stored[0]!.date
        ? from
        : dayAfter(newest);
  if (begin < to)
    for (const day of localDates(begin, to, zone, WHO))
      if (!materialized.dates.has(day.date)) due.set(day.date, day);
  // An online store that is behind the table gets the table's newest day.
  if (online !== null && wanted !== false && newest !== undefined && due.size === 0) {
    const served = await servedDay(online, namespace, view);
    if (
      served === null ||
      served.time < newest.time ||
      (served.time === newest.time && served.fingerprint !== fingerprint)
    )
      due.set(newest.date, { date: newest.date, time: newest.time });
  }
  const finish = async (commits: number): Promise<number | null> => {
    const now = await readFeaturesTableState(offline, table, signal);
    if (now.commitCount !== commits) return null;
    const metadata = now.everyDateSteps(logsOf(history));
    if (
      metadata.length > 0 &&
      (await offline.append(table, [], { positions: [], metadata, signal })) === "conflict"
    )
      return null;
    return now.dates.size;
  };
  const days = [...due.values()].sort((a, b) => a.time - b.time);
  const seen = await seenOnNewestDay(
    { view, history, days, newest, version: materialized.version },
    limits,
    offline,
    signal,
  );
  return { days, commits: materialized.commitCount, finish, seen };
}

/**
 * The entities of the newest day in the table, if only later days are due: that day is right, so
 * the history before its end has these entities. null: a due day needs a look at all rows.
 */
async function seenOnNewestDay(
  {
    view,
    history,
    days,
    newest,
    version,
  }: {
    readonly view: ViewSpec;
    readonly history: readonly ReadHistory[];
    readonly days: readonly LocalDate[];
    readonly newest: LocalDate | undefined;
    readonly version: number | null;
  },
  { memoryLimit }: MaterializeLimits,
  offline: OfflineStore,
  signal: AbortSignal | undefined,
): Promise<SeenEntities | null> {
  const isLater = newest !== undefined && days.length > 0 && days[0]!.time > newest.time;
  const isOfWindows = view.kind === "window" && view.source.eventTime.kind === "column";
  if (!isLater || !isOfWindows || version === null) return null;
  const most = mostSeen(memoryLimit);
  const entities = await entitiesOfDay(offline, view, { version, day: newest, most }, signal);
  if (entities === null) return null;
  const seen = seenEntities(memoryLimit);
  seen.seed(history, entities, newest.time);
  return seen;
}

/** The history of each table that the view reads. */
async function historyOf(
  view: ViewSpec,
  offline: OfflineStore,
  signal: AbortSignal | undefined,
): Promise<readonly ReadHistory[]> {
  const history: ReadHistory[] = [];
  for (const reading of sourceReadings(view)) {
    const { source } = reading;
    const context = historyContext(offline, source);
    const state = await historyState(context, signal);
    if (state === null)
      throw new TidemarkError(
        "MATERIALIZE_WITHOUT_HISTORY",
        `${offline.name}: source "${source.name}" has no history yet, ` +
          `so view "${view.name}" cannot be materialized; take its changes in with store.run first`,
      );
    const dimensions: DimensionHistory[] = [];
    for (const one of sourcesOfView(reading).slice(1)) {
      const dimension = historyContext(offline, one);
      dimensions.push({ context: dimension, state: await historyState(dimension, signal) });
    }
    history.push({ context, state, dimensions, view: reading });
  }
  return history;
}

/** The logs of a view. Those of the other parts of a union are kept as those of dimensions are. */
function logsOf([first, ...others]: readonly ReadHistory[]): ViewLogs {
  return {
    log: first!.state.log,
    dimensions: [...others, ...first!.dimensions].map(({ context, state }) => ({
      name: context.source.name,
      log: state?.log ?? null,
    })),
  };
}

function refuseOtherZone(
  view: ViewSpec,
  { dates }: FeaturesTableState,
  days: readonly LocalDate[],
  zone: string,
): void {
  for (const { date, time } of days) {
    const there = dates.get(date);
    if (there === undefined || there.time === time) continue;
    throw new TidemarkError(
      "MATERIALIZED_IN_OTHER_ZONE",
      `view "${view.name}": ${date} is materialized as of ${formatTime(there.time)}, ` +
        `and in zone ${zone} that day ends at ${formatTime(time)}; ` +
        "give the zone that the table was begun with",
    );
  }
}

function resolveView(
  asked: unknown,
  { views, derivedViews }: Pick<MaterializeSettings, "views" | "derivedViews">,
): ViewSpec {
  const name = typeof asked === "string" ? asked : viewSpecOf(asked, WHO).name;
  const derived = derivedViews.get(name);
  if (derived !== undefined) throw derivedNotMaterialized(derived, WHO);
  const view = views.get(name);
  if (view === undefined)
    throw new TidemarkError(
      "VIEW_UNKNOWN",
      `${WHO}: no feature view is called "${name}"; ` +
        `there are ${[...views.keys()].join(", ") || "none"}`,
    );
  return view;
}

export function viewSpecOf(asked: unknown, who: string): ViewSpec {
  const found = definitionOf(asked);
  if (found?.kind === "derived view") throw derivedNotMaterialized(found.spec, who);
  if (found?.kind !== "view")
    throw new TidemarkError(
      "SELECTION_INVALID",
      `${who}: ${described(asked)} is no feature view; give one as your definitions export it`,
    );
  return found.spec;
}

function derivedNotMaterialized({ name, features }: DerivedViewSpec, who: string): TidemarkError {
  const views = [...new Set(features.flatMap(({ inputs }) => inputs.map(({ view }) => view.name)))];
  return new TidemarkError(
    "VIEW_DERIVED",
    `${who}: view "${name}" is derived: its features are computed when they are asked for; ` +
      (views.length === 0
        ? "ask for them online or in a training set"
        : `materialize ${views.map((view) => `"${view}"`).join(", ")}, which it reads`),
  );
}
