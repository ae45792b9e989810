/** Decides which values of an explanation are shown: those of personal columns may be masked. */
import { isDerived } from "../define/base-features.ts";
import { metadataOf } from "../metadata.ts";
import { columnSensitivity, sensitivityOf } from "../plan/sensitivity.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import type { ColumnSpec, Expression, SelectedFeature, SourceSpec, ViewSpec } from "../specs.ts";
import type { JsonRow, JsonValue } from "./exact-json.ts";

/** Stands for a value that is not shown. */
export const MASKED = "***";

/** Which values are not shown. */
export interface Masking {
  /** Whether values of a column of a table are masked. */
  column(source: SourceSpec, column: ColumnSpec): boolean;
  /** Whether values of an expression over the rows of a view are masked. */
  expression(view: ViewSpec, expression: Expression): boolean;
  /** Whether values of a feature are masked. */
  feature(selected: SelectedFeature): boolean;
}

/** Shows all values. */
export const nothingMasked: Masking = {
  column: () => false,
  expression: () => false,
  feature: () => false,
};

/** Masks the values of columns and features with the sensitivity "pii". */
export const personalMasked: Masking = {
  column: (source, column) =>
    (metadataOf(column)?.sensitivity ?? metadataOf(source)?.sensitivity) === "pii",
  expression: (view, expression) =>
    columnsOfExpression(expression).some((name) => columnSensitivity(view, name) === "pii"),
  feature: (selected) => sensitivityOf(selected).sensitivity === "pii",
};

/** Whether an explanation masks anything of these features. */
export function masksAny(masking: Masking, selected: SelectedFeature): boolean {
  if (masking.feature(selected)) return true;
  const views = isDerived(selected)
    ? selected.feature.inputs.map(({ view }) => view)
    : [selected.view];
  return views.some((view) =>
    [view.source, ...(view.parts ?? []).map(({ source }) => source)]
      .concat((view.lookups ?? []).map(({ dimension }) => dimension))
      .some((source) => source.columns.some((column) => masking.column(source, column))),
  );
}

/** Masks a value. null is shown: that a value is missing is not personal. */
export function maskedIf(isMasked: boolean, value: JsonValue): JsonValue {
  return isMasked && value !== null ? MASKED : value;
}

/** Masks the values of columns. */
export function maskedRow(row: JsonRow, isMasked: (column: string) => boolean): JsonRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, maskedIf(isMasked(name), value)]),
  );
}
