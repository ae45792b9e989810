/**
 * The rows of a window, naively: the edges of a calendar's units are found on the clock of the
 * zone, minute by minute. Times are µs.
 */
import type {
  CalendarUnit,
  CalendarWindow,
  ViewSpec,
  WindowSpec,
} from "../../../packages/core/src/specs.ts";
import type { OracleFault } from "./planted-faults.ts";

const MINUTE = 60_000_000;
const DAY = 1440 * MINUTE;
/** The days of the longest unit of each kind, and some more. */
const MOST_DAYS = { hour: 1, day: 3, week: 9, month: 33, quarter: 95, year: 369 } as const;

const USUAL_MINUTES = {
  hour: 60,
  day: 1440,
  week: 10_080,
  month: 43_200,
  quarter: 129_600,
  year: 525_600,
} as const;

/** A window at a time: it holds the rows with from ≤ event time < to. */
export interface WindowAt {
  readonly from: number;
  readonly to: number;
}

/** The edges of a window at a time (law 1: the far edge is in it, the near one is not). */
export function windowAt(
  window: WindowSpec,
  t: number,
  fault: OracleFault | null = null,
): WindowAt {
  if (typeof window === "number") return { from: t - window, to: t };
  const zone = !("zone" in window) ? "" : fault === "calendar of UTC" ? "UTC" : window.zone;
  switch (window.kind) {
    case "delayed": {
      const to = fault === "window not delayed" ? t : t - window.delay;
      return { from: to - window.length, to };
    }
    case "lifetime":
      return { from: -Infinity, to: t };
    case "lastRows":
      return { from: window.within === null ? -Infinity : t - window.within, to: t };
    case "series":
      return { from: t - window.count * window.length, to: t };
    case "current":
      return { from: unitStart(window.unit, zone, t), to: t };
    case "previous":
    case "calendarSeries": {
      const to = unitStart(window.unit, zone, t);
      if (fault === "units of one length")
        return { from: to - window.count * USUAL_MINUTES[window.unit] * MINUTE, to };
      let from = to;
      for (let i = 0; i < window.count; i++) from = unitStart(window.unit, zone, from - 1);
      return { from, to };
    }
  }
}

/** The lengths that a window consists of, µs. A calendar has none. */
export function lengthsIn(window: WindowSpec | null): readonly number[] {
  if (window === null) return [];
  if (typeof window === "number") return [window];
  if (window.kind === "lastRows") return window.within === null ? [] : [window.within];
  if (window.kind === "series")
    return Array.from({ length: Math.min(window.count, 5) }, (_, i) => (i + 1) * window.length);
  return window.kind === "delayed" ? [window.delay, window.delay + window.length] : [];
}

/** The windows of a series at a time, the oldest first; null: the window is no series. */
export function seriesAt(
  window: WindowSpec,
  t: number,
  fault: OracleFault | null = null,
): readonly WindowAt[] | null {
  if (typeof window === "number") return null;
  const windows: WindowAt[] = [];
  if (window.kind === "series") {
    for (let i = 0; i < window.count; i++) {
      const from = t - (window.count - i) * window.length;
      windows.push({ from, to: from + window.length });
    }
  } else if (window.kind === "calendarSeries") {
    let to = t;
    for (let i = 0; i < window.count; i++) {
      const { unit, zone } = window;
      const before = windowAt({ kind: "previous", unit, zone, count: 1 }, to, fault);
      windows.unshift(before);
      to = before.from;
    }
  } else return null;
  return fault === "newest first for oldest first in series" ? windows.toReversed() : windows;
}

/** Of rows in their order those that a window holds by their number. */
export function newestIn<T>(window: WindowSpec, rows: readonly T[]): readonly T[] {
  return typeof window === "object" && window.kind === "lastRows"
    ? rows.slice(-window.count)
    : rows;
}

/** The calendar windows of a view. */
export function calendarsOf({ features }: ViewSpec): readonly CalendarWindow[] {
  return features.flatMap(({ window }) =>
    typeof window === "object" && window !== null && "unit" in window ? [window] : [],
  );
}

/** The length of a window that is a length alone. */
export function lengthOf(window: WindowSpec | null): number {
  if (typeof window !== "number") throw new TypeError("the window is more than a length");
  return window;
}

const clocks = new Map<string, Intl.DateTimeFormat>();
const starts = new Map<string, number>();

/** The first instant of the unit that holds `t`. Clocks of zones change at whole minutes. */
function unitStart(unit: CalendarUnit, zone: string, t: number): number {
  const minute = Math.floor(t / MINUTE) * MINUTE;
  const name = `${unit} ${zone} ${minute}`;
  let start = starts.get(name);
  if (start === undefined) starts.set(name, (start = findStart(unit, zone, minute)));
  return start;
}

function findStart(unit: CalendarUnit, zone: string, minute: number): number {
  if (unit === "hour") {
    let start = minute;
    while (clockAt(zone, start).minute !== 0) start -= MINUTE;
    return start;
  }
  // A clock that is set back may show a unit again that has ended: the latest shown one counts.
  const reached = (at: number): number => {
    let latest = -Infinity;
    for (let hours = 0; hours <= 25; hours++)
      latest = Math.max(latest, unitNumber(unit, zone, at - hours * 60 * MINUTE));
    return latest;
  };
  const wanted = reached(minute);
  let [before, from] = [minute - MOST_DAYS[unit] * DAY, minute];
  while (from - before > MINUTE) {
    const middle = Math.floor((before + from) / 2 / MINUTE) * MINUTE;
    if (unitNumber(unit, zone, middle) >= wanted) from = middle;
    else before = middle;
  }
  // The unit may have begun before its second showing. A clock that was not set shows it once.
  if (wallTime(zone, from) - wallTime(zone, from - 1500 * MINUTE) === 1500 * MINUTE) return from;
  for (let at = from - MINUTE; at >= from - 1500 * MINUTE; at -= MINUTE)
    if (unitNumber(unit, zone, at) >= wanted) from = at;
  return from;
}

/** What the clock shows, as if it were a time of UTC, µs. */
function wallTime(zone: string, at: number): number {
  const { year, month, day, hour, minute } = clockAt(zone, at);
  return Date.UTC(year, month - 1, day, hour, minute) * 1000;
}

/** A number that grows by one from a unit to the next. */
function unitNumber(unit: CalendarUnit, zone: string, at: number): number {
  const { year, month, day } = clockAt(zone, at);
  const days = Date.UTC(year, month - 1, day) / 86_400_000;
  switch (unit) {
    case "day":
      return days;
    case "week":
      return Math.floor((days + 3) / 7);
    case "month":
      return year * 12 + month;
    case "quarter":
      return year * 4 + Math.ceil(month / 3);
    default:
      return year;
  }
}

function clockAt(
  zone: string,
  at: number,
): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
} {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "iso8601",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    clocks.set(zone, clock);
  }
  const parts = new Map(clock.formatToParts(at / 1000).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
  };
}
