/** Windows in SQL: which rows of a question one holds, and which element of a series each is in. */
import { edgesOf, seriesEdgesOf } from "@tidemark/core/internal";
import type { AggregateColumn } from "@tidemark/core/spi";

type Window = AggregateColumn["window"];

/** A time of a question that is computed before SQL runs, such as the start of its local day. */
export interface QuestionTime {
  readonly name: string;
  /** The time at `t`, µs. */
  readonly at: (t: number) => number;
}

/** A window over rows with the columns `at` and `t`. */
export interface SqlWindow {
  /** The condition on a row before `t`; null: it holds all of them. */
  readonly holds: string | null;
  /** The element of a series that a row is in, and how many there are. null: no series. */
  readonly series: { readonly element: string; readonly count: number } | null;
  /** Only the newest so many rows that pass count; null: all do. */
  readonly newest: number | null;
}

/**
 * Where a window begins at `t`, µs. Only the units of a calendar are asked of core, whose windows
 * are checked.
 */
export function startOfWindow(window: Window): (t: number) => number {
  if (typeof window === "number") return (t) => t - window;
  switch (window.kind) {
    case "delayed":
      return (t) => t - window.delay - window.length;
    case "lifetime":
      return () => -Infinity;
    case "lastRows":
      return window.within === null ? () => -Infinity : startOfWindow(window.within);
    case "series":
      return (t) => t - window.count * window.length;
    case "current":
    case "previous":
    case "calendarSeries":
      return edgesOf(window).start;
  }
}

/**
 * Writes windows. Lengths are SQL's own arithmetic. The units of a calendar are times of the
 * questions, which core computes.
 */
export class SqlWindows {
  readonly times: QuestionTime[] = [];
  private readonly known = new Map<string, SqlWindow>();

  windowOf(window: Window): SqlWindow {
    const text = JSON.stringify(window);
    let found = this.known.get(text);
    if (found === undefined) this.known.set(text, (found = this.write(window)));
    return found;
  }

  private write(window: Window): SqlWindow {
    const plain = { series: null, newest: null };
    if (typeof window === "number") return { ...plain, holds: `at >= t - ${window}` };
    switch (window.kind) {
      case "delayed":
        return {
          ...plain,
          holds: `at >= t - ${window.delay + window.length} AND at < t - ${window.delay}`,
        };
      case "lifetime":
        return { ...plain, holds: null };
      case "lastRows":
        return {
          series: null,
          newest: window.count,
          holds: window.within === null ? null : `at >= t - ${window.within}`,
        };
      case "series": {
        const { count, length } = window;
        return {
          newest: null,
          holds: `at >= t - ${count * length}`,
          series: { element: `${count - 1} - (t - 1 - at) / ${length}`, count },
        };
      }
      case "current":
      case "previous": {
        const edges = edgesOf(window);
        const start = this.time(edges.start);
        const end = this.time(edges.end);
        return { ...plain, holds: `at >= ${start} AND at < ${end}` };
      }
      case "calendarSeries": {
        const edges = seriesEdgesOf(window)!;
        const names = Array.from({ length: window.count + 1 }, (_, i) =>
          this.time((t) => edges(t)[i]!),
        );
        const whens = names.slice(1, -1).map((name, i) => `WHEN at < ${name} THEN ${i}`);
        const last = String(window.count - 1);
        return {
          newest: null,
          holds: `at >= ${names[0]!} AND at < ${names.at(-1)!}`,
          series: {
            element: whens.length === 0 ? last : `CASE ${whens.join(" ")} ELSE ${last} END`,
            count: window.count,
          },
        };
      }
    }
  }

  private time(at: (t: number) => number): string {
    const name = `e${this.times.length}`;
    this.times.push({ name, at });
    return name;
  }
}
