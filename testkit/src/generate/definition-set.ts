/** Definitions as plain data, and the parts that edits of them share. */
import type {
  Expression,
  EntitySpec,
  FeatureSpec,
  SelectedBaseFeature,
  SourceSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import { columnNode, columnsIn, withColumns } from "./expressions.ts";
import { resultByCategory } from "./categories.ts";
import { resultOf, resultOver } from "./definitions.ts";

/** The definitions of one process. */
export interface DefinitionSet {
  readonly sources: readonly SourceSpec[];
  readonly entities: readonly EntitySpec[];
  readonly views: readonly ViewSpec[];
}

/** Returns every feature of the definitions, under its own name. */
export function selectedIn({ views }: DefinitionSet): readonly SelectedBaseFeature[] {
  return views.flatMap((view) =>
    view.features.map((feature) => ({ view, feature, as: feature.name })),
  );
}

/**
 * Returns the definitions with another definition of one source. It expects only what its columns
 * allow.
 */
export function withSource(set: DefinitionSet, given: SourceSpec): DefinitionSet {
  const source = expectingOfItsColumns(given);
  return {
    ...set,
    sources: set.sources.map((one) => (one.name === source.name ? source : one)),
    views: set.views.map((view) => (view.source.name === source.name ? { ...view, source } : view)),
  };
}

/** The source without the expectations that read a column which it has no more, or otherwise. */
function expectingOfItsColumns(source: SourceSpec): SourceSpec {
  const { expectations = [], ...rest } = source;
  const kept = expectations.filter(({ condition }) => {
    let reads = true;
    withColumns(condition, (node) => {
      const column = source.columns.find(({ name }) => name === node.name);
      reads &&= column !== undefined && JSON.stringify(columnNode(column)) === JSON.stringify(node);
      return node;
    });
    return reads;
  });
  return kept.length === 0 ? rest : { ...rest, expectations: kept };
}

/** Returns the definitions with another definition of one view. A view without features goes. */
export function withView(set: DefinitionSet, view: ViewSpec): DefinitionSet {
  return {
    ...set,
    views: set.views.flatMap((one) =>
      one.name !== view.name ? [one] : view.features.length === 0 ? [] : [view],
    ),
  };
}

/** Returns the columns that a feature reads. */
export function columnsReadBy(feature: FeatureSpec): readonly string[] {
  return (feature.function?.aggregates ?? [feature]).flatMap((one) => [
    ...one.arguments.flatMap(columnsIn),
    ...columnsIn(one.by?.key ?? null),
    ...columnsIn(one.where),
  ]);
}

/** Returns the feature as a definition of its source makes it, with the types of its columns. */
export function featureOver(source: SourceSpec, feature: FeatureSpec): FeatureSpec {
  const typed = (expression: Expression): Expression =>
    withColumns(expression, ({ name }) =>
      columnNode(source.columns.find((column) => column.name === name)!),
    );
  const arguments_ = feature.arguments.map(typed);
  const result = resultOf(feature.name, feature.aggregate, arguments_[0] ?? null);
  const by = feature.by === undefined ? undefined : { ...feature.by, key: typed(feature.by.key) };
  return {
    ...feature,
    arguments: arguments_,
    by,
    where: feature.where === null ? null : typed(feature.where),
    result: resultOver(feature.window, by === undefined ? result : resultByCategory(result, by)),
  };
}

/** Returns the columns that the source itself, or a view's entity, reads. */
export function structuralColumns(set: DefinitionSet, source: SourceSpec): ReadonlySet<string> {
  const { eventTime, createdAt, primaryKey } = source;
  return new Set([
    ...primaryKey,
    ...(eventTime.kind === "column"
      ? [eventTime.column]
      : eventTime.since === null
        ? []
        : [eventTime.since]),
    ...(createdAt === null ? [] : [createdAt]),
    ...set.views.flatMap((view) => (view.source.name === source.name ? view.keyColumns : [])),
  ]);
}
