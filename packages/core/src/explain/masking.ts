/** Decides which values of an explanation are shown: those of personal columns may be masked. */
import { isDerived } from "../define/base-features.ts";
import { metadataOf } from "../metadata.ts";
import { columnSensitivity, sensitivityOf } from "../plan/sensitivity.ts";
import { wordOption } from "../option-checks.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import type {
  ColumnSpec,
  EntitySpec,
  Expression,
  SelectedFeature,
  SourceSpec,
  ViewSpec,
} from "../specs.ts";
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

const PERSONAL = ["show", "mask"] as const;

/** Reads the option `personal` of a call. Default: "show". */
export function maskingOption(who: string, given: unknown): Masking {
  return wordOption(who, given, PERSONAL) === "mask" ? personalMasked : nothingMasked;
}

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

/** Masks the personal values of a primary key, as users have them. */
export function maskedKey(
  source: SourceSpec,
  key: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const isMasked = (name: string): boolean =>
    source.columns.some((column) => column.name === name && personalMasked.column(source, column));
  return Object.fromEntries(
    Object.entries(key).map(([name, value]) => [name, isMasked(name) ? MASKED : value]),
  );
}

/** The names of the personal keys of an entity: by the entity, or by a column of a view. */
export function personalKeys(entity: EntitySpec, views: Iterable<ViewSpec>): ReadonlySet<string> {
  const names = entity.keys
    .filter((key) => (metadataOf(key)?.sensitivity ?? metadataOf(entity)?.sensitivity) === "pii")
    .map(({ name }) => name);
  for (const view of views)
    if (view.entity.name === entity.name)
      entity.keys.forEach(({ name }, i) => {
        if (columnSensitivity(view, view.keyColumns[i]!) === "pii") names.push(name);
      });
  return new Set(names);
}
