/**
 * What the online store keeps of a source so that the views over it can be served: which columns,
 * under which keys, how far back.
 */
import { columnsOf } from "../plan/columns-read.ts";
import type { ColumnSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { columnIndex, eventTimeIndex } from "../rows/row-change.ts";

/**
 * The rows of a source under one key: all views whose entity maps to the same columns read the same
 * lane.
 */
export interface Lane {
  readonly name: string;
  readonly keyColumns: readonly ColumnSpec[];
  readonly keyIndexes: readonly number[];
  /**
   * Facts need every row, because a delete can make any of them the newest (law 7); windows need
   * those that are still in one.
   */
  readonly keepsAll: boolean;
}

export interface SourceLayout {
  readonly source: SourceSpec;
  /**
   * The columns kept: those that a feature, a condition, a key, the time or a tie reads; in the
   * source's order.
   */
  readonly held: readonly ColumnSpec[];
  /** Their indexes among the source's columns. */
  readonly heldIndexes: readonly number[];
  readonly lanes: readonly Lane[];
  /** The longest window over the source, µs. */
  readonly longest: number;
  /** The index of the event time among the source's columns; −1: a dimension. */
  readonly time: number;
}

/** The layout that serves these views; all of them over one source. */
export function layoutOf(source: SourceSpec, views: readonly ViewSpec[]): SourceLayout {
  // a version of a dimension begins when any of its columns changes, asked for or not
  const names = new Set(
    source.eventTime.is === "column"
      ? source.primaryKey
      : source.columns.map((column) => column.name),
  );
  if (source.eventTime.is === "column") names.add(source.eventTime.column);
  if (source.created !== null) names.add(source.created);
  const lanes = new Map<string, Lane>();
  let longest = 0;
  for (const view of views) {
    for (const column of view.keyColumns) names.add(column);
    for (const feature of view.features) {
      for (const column of columnsOf(feature)) names.add(column);
      longest = Math.max(longest, feature.window ?? 0);
    }
    const name = laneName(view);
    const keyIndexes = view.keyColumns.map((column) => columnIndex(source, column));
    const keepsAll = view.is === "fact" || (lanes.get(name)?.keepsAll ?? false);
    lanes.set(name, {
      name,
      keyColumns: keyIndexes.map((index) => source.columns[index]!),
      keyIndexes,
      keepsAll,
    });
  }
  const heldIndexes = source.columns.flatMap((column, index) =>
    names.has(column.name) ? [index] : [],
  );
  return {
    source,
    held: heldIndexes.map((index) => source.columns[index]!),
    heldIndexes,
    lanes: [...lanes.values()],
    longest,
    time: eventTimeIndex(source),
  };
}

/** The lane a view reads. */
export function laneName(view: ViewSpec): string {
  return JSON.stringify(view.keyColumns);
}
