/**
 * Where windows begin and end, in one place: every path calls these functions. Times are µs.
 * Every window is half-open: it holds the rows with start ≤ event time < end (law 1).
 */
import { longestReach } from "../define/window-reach.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { WindowSpec } from "../specs.ts";
import { calendarOf, type Calendar } from "./calendar.ts";

/** The edges of a window. They may be asked for one `t` after another. */
export interface WindowEdges {
  start(t: number): number;
  /** At most `t`. */
  end(t: number): number;
  /** How long after its event time a row enters; null: rows enter when a unit ends. */
  readonly entersAfter: number | null;
  /** How long after its event time a row leaves; null: it stays, or leaves when a unit ends. */
  readonly leavesAfter: number | null;
  /** Whose units move an edge; null: none. */
  readonly calendar: Calendar | null;
}

/** Returns the edges of a window. */
export function edgesOf(window: WindowSpec): WindowEdges {
  if (typeof window === "number") return lengthEdges(window, 0);
  switch (window.kind) {
    case "delayed":
      return lengthEdges(window.length, window.delay);
    case "lifetime":
      return everyRow;
    case "lastRows":
      // A row also leaves when a newer one enters.
      return window.within === null ? everyRow : lengthEdges(window.within, 0);
    case "series":
      return lengthEdges(window.count * window.length, 0);
    case "current": {
      const calendar = calendarOf(window.unit, window.zone);
      return {
        start: startOfUnits(calendar, 0),
        end: (t) => t,
        entersAfter: 0,
        leavesAfter: null,
        calendar,
      };
    }
    case "previous":
    case "calendarSeries": {
      const calendar = calendarOf(window.unit, window.zone);
      return {
        start: startOfUnits(calendar, window.count),
        end: startOfUnits(calendar, 0),
        entersAfter: null,
        leavesAfter: null,
        calendar,
      };
    }
  }
}

const everyRow: WindowEdges = {
  start: () => -Infinity,
  end: (t) => t,
  entersAfter: 0,
  leavesAfter: null,
  calendar: null,
};

function lengthEdges(length: number, delay: number): WindowEdges {
  return {
    start: (t) => t - delay - length,
    end: (t) => t - delay,
    entersAfter: delay,
    leavesAfter: delay + length,
    calendar: null,
  };
}

/**
 * Returns the edges of the windows of a series, ascending: where one ends the next one begins.
 * null: the window is no series. Each call of the function makes the edges before it void.
 */
export function seriesEdgesOf(window: WindowSpec): ((t: number) => Float64Array) | null {
  if (typeof window === "number") return null;
  if (window.kind === "calendarSeries")
    return startsOfUnits(calendarOf(window.unit, window.zone), window.count);
  if (window.kind !== "series") return null;
  const { length, count } = window;
  const edges = new Float64Array(count + 1);
  return (t) => {
    for (let i = 0; i <= count; i++) edges[i] = t - (count - i) * length;
    return edges;
  };
}

/** The starts of the unit of `t` and of so many units before it, looked for once per unit. */
function startsOfUnits(calendar: Calendar, units: number): (t: number) => Float64Array {
  const starts = new Float64Array(units + 1).fill(Infinity);
  let until = -Infinity;
  return (t) => {
    if (t < starts[units]! || t >= until) {
      starts[units] = calendar.start(t);
      until = calendar.next(t);
      for (let i = units - 1; i >= 0; i--) starts[i] = calendar.start(starts[i + 1]! - 1);
    }
    return starts;
  };
}

/** How long after its event time a row moves from one window of a series into another one, µs. */
export function movesAfter(window: WindowSpec): readonly number[] {
  if (typeof window === "number" || window.kind !== "series") return [];
  return Array.from({ length: window.count - 1 }, (_, i) => (i + 1) * window.length);
}

/** The start of the unit that is `units` before that of `t`. */
function startOfUnits(calendar: Calendar, units: number): (t: number) => number {
  const starts = startsOfUnits(calendar, units);
  return (t) => starts(t)[0]!;
}

/** The start of the earliest of some windows at a time. Its rows decide the status (law 7). */
export function earliestStart(windows: readonly WindowSpec[]): (t: number) => number {
  const edges = windows.map(edgesOf);
  return (t) => {
    let earliest = Infinity;
    for (const { start } of edges) earliest = Math.min(earliest, start(t));
    return earliest;
  };
}

/** How long before `t` the oldest row that counts in a plan may lie, µs, at most. */
export function reachOfPlan({ input }: DeriveNode): number {
  return input.node === "window" ? longestReach(input.foundIn) : Infinity;
}
