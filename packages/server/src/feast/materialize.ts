/**
 * Reads and runs `POST /materialize` and `POST /materialize-incremental`. Feast gives an interval
 * of times. The days that end in the interval are materialized.
 */
import { TidemarkError, type AuditCaller, type Store } from "@tidemark/core";
import { parseDate, parseTime } from "@tidemark/core/spi";
import type { Serving } from "../http/serving.ts";
import { BodyReader, MalformedBody } from "./malformed.ts";

/** A request to materialize. */
export interface Materialization {
  readonly views: readonly string[];
  readonly days:
    | { readonly from: string; readonly to: string }
    | { readonly incremental: true; readonly to: string };
  /** True if the request is answered before the materialization is done. */
  readonly async: boolean;
}

/**
 * The greatest number of days of one request. A thousand days of a feature table take minutes.
 * Therefore a longer interval is probably a mistake.
 */
const MAX_DAYS = 3660;
const DAY_MS = 86_400_000;

/**
 * Reads the body of `POST /materialize`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws VIEW_UNKNOWN when no view has the name.
 * @throws TIME_INVALID when a time is wrong, no day ends in the interval, or too many days do.
 */
export function materialization(body: unknown, query: unknown, serving: Serving): Materialization {
  const reader = new BodyReader(body);
  const start = reader.neededText("start_ts");
  const end = reader.neededText("end_ts");
  const views = requestedViews(reader, serving);
  if (reader.flag("disable_event_timestamp", false))
    reader.refuse(
      "disable_event_timestamp",
      "Tidemark materializes rows with their event time only; give start_ts and end_ts",
    );
  reader.done();
  const [from, to] = [requestTime(start, "start_ts"), requestTime(end, "end_ts")];
  if (from >= to)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: start_ts ${start} is not before end_ts ${end}; ` +
        "give the earlier time as start_ts",
    );
  if (to - from > MAX_DAYS * DAY_MS * 1000)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: from ${start} to ${end} are more than ${MAX_DAYS} days; ` +
        "send several requests",
    );
  const days = { from: dayInZone(from, serving.zone), to: dayInZone(to, serving.zone) };
  if (days.from >= days.to)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: no whole day of zone ${serving.zone} lies between ${start} and ${end}; ` +
        "give the end of a day as end_ts",
    );
  return { views, days, async: isAsync(query) };
}

/**
 * Reads the body of `POST /materialize-incremental`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws VIEW_UNKNOWN when no view has the name.
 * @throws TIME_INVALID when `end_ts` is no time.
 */
export function incrementalMaterialization(
  body: unknown,
  query: unknown,
  serving: Serving,
): Materialization {
  const reader = new BodyReader(body);
  const end = reader.neededText("end_ts");
  const views = requestedViews(reader, serving);
  reader.done();
  return {
    views,
    days: { incremental: true, to: dayInZone(requestTime(end, "end_ts"), serving.zone) },
    async: isAsync(query),
  };
}

function requestedViews(reader: BodyReader, { definitions, resolver }: Serving): readonly string[] {
  const names = reader.texts("feature_views");
  reader.flag("full_feature_names", false);
  if (reader.text("version") !== undefined)
    reader.refuse("version", "Tidemark has no versions of a view; leave version out");
  reader.done();
  return names === undefined || names.length === 0
    ? [...definitions.views.keys()]
    : [...new Set(names)].map((name) => resolver.anyView(name).name);
}

/** Parses a time as µs. A time without a zone is UTC, as in Feast. */
function requestTime(text: string, name: string): number {
  const days = parseDate(text);
  const time = days === null ? parseTime(text, "UTC") : days * DAY_MS * 1000;
  if (time === null)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: ${name} ${JSON.stringify(text.slice(0, 100))} is not a time; ` +
        `write it as "2026-01-31T09:30:00Z"`,
    );
  return time;
}

/** Returns the day of a time in the zone. */
function dayInZone(time: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "iso8601",
    era: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(time / 1000);
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((one) => one.type === type)?.value ?? "";
  if (part("era").startsWith("B"))
    throw new TidemarkError(
      "TIME_INVALID",
      "the request: a time is before the year 1; give later times",
    );
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/**
 * Reads Feast's query parameter `async`. The parameter `force` has no effect: a finished
 * materialization never counts as running.
 */
function isAsync(query: unknown): boolean {
  const flags = ["async", "force"].map((name) => {
    const given = (query as Readonly<Record<string, unknown>>)[name];
    if (given === undefined) return false;
    const text = String(given).toLowerCase();
    if (!["true", "1", "on", "yes", "t", "y", "false", "0", "off", "no", "f", "n"].includes(text))
      throw new MalformedBody([
        {
          type: "bool_parsing",
          loc: ["query", name],
          msg: "Input should be a valid boolean, unable to interpret input",
        },
      ]);
    return ["true", "1", "on", "yes", "t", "y"].includes(text);
  });
  return flags[0]!;
}

/** Runs materializations, and knows the views whose materialization is running. */
export interface Materializer {
  /** Returns those of `views` whose materialization runs in this process. */
  running(views: readonly string[]): readonly string[];
  /** Materializes the views. The promise resolves to the number of days when all are done. */
  start(request: Materialization, caller: AuditCaller): Promise<number>;
  /** Stops the running materializations. The same requests can be sent again later. */
  stop(): Promise<void>;
}

/** Makes a materializer over a store. `zone` is the zone of the days. */
export function materializer(store: Store, zone: string): Materializer {
  const running = new Map<string, Promise<number>>();
  const ending = new AbortController();
  return {
    running: (views) => views.filter((view) => running.has(view)),
    start({ views, days }, caller) {
      const work = store
        .materialize({ views, ...days, zone, caller, signal: ending.signal })
        .then((result) => result.views.reduce((sum, { dates }) => sum + dates.length, 0))
        .finally(() => {
          for (const view of views) running.delete(view);
        });
      for (const view of views) running.set(view, work);
      return work;
    },
    async stop() {
      ending.abort();
      await Promise.allSettled(running.values());
    },
  };
}
