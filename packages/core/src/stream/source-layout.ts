/** What the online store keeps of a source so that the views over it can be served: which columns, under which keys, how far back. */
import type { ColumnSpec, Expression, SourceSpec, Value, ViewSpec } from "../model.ts";
import { columnIndex } from "./row-change.ts";

/** The rows of a source under one key: all views whose entity maps to the same columns read the same lane. */
export interface Lane {
  readonly name: string;
  readonly keyColumns: readonly ColumnSpec[];
  readonly keyIndexes: readonly number[];
  /** Facts need every row, because a delete can make any of them the newest (law 7); windows need those that are still in one. */
  readonly keepsAll: boolean;
}

export interface SourceLayout {
  readonly source: SourceSpec;
  /** The columns kept: those that a feature, a condition, a key, the time or a tie reads; in the source's order. */
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
  const names = new Set(source.eventTime.is === "column" ? source.primaryKey : source.columns.map((column) => column.name));
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
    lanes.set(name, { name, keyColumns: keyIndexes.map((index) => source.columns[index]!), keyIndexes, keepsAll });
  }
  const heldIndexes = source.columns.flatMap((column, index) => (names.has(column.name) ? [index] : []));
  return {
    source,
    held: heldIndexes.map((index) => source.columns[index]!),
    heldIndexes,
    lanes: [...lanes.values()],
    longest,
    time: source.eventTime.is === "column" ? columnIndex(source, source.eventTime.column) : -1,
  };
}

/** Names of the columns a feature reads. */
export function columnsOf(feature: { readonly column: string | null; readonly where: Expression | null }): readonly string[] {
  return [...(feature.column === null ? [] : [feature.column]), ...(feature.where === null ? [] : columnsOfExpression(feature.where))];
}

function columnsOfExpression(expression: Expression): readonly string[] {
  switch (expression.is) {
    case "and": case "or": return expression.terms.flatMap(columnsOfExpression);
    case "not": return columnsOfExpression(expression.term);
    default: return [expression.column];
  }
}

/** The lane a view reads. */
export function laneName(view: ViewSpec): string {
  return JSON.stringify(view.keyColumns);
}

/** Why a row is in no window of some view (law 9): the first thing that is wrong with it; null: nothing. */
export interface Quarantine {
  /** The column at fault; null: the whole content. */
  readonly column: string | null;
  readonly reason: string;
}

/** What keeps a row from windows: unreadable content, an unresolved TOAST column, no event time, no entity key. */
export function quarantineOf(
  source: SourceSpec, time: number, lanes: readonly { readonly keyIndexes: readonly number[] }[],
  row: { readonly values: readonly Value[]; readonly broken: string | null; readonly unresolved: readonly number[]; readonly unreadable: readonly string[] },
): Quarantine | null {
  if (row.broken !== null) return { column: null, reason: row.broken };
  if (row.unresolved.length > 0) return { column: source.columns[row.unresolved[0]!]!.name, reason: "TOAST_UNRESOLVED" };
  for (const index of [...(time < 0 ? [] : [time]), ...lanes.flatMap((lane) => lane.keyIndexes)]) {
    if (row.values[index] !== null) continue;
    const { name } = source.columns[index]!;
    const unreadable = row.unreadable.find((one) => one.startsWith(`${name}:`));
    return { column: name, reason: unreadable === undefined ? "NULL_KEY_OR_TIME" : unreadable.slice(name.length + 1) };
  }
  return null;
}
