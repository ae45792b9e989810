/** Finds the columns that a feature reads. */
import { inputsOf } from "../aggregate/categories.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import { tieColumns } from "../columns/row-order.ts";
import { baseFeatures } from "../define/base-features.ts";
import { sourceReadings, viewsOver } from "../define/source-readings.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import type {
  AggregateSpec,
  FeatureSpec,
  LookupSpec,
  SelectedFeature,
  SourceSpec,
  ViewSpec,
  WindowSpec,
} from "../specs.ts";

/** Names of the columns of a source that a key, a time or a feature reads. */
export function columnsInUse(source: SourceSpec, views: readonly ViewSpec[]): ReadonlySet<string> {
  const { eventTime, createdAt, primaryKey } = source;
  const names = new Set(primaryKey);
  if (eventTime.kind === "column") names.add(eventTime.column);
  else if (eventTime.since !== null) names.add(eventTime.since);
  if (createdAt !== null) names.add(createdAt);
  for (const { condition } of source.expectations ?? [])
    for (const column of columnsOfExpression(condition)) names.add(column);
  for (const view of views)
    for (const lookup of lookupsBehindView(view))
      if (lookup.dimension.name === source.name)
        for (const column of columnsOfLookup(lookup)) names.add(column);
  for (const view of viewsOver(source, views)) {
    for (const column of view.keyColumns) names.add(column);
    for (const column of storedColumnsOf(view, columnsOfView(view))) names.add(column);
  }
  return names;
}

/** Names of the columns that the features of a view read, and the condition of its rows. */
export function columnsOfView(view: ViewSpec): readonly string[] {
  return [...columnsOfRows(view), ...view.features.flatMap(columnsOf)];
}

/** The sources of a view, and the dimensions that its features need. */
export function sourcesOfView(view: ViewSpec): readonly SourceSpec[] {
  return eachOnce([
    ...tablesOf(view),
    ...lookupsBehindView(view).map(({ dimension }) => dimension),
  ]);
}

/** The source of a view, or those of the parts of a union. */
function tablesOf(view: ViewSpec): readonly SourceSpec[] {
  return sourceReadings(view).map(({ source }) => source);
}

function eachOnce(sources: readonly SourceSpec[]): readonly SourceSpec[] {
  return [...new Map(sources.map((source) => [source.name, source])).values()];
}

/** The sources that a selection reads, dimensions included, each once. */
export function sourcesOf(selection: readonly SelectedFeature[]): readonly SourceSpec[] {
  const base = baseFeatures(selection);
  return eachOnce([
    ...base.flatMap(({ view }) => tablesOf(view)),
    ...base.flatMap(({ view, feature }) =>
      lookupsBehindFeature(view, feature).map(({ dimension }) => dimension),
    ),
  ]);
}

/** Whether a feature reads the source: as that of its view, or as a dimension. */
export function readsSource(view: ViewSpec, feature: FeatureSpec, { name }: SourceSpec): boolean {
  return (
    tablesOf(view).some((source) => source.name === name) ||
    lookupsBehindFeature(view, feature).some(({ dimension }) => dimension.name === name)
  );
}

/** The lookups of a view that its features need. */
function lookupsBehindView(view: ViewSpec): readonly LookupSpec[] {
  return lookupsBehind(view, columnsOfView(view));
}

/** The lookups of a view that one of its features needs. */
export function lookupsBehindFeature(view: ViewSpec, feature: FeatureSpec): readonly LookupSpec[] {
  return view.lookups === undefined
    ? []
    : lookupsBehind(view, [...columnsOfRows(view), ...columnsOf(feature)]);
}

/** The lookups of a view that give one of these columns, with those of their columns alone. */
export function lookupsBehind(
  { lookups }: Pick<ViewSpec, "lookups">,
  names: readonly string[],
): readonly LookupSpec[] {
  if (lookups === undefined) return [];
  const read = new Set(names);
  const found: LookupSpec[] = [];
  for (const lookup of lookups.toReversed()) {
    const columns = lookup.columns.filter(({ name }) => read.has(name));
    if (columns.length === 0) continue;
    found.unshift({ ...lookup, columns });
    for (const name of lookup.on.flatMap(columnsOfExpression)) read.add(name);
  }
  return found;
}

/**
 * Names of the columns of the view's source that stand behind these: looked-up columns are found
 * by others.
 */
export function storedColumnsOf(
  view: Pick<ViewSpec, "lookups">,
  names: readonly string[],
): readonly string[] {
  const { lookups } = view;
  if (lookups === undefined) return names;
  const lookedUp = new Set(lookups.flatMap(({ columns }) => columns.map(({ name }) => name)));
  return [
    ...names,
    ...lookupsBehind(view, names).flatMap(({ on }) => on.flatMap(columnsOfExpression)),
  ].filter((name) => !lookedUp.has(name));
}

/** Names of the dimension's columns that a lookup reads, its primary key included. */
export function columnsOfLookup({ dimension, rows, columns }: LookupSpec): readonly string[] {
  return [
    ...dimension.primaryKey,
    ...(rows === undefined ? [] : columnsOfExpression(rows)),
    ...columns.flatMap(({ value }) => columnsOfExpression(value)),
  ];
}

/** Names of the columns that decide which rows of its source a view is over. */
export function columnsOfRows({ rows }: Pick<ViewSpec, "rows">): readonly string[] {
  return rows === undefined ? [] : columnsOfExpression(rows);
}

/** The aggregations of a feature: one, or all that its function reads. */
export function aggregatesOf(feature: FeatureSpec): readonly AggregateSpec[] {
  return feature.function?.aggregates ?? [feature];
}

/** Names of the columns that a feature reads: its inputs, and those of its conditions. */
export function columnsOf(feature: FeatureSpec): readonly string[] {
  return aggregatesOf(feature).flatMap(columnsOfAggregate);
}

function columnsOfAggregate(aggregate: ReadExpressions): readonly string[] {
  const { where } = aggregate;
  return [
    ...inputsOf(aggregate).flatMap(columnsOfExpression),
    ...(where === null ? [] : columnsOfExpression(where)),
  ];
}

type ReadExpressions = Pick<AggregateSpec, "arguments" | "by" | "where">;

/**
 * Names of the columns that a feature's answer depends on: those that it reads, and where an
 * aggregation or its window needs the order of rows, those that order rows of one event time.
 */
export function columnsBehind(source: SourceSpec, feature: FeatureSpec): readonly string[] {
  return aggregatesOf(feature).flatMap((one) => columnsBehindAggregate(source, one));
}

/** Names of the columns that the answer of one aggregation depends on. */
export function columnsBehindAggregate(
  source: SourceSpec,
  aggregate: ReadExpressions & Pick<AggregateSpec, "aggregate" | "window">,
): readonly string[] {
  return aggregatorNamed(aggregate.aggregate).order === true || choosesNewest(aggregate.window)
    ? [...columnsOfAggregate(aggregate), ...tieColumns(source)]
    : columnsOfAggregate(aggregate);
}

/** Whether the order of rows decides which rows the window holds. */
function choosesNewest(window: WindowSpec | null): boolean {
  return typeof window === "object" && window?.kind === "lastRows";
}
