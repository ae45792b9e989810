/** How far back windows reach. Lengths are µs. */
import type { CalendarUnit, WindowSpec } from "../specs.ts";

const HOUR = 3_600e6;
const DAY = 24 * HOUR;

/** The longest time between the start of a unit and the end of it, µs. */
export const longestUnit: Readonly<Record<CalendarUnit, number>> = {
  // A clock change makes a unit longer by at most itself and by at most a day: a zone may cross the
  // date line.
  hour: 2 * HOUR,
  day: 2 * DAY,
  week: 8 * DAY,
  month: 32 * DAY,
  quarter: 93 * DAY,
  year: 367 * DAY,
};

/**
 * How long before `t` the oldest row of a window may lie, in µs, at most. Infinity: there is no
 * bound.
 */
export function reachOf(window: WindowSpec): number {
  if (typeof window === "number") return window;
  switch (window.kind) {
    case "delayed":
      return window.delay + window.length;
    case "lifetime":
      return Infinity;
    case "lastRows":
      return window.within ?? Infinity;
    case "series":
      return window.count * window.length;
    case "current":
      return longestUnit[window.unit];
    case "previous":
    case "calendarSeries":
      return (window.count + 1) * longestUnit[window.unit];
  }
}

/** The longest reach of some windows, µs. */
export function longestReach(windows: readonly WindowSpec[]): number {
  return Math.max(...windows.map(reachOf));
}

/** The window with the longest reach; of several the first. */
export function farthestWindow(windows: readonly WindowSpec[]): WindowSpec {
  return windows.reduce((a, b) => (reachOf(b) > reachOf(a) ? b : a));
}

/** Whether an aggregation over the window answers a list, one element for each of its parts. */
export function isSeries(window: WindowSpec): boolean {
  return (
    typeof window === "object" && (window.kind === "series" || window.kind === "calendarSeries")
  );
}
