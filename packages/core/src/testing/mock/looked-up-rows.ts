/** Looks up columns of dimensions for each row alone, among all changes of the dimension. */
import { dataText } from "../../define/data-text.ts";
import { lookedUpColumn } from "../../define/looked-up-column.ts";
import { columnIndex } from "../../rows/row-change.ts";
import type { LookupSpec, SourceSpec, Value, ViewSpec } from "../../specs.ts";
import { isQuarantined, type KnownRow } from "./known-rows.ts";
import type { MockRowChange } from "./mock-log.ts";
import { passing, valuesOf } from "../../explain/row-values.ts";

/** Rows, and a source that has their columns. */
export interface RowsOfSource {
  readonly source: SourceSpec;
  readonly rows: readonly KnownRow[];
}

/** The rows of a view with what they look up, each as of its own time. */
export function withLookups(
  { source, lookups = [] }: ViewSpec,
  rows: readonly KnownRow[],
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): RowsOfSource {
  let found: RowsOfSource = { source, rows };
  for (const lookup of lookups) found = lookedUp(lookup, found, changesOf(lookup.dimension));
  return found;
}

function lookedUp(
  { dimension, rows: condition, on, columns }: LookupSpec,
  { source, rows }: RowsOfSource,
  changes: readonly MockRowChange[],
): RowsOfSource {
  const keys = dimension.primaryKey.map((name) => columnIndex(dimension, name));
  return {
    source: { ...source, columns: [...source.columns, ...columns.map(lookedUpColumn)] },
    rows: rows.map((row) => {
      const key = dataText(on.map((value) => valuesOf(source, value, [row])[0]!));
      // known from < event time: the newest change that was committed before
      const newest = changes.findLast(
        ({ values, committed }) =>
          committed < row.time && dataText(keys.map((index) => values[index]!)) === key,
      );
      const version =
        newest?.kind === "upsert" && !isQuarantined(dimension, newest)
          ? [{ ...row, values: newest.values, removed: null }]
          : [];
      const there = passing(dimension, condition ?? null, version);
      const added = columns.map(({ value }): Value => valuesOf(dimension, value, there)[0] ?? null);
      return { ...row, values: [...row.values, ...added] };
    }),
  };
}
