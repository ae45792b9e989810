/** The rows of a view in a mock store: those of a source, or of all parts of a union. */
import type { SourceSpec, Value, ViewSpec } from "../../specs.ts";
import { sourceReadings } from "../../define/source-readings.ts";
import { rowOrder } from "../../explain/row-order.ts";
import { knownRows, type KnownRow } from "./known-rows.ts";
import { withLookups, type RowsOfSource } from "./looked-up-rows.ts";
import type { MockRowChange } from "./mock-log.ts";
import type { MockAsked } from "./mock-paths.ts";
import { passing, valuesOf } from "../../explain/row-values.ts";

/** The rows of an entity in their order, removed ones too, with all columns of the source. */
export function viewRows(
  view: ViewSpec,
  asked: Pick<MockAsked, "keys" | "t" | "knowledge">,
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): RowsOfSource {
  const { source, parts } = view;
  if (parts === undefined)
    return withLookups(view, knownRows(view, changesOf(source), asked), changesOf);
  const readings = sourceReadings(view);
  const rows = parts.flatMap(({ source: table, rows: condition = null, columns, explode }, i) => {
    const known = knownRows(readings[i]!, changesOf(table), asked);
    return passing(table, condition, known).flatMap((row): KnownRow[] => {
      const values = source.columns.map(
        ({ name }): Value => valuesOf(table, columns[name]!, [row])[0] ?? null,
      );
      if (explode === undefined) return [{ ...row, values }];
      const list = (valuesOf(table, explode.list, [row])[0] ?? []) as readonly Value[];
      return list.map((element, index) => ({
        ...row,
        values: source.columns.map(({ name }, c): Value => {
          if (name === explode.element.name) return element;
          return name === explode.index.name ? index : values[c]!;
        }),
      }));
    });
  });
  return { source, rows: rows.sort(rowOrder(source)) };
}
