/**
 * Says which features a change of definitions cannot touch, so that no store may refuse them
 * (law 11: what a change does not touch is served throughout). The code is naive, and independent
 * of the product's own comparisons on purpose.
 */
import type {
  ColumnSpec,
  Expression,
  FeatureSpec,
  SourceSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { DefinitionSet } from "../generate/definition-set.ts";
import { columnsIn } from "../generate/expressions.ts";

/** Says whether the feature answers alike under both definitions, from the same rows. */
export function isUntouched(view: ViewSpec, feature: FeatureSpec, before: DefinitionSet): boolean {
  return before.views.some(
    (other) =>
      other.features.some((one) => sameFeature(view, feature, other, one)) && sameRows(view, other),
  );
}

function sameFeature(
  view: ViewSpec,
  feature: FeatureSpec,
  otherView: ViewSpec,
  other: FeatureSpec,
): boolean {
  return (
    feature.aggregate === other.aggregate &&
    feature.window === other.window &&
    sameFunction(view, feature, otherView, other) &&
    sameText(
      [
        feature.options ?? null,
        categories(feature),
        ...[...feature.arguments, feature.where, feature.by?.key ?? null].map((one) =>
          expressionText(view.source, one),
        ),
      ],
      [
        other.options ?? null,
        categories(other),
        ...[...other.arguments, other.where, other.by?.key ?? null].map((one) =>
          expressionText(otherView.source, one),
        ),
      ],
    )
  );
}

/** The categories that are answered, and what replaces null in them. */
function categories({ by }: FeatureSpec): unknown {
  return by === undefined ? null : [by.each ?? null, by.default ?? null];
}

/** Says whether two features are no functions, or functions of the same windows. */
function sameFunction(
  view: ViewSpec,
  feature: FeatureSpec,
  otherView: ViewSpec,
  other: FeatureSpec,
): boolean {
  const text = ({ source }: ViewSpec, { function: of }: FeatureSpec): unknown =>
    of === undefined
      ? null
      : [
          of.value,
          of.aggregates.map((one) => [
            one.aggregate,
            one.window,
            one.options ?? null,
            ...[...one.arguments, one.where].map((part) => expressionText(source, part)),
          ]),
        ];
  return sameText(text(view, feature), text(otherView, other));
}

/** Says whether two views see the same rows of the same entity, at the same times. */
function sameRows(a: ViewSpec, b: ViewSpec): boolean {
  return a.kind === b.kind && sameText(rowsOf(a), rowsOf(b));
}

function rowsOf({ source, rows, entity, keyColumns }: ViewSpec): unknown {
  const { eventTime, createdAt, primaryKey } = source;
  const named = (name: string | null): unknown => columnNamed(source, name);
  return [
    source.name,
    source.renamedFrom?.at(-1) ?? source.table,
    primaryKey.map(named),
    eventTime.kind,
    named(eventTime.kind === "column" ? eventTime.column : eventTime.since),
    named(createdAt),
    expressionText(source, rows ?? null),
    (source.expectations ?? [])
      .filter(({ onViolation }) => onViolation === "quarantine")
      .map(({ condition }) => textOf(expressionText(source, condition)))
      .toSorted(),
    entity.keys.map(({ type }) => type),
    keyColumns.map(named),
    // Each declared column of a dimension makes versions. A column that the log may leave out
    // takes the row out of all windows.
    source.columns
      .filter(
        ({ type }) => eventTime.kind === "committed" || ["string", "bytes", "json"].includes(type),
      )
      .map(({ name }) => JSON.stringify(named(name)))
      .toSorted(),
  ];
}

/** The column as a reader knows it. A renamed column is another one here. */
function columnNamed(source: SourceSpec, name: string | null): unknown {
  if (name === null) return null;
  const { database, type, precision, scale, zone, encoding }: ColumnSpec = source.columns.find(
    (column) => column.name === name,
  )!;
  return [name, database, type, precision, scale, zone, encoding];
}

function expressionText(source: SourceSpec, expression: Expression | null): unknown {
  return [expression, columnsIn(expression).map((name) => columnNamed(source, name))];
}

function sameText(a: unknown, b: unknown): boolean {
  return textOf(a) === textOf(b);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "bigint" ? `${one}n` : one instanceof Uint8Array ? [...one] : one,
  );
}
