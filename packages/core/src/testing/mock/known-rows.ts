/** The rows of a mock store, found by going through all changes from the first one. */
import { compareValues } from "../../columns/compare.ts";
import { dataText } from "../../define/data-text.ts";
import { rowOrder } from "../../explain/row-order.ts";
import { columnIndex, eventTimeIndex } from "../../rows/row-change.ts";
import type { SourceSpec, Value, ViewSpec } from "../../specs.ts";
import { valuesOf, type ValuesRow } from "../../explain/row-values.ts";
import type { MockAsked } from "./mock-paths.ts";
import type { MockRowChange } from "./mock-log.ts";

/** A row, as it is known at the time of a question. */
export interface KnownRow {
  readonly values: readonly Value[];
  /** The event time, or when the version of a dimension began, µs. */
  readonly time: number;
  /** When the row was removed, µs; null: it is there. */
  readonly removed: number | null;
}

/**
 * The rows of an entity that have a time, removed ones too, in the order of rows. As known, and of
 * a dimension always, only changes count that were committed before `t` (laws 2 and 6).
 */
export function knownRows(
  view: ViewSpec,
  changes: readonly MockRowChange[],
  { keys, t, knowledge }: Pick<MockAsked, "keys" | "t" | "knowledge">,
): readonly KnownRow[] {
  const { source, entity, keyColumns } = view;
  const timeIndex = eventTimeIndex(source);
  const known =
    knowledge === "as-known" || timeIndex < 0
      ? changes.filter(({ committed }) => committed < t)
      : changes;
  const rows = new Map<string, KnownRow>();
  for (const { kind, key, values, committed } of known) {
    const before = rows.get(key);
    if (kind === "delete") {
      if (before !== undefined) rows.set(key, { ...before, removed: committed });
      continue;
    }
    // an upsert equal to the version before makes no version (law 6)
    if (before?.removed === null && dataText(before.values) === dataText(values)) continue;
    const time = timeIndex < 0 ? committed : values[timeIndex];
    rows.delete(key);
    // a row without an event time belongs to no window (law 9)
    rows.set(key, { values, time: typeof time === "number" ? time : NaN, removed: null });
  }
  const ofEntity = [...rows.values()].filter(
    (row) =>
      !Number.isNaN(row.time) &&
      !isQuarantined(source, row) &&
      entity.keys.every(({ name, type }, i) => {
        const value = row.values[columnIndex(source, keyColumns[i]!)]!;
        return value !== null && compareValues(type, value, keys[name]!) === 0;
      }),
  );
  return ofEntity.sort(rowOrder(source));
}

/** Whether the row violates an expectation that quarantines rows, so that it is in no window. */
export function isQuarantined(source: SourceSpec, row: ValuesRow): boolean {
  return (source.expectations ?? []).some(
    ({ condition, onViolation }) =>
      onViolation === "quarantine" && valuesOf(source, condition, [row])[0] === false,
  );
}
