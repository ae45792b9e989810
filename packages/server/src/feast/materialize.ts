/**
 * Serves `POST /materialize` and `/materialize-incremental`. Feast's interval of times becomes the
 * days that ended in it.
 */
import { TidemarkError, type Store } from "@tidemark/core";
import { parseDate, parseTime } from "@tidemark/core/spi";
import type { Serving } from "../http/serving.ts";
import { BodyReader, MalformedBody } from "./malformed.ts";

export interface Materialization {
  readonly views: readonly string[];
  readonly days:
    | { readonly from: string; readonly to: string }
    | { readonly incremental: true; readonly to: string };
  /** True if the request is answered before the materialization is done. */
  readonly async: boolean;
}

/**
 * The greatest number of days of one request. A thousand days of a feature table take minutes, so
 * more days are a mistake.
 */
const MAX_DAYS = 3660;
const DAY_MS = 86_400_000;

export function materialization(body: unknown, query: unknown, serving: Serving): Materialization {
  const reader = new BodyReader(body);
  const start = reader.neededText("start_ts");
  const end = reader.neededText("end_ts");
  const views = requestedViews(reader, serving);
  if (reader.flag("disable_event_timestamp", false))
    reader.refuse(
      "disable_event_timestamp",
      "Rows are not materialized without their time here; give start_ts and end_ts",
    );
  reader.done();
  const [from, to] = [requestTime(start, "start_ts"), requestTime(end, "end_ts")];
  if (from >= to)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: start_ts ${start} is not before end_ts ${end}; ` +
        "give the earlier one as start_ts",
    );
  if (to - from > MAX_DAYS * DAY_MS * 1000)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: from ${start} to ${end} are more than ${MAX_DAYS} days; ` +
        "materialize them in parts",
    );
  const days = { from: dayInZone(from, serving.zone), to: dayInZone(to, serving.zone) };
  if (days.from >= days.to)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: no day of ${serving.zone} begins and ends from ${start} to ${end}; ` +
        "rows are materialized at the end of a day: let end_ts be the end of one",
    );
  return { views, days, async: isAsync(query) };
}

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
    reader.refuse("version", "There are no versions of a view here; leave it out");
  reader.done();
  return names === undefined || names.length === 0
    ? [...definitions.views.keys()]
    : [...new Set(names)].map((name) => resolver.view(name).name);
}

/** Parses a time. A time without a zone is UTC, as in Feast. */
function requestTime(text: string, name: string): number {
  const days = parseDate(text);
  const time = days === null ? parseTime(text, "UTC") : days * DAY_MS * 1000;
  if (time === null)
    throw new TidemarkError(
      "TIME_INVALID",
      `the request: ${name} ${JSON.stringify(text.slice(0, 100))} is no time; ` +
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
      "the request: years before 1 have no days here; give later times",
    );
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/**
 * Reads Feast's `?async=true`. Feast's `force` is accepted without effect, because a finished run
 * never counts as running.
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

export interface Materializer {
  /** Returns the views among these whose materialization runs in this process. */
  running(views: readonly string[]): readonly string[];
  start(asked: Materialization): Promise<void>;
  /** Stops the running materializations, which can be repeated. */
  stop(): Promise<void>;
}

export function materializer(store: Store, zone: string): Materializer {
  const running = new Map<string, Promise<void>>();
  const ending = new AbortController();
  return {
    running: (views) => views.filter((view) => running.has(view)),
    start({ views, days }) {
      const work = store
        .materialize({ views, ...days, zone, signal: ending.signal })
        .then(() => undefined)
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
