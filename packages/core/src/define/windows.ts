/** The windows of aggregations besides a plain length: which rows, seen from `t`. */
import { TidemarkError } from "../errors.ts";
import type { CalendarUnit, WindowSpec } from "../specs.ts";
import { zoneOf } from "../time/zone.ts";
import { checkCount, type CheckCountOf } from "./counts.ts";
import { definitionOfKind, described, makeDefinition, type NamedWindow } from "./definition.ts";
import { durationMicros, MAX_DURATION, type CheckDuration } from "./duration.ts";
import { checkOptions } from "./options.ts";
import type { shape } from "./shape.ts";

/** A window that is more than a length. */
export interface Window {
  readonly [shape]: { readonly kind: "window of rows" };
}

/** A window of the newest rows. */
export interface NewestRows extends Window {
  readonly [shape]: { readonly kind: "window of rows"; readonly newest: true };
}

/** Windows side by side: an aggregation over it answers a list. */
export interface Series {
  readonly [shape]: { readonly kind: "series of windows" };
}

/** The window itself, or the sentence that refuses a length. */
export type CheckWindow<W extends string | Window> = W extends string ? CheckDuration<W> : W;
/** Windows by the suffix of their features, each checked. */
export type CheckWindows<M extends Readonly<Record<string, string | Window>>> = {
  readonly [N in keyof M]: CheckWindow<M[N]>;
};

const UNITS: readonly CalendarUnit[] = ["hour", "day", "week", "month", "quarter", "year"];

/**
 * The rows of a length of time, `[t − delay − length, t − delay)`.
 *
 * @throws DURATION_INVALID when the length or the delay is no duration.
 *
 * @example
 * const spent = sum(transactions.amount).over(window("7d", { delay: "1h" }));
 */
export function window<const W extends string, const D extends string = never>(
  length: CheckDuration<W>,
  options: { readonly delay?: CheckDuration<D> | undefined } = {},
): Window {
  const { delay } = checkOptions("window()", options, ["delay"]);
  const micros = durationMicros("window()", length);
  if (delay === undefined) return windowOf(`window("${String(length)}")`, micros);
  const later = durationMicros("window(): delay", delay);
  if (micros + later > MAX_DURATION)
    throw new TidemarkError(
      "DURATION_INVALID",
      `window(): "${String(length)}" and a delay of "${String(delay)}" are together longer than ` +
        "the longest duration, 100000d",
    );
  return windowOf(`window("${String(length)}", { delay: "${String(delay)}" })`, {
    kind: "delayed",
    length: micros,
    delay: later,
  });
}

/**
 * All rows before `t`. The online store keeps every row of a source with such a window.
 *
 * @example
 * const payments_ever = count().over(lifetime());
 */
export function lifetime(): Window {
  return windowOf("lifetime()", { kind: "lifetime" });
}

/**
 * The rows from the start of the hour, day, week (from Monday), month, quarter or year that holds
 * `t`, up to `t`. At the very start it is empty.
 *
 * @throws DEFINITION_INVALID when the unit is none of these.
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 *
 * @example
 * const spent_today = sum(transactions.amount).over(current("day", "Asia/Ho_Chi_Minh"));
 */
export function current(unit: CalendarUnit, zone: string): Window {
  const text = `current(${JSON.stringify(unit)}, ${JSON.stringify(zone)})`;
  return windowOf(text, { kind: "current", ...checkCalendar("current()", unit, zone) });
}

/**
 * The rows of the last whole hour, day, week, month, quarter or year before the one that holds `t`,
 * or of the last `count` of them. A day of a clock change has 23 or 25 hours.
 *
 * @throws DEFINITION_INVALID when the unit is none of these, or `count` is not from 1 to 1,000.
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 *
 * @example
 * const spent_last_month = sum(transactions.amount).over(previous("month", "Europe/Zurich"));
 */
export function previous(
  unit: CalendarUnit,
  zone: string,
  options: { readonly count?: number | undefined } = {},
): Window {
  const { count: given = 1 } = checkOptions("previous()", options, ["count"]);
  const count = checkCount("previous()", "count", given);
  const calendar = checkCalendar("previous()", unit, zone);
  const counted = count === 1 ? "" : `, { count: ${count} }`;
  return windowOf(`previous(${JSON.stringify(unit)}, ${JSON.stringify(zone)}${counted})`, {
    kind: "previous",
    ...calendar,
    count,
  });
}

/**
 * The newest `count` rows before `t` that pass the condition of the aggregation; with `within` only
 * rows of that length of time. Without `within` the online store keeps every row of the source.
 *
 * @throws DEFINITION_INVALID when `count` is no whole number from 1 to 1,000.
 * @throws DURATION_INVALID when `within` is no duration.
 *
 * @example
 * const usual_amount = avg(transactions.amount).over(lastRows(10, { within: "90d" }));
 */
export function lastRows<const N extends number, const W extends string = never>(
  count: CheckCountOf<N, "rows">,
  options: { readonly within?: CheckDuration<W> | undefined } = {},
): NewestRows {
  const { within } = checkOptions("lastRows()", options, ["within"]);
  const rows = checkCount("lastRows()", "the number of rows", count);
  const bound = within === undefined ? "" : `, { within: ${described(within)} }`;
  return windowOf(`lastRows(${rows}${bound})`, {
    kind: "lastRows",
    count: rows,
    within: within === undefined ? null : durationMicros("lastRows(): within", within),
  });
}

/**
 * `count` windows of one length side by side up to `t`: an aggregation answers a list. Element i, 0
 * the oldest, is over `[t − (count − i)·step, t − (count − i − 1)·step)`.
 *
 * @throws DURATION_INVALID when the step is no duration, or all are longer than 100,000 days.
 * @throws DEFINITION_INVALID when `count` is no whole number from 1 to 1,000.
 *
 * @example
 * const spent_by_day = sum(transactions.amount).over(series("1d", 30));
 */
export function series<const W extends string, const N extends number>(
  step: CheckDuration<W>,
  count: CheckCountOf<N, "windows">,
): Series {
  const length = durationMicros("series()", step);
  const windows = checkCount("series()", "the number of windows", count);
  const text = `series(${described(step)}, ${windows})`;
  if (length * windows > MAX_DURATION)
    throw new TidemarkError(
      "DURATION_INVALID",
      `${text}: its windows are together longer than the longest duration, 100000d`,
    );
  return windowOf(text, { kind: "series", length, count: windows });
}

/**
 * The last `count` whole hours, days, weeks, months, quarters or years before the one that holds
 * `t`: an aggregation answers a list with an element for each, the oldest first.
 *
 * @throws DEFINITION_INVALID when the unit is none of these, or `count` is not from 1 to 1,000.
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 *
 * @example
 * const spent_by_month = sum(transactions.amount).over(calendarSeries("month", "Asia/Tokyo", 12));
 */
export function calendarSeries<const N extends number>(
  unit: CalendarUnit,
  zone: string,
  count: CheckCountOf<N, "units">,
): Series {
  const calendar = checkCalendar("calendarSeries()", unit, zone);
  const units = checkCount("calendarSeries()", "the number of units", count);
  return windowOf(`calendarSeries(${JSON.stringify(unit)}, ${JSON.stringify(zone)}, ${units})`, {
    kind: "calendarSeries",
    ...calendar,
    count: units,
  });
}

function windowOf<T extends Window | Series>(text: string, spec: WindowSpec): T {
  return makeDefinition({ kind: "window", spec, text }, text);
}

function checkCalendar(
  who: string,
  unit: unknown,
  zone: unknown,
): { readonly unit: CalendarUnit; readonly zone: string } {
  if (!UNITS.includes(unit as CalendarUnit))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the unit must be ${UNITS.map((one) => JSON.stringify(one)).join(", ")}, ` +
        `got ${described(unit)}`,
    );
  if (typeof zone !== "string")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: name a time zone, as in ${who.slice(0, -1)}"day", "Europe/Berlin"), ` +
        `got ${described(zone)}`,
    );
  zoneOf(zone);
  return { unit: unit as CalendarUnit, zone };
}

/**
 * Reads what a user gave as a window: a duration, or a window.
 *
 * @throws DURATION_INVALID when it is neither.
 */
export function windowFrom(who: string, given: unknown): Pick<NamedWindow, "text" | "spec"> {
  const found = definitionOfKind(given, "window");
  return found === undefined
    ? { text: JSON.stringify(given), spec: durationMicros(who, given) }
    : { text: found.text, spec: found.spec };
}
