/** Feature views: features of one entity from one source. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, EntitySpec, FeatureSpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { AnyColumn, InputsOf } from "./column-types.ts";
import {
  aggregationTitle,
  definitionOfKind,
  described,
  makeDefinition,
  type AggregationState,
} from "./definition.ts";
import { durationMicros } from "./duration.ts";
import type { AnyEntity } from "./entity.ts";
import type {
  Aggregations,
  CheckEntity,
  CheckFeatures,
  CheckKeys,
  CheckTtl,
  RowOfFeatures,
} from "./feature-view-types.ts";
import { makeFeature, type Feature } from "./feature.ts";
import { checkFeatureName, checkName, type CheckName } from "./names.ts";
import { checkMembers, checkOptions } from "./options.ts";
import { resultColumnOf } from "./result.ts";
import type { Selection } from "./selection.ts";
import type { shape } from "./shape.ts";
import type { AnySource } from "./source.ts";

/** A feature view. Each member is a feature, and the view itself can be selected. */
export type FeatureView<Name extends string, Row, Needs> = {
  readonly [K in keyof Row]: Feature<Name, K & string, Row[K], Needs>;
} & Selection<Row, Needs>;

/**
 * Declares features of one entity, computed from one source.
 * The features are aggregations over windows, or all of them are `latest` features.
 * The entity's keys are the source's columns of the same names, or those that `keys` maps.
 *
 * @throws DEFINITION_INVALID when options or features contradict each other.
 * @throws NAME_INVALID when the name, or the name of a feature, is no name.
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws COLUMN_UNKNOWN when the source has no column for a key.
 * @throws COLUMN_OF_ANOTHER_SOURCE when a feature or key reads another source.
 * @throws KEY_UNKNOWN when `keys` maps a key that the entity lacks.
 * @throws TYPE_MISMATCH when a column and its key have different types.
 * @throws DURATION_INVALID when `ttl` is no duration.
 *
 * @example
 * const weekly = featureView("weekly_activity", {
 *   entity: user,
 *   source: transactions,
 *   features: {
 *     transactions_l1w: count().over("7d"),
 *     amount_l1w: sum(transactions.amount).over("7d"),
 *   },
 * });
 */
export function featureView<
  const N extends string,
  E extends AnyEntity,
  S extends AnySource,
  F extends Aggregations,
  M extends { readonly [key: string]: AnyColumn } = {},
  const T extends string = never,
>(
  name: CheckName<N>,
  definition: {
    readonly entity: CheckEntity<E, S, M>;
    readonly source: S;
    readonly features: CheckFeatures<F, S, E>;
    /** The source's columns that hold the entity's keys, if their names differ. */
    readonly keys?: CheckKeys<M, E, S> | undefined;
    /** How long a latest row holds; without end if it is omitted. */
    readonly ttl?: CheckTtl<T, F> | undefined;
  },
): FeatureView<N, RowOfFeatures<F>, InputsOf<E[typeof shape]["keys"]>> {
  const who = `feature view "${checkName("feature view", name)}"`;
  const options = checkOptions(who, definition, ["entity", "source", "features", "keys", "ttl"]);
  const entity = definitionOfKind(options["entity"], "entity")?.spec;
  if (entity === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: entity must be an entity(...), got ${described(options["entity"])}`,
    );
  const source = definitionOfKind(options["source"], "source")?.spec;
  if (source === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: source must be a source(...), got ${described(options["source"])}`,
    );
  const keyColumns = keyColumnsOf(who, entity, source, options["keys"]);
  const features = featuresOf(who, entity, source, options["features"]);
  const kind = viewKindOf(who, features);
  if (options["ttl"] !== undefined && kind === "window")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ttl bounds latest features, and these have windows; drop it`,
    );
  if (kind === "window" && source.eventTime.kind === "committed") {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: source "${source.name}" is a dimension (eventTime: commitTime()), ` +
        "whose rows have no event time to lie in a window; use latest(...)",
    );
  }
  const spec: ViewSpec = {
    name: name as string,
    kind,
    entity,
    source,
    keyColumns,
    features,
    ttl: options["ttl"] === undefined ? null : durationMicros(`${who}: ttl`, options["ttl"]),
  };
  const members = Object.fromEntries(
    features.map((feature) => [feature.name, makeFeature(spec, feature, feature.name)]),
  );
  return makeDefinition({ kind: "view", spec }, `feature view ${spec.name}`, members);
}

function keyColumnsOf(
  who: string,
  entity: EntitySpec,
  source: SourceSpec,
  value: unknown,
): string[] {
  const keys = checkMembers(who, "keys", value ?? {});
  for (const name of Object.keys(keys)) {
    if (!entity.keys.some((key) => key.name === name)) {
      throw new TidemarkError(
        "KEY_UNKNOWN",
        `${who}: keys names "${name}", and entity "${entity.name}" has no such key; ` +
          `it has ${entity.keys.map((key) => key.name).join(", ")}`,
      );
    }
  }
  return entity.keys.map((key) => {
    const column =
      Object.hasOwn(keys, key.name) && keys[key.name] !== undefined
        ? mappedColumn(who, source, key.name, keys[key.name])
        : source.columns.find((one) => one.name === key.name);
    if (column === undefined) {
      throw new TidemarkError(
        "COLUMN_UNKNOWN",
        `${who}: source "${source.name}" has no column "${key.name}", ` +
          `the key of entity "${entity.name}"; map it, as in keys: { ${key.name}: ` +
          `${source.name}.other }`,
      );
    }
    if (column.type !== key.type || column.scale !== key.scale) {
      throw new TidemarkError(
        "TYPE_MISMATCH",
        `${who}: ${source.name}.${column.name} is ${typeText(column)}, ` +
          `the key "${key.name}" of entity "${entity.name}" is ${typeText(key)}; make them equal`,
      );
    }
    return column.name;
  });
}

function mappedColumn(who: string, source: SourceSpec, key: string, value: unknown): ColumnSpec {
  const found = definitionOfKind(value, "column");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: keys.${key} must be a column of the source, got ${described(value)}`,
    );
  return ownColumn(`${who}: keys.${key}`, source, found.source, found.spec);
}

/**
 * The source's column of this name.
 *
 * @throws COLUMN_OF_ANOTHER_SOURCE when the column belongs to another source, even of the same
 * name.
 */
function ownColumn(
  who: string,
  source: SourceSpec,
  columnSource: string,
  column: ColumnSpec,
): ColumnSpec {
  if (columnSource !== source.name)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}: ${columnSource}.${column.name} is a column of source "${columnSource}", ` +
        `the view reads "${source.name}"; take a column of that`,
    );
  const own = source.columns.find((one) => one.name === column.name);
  if (
    own === undefined ||
    own.type !== column.type ||
    own.database !== column.database ||
    own.scale !== column.scale
  ) {
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}: ${columnSource}.${column.name} is a column of another source that is called ` +
        `"${columnSource}" too; give one of the two another name`,
    );
  }
  return own;
}

function featuresOf(
  who: string,
  entity: EntitySpec,
  source: SourceSpec,
  value: unknown,
): FeatureSpec[] {
  const features = new Map<string, FeatureSpec>();
  for (const [name, member] of Object.entries(checkMembers(who, "features", value))) {
    const state = definitionOfKind(member, "aggregation");
    if (state === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: feature "${name}" must be an aggregation, as in count().over("7d"), ` +
          `got ${described(member)}`,
      );
    const title = `${who}: feature "${name}"`;
    if (state.aggregate !== "latest" && state.windows.length === 0)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${title}: say over which window, as in .over("7d")`,
      );
    for (const column of [
      ...(state.column === null ? [] : [state.column]),
      ...state.conditionColumns,
    ])
      ownColumn(title, source, state.source ?? source.name, column);
    for (const feature of featuresOfAggregation(name, state)) {
      checkFeatureName(
        who,
        feature.name,
        entity.keys.map((key) => key.name),
      );
      if (features.has(feature.name))
        throw new TidemarkError(
          "NAME_TAKEN",
          `${title}: ${aggregationTitle(state)} would be called "${feature.name}", ` +
            "and there is a feature of that name; rename one",
        );
      features.set(feature.name, feature);
    }
  }
  if (features.size === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: features is empty; list at least one, such as count().over("7d")`,
    );
  return [...features.values()];
}

/** The features of an aggregation: one, or one for each window of `overEach`. */
function featuresOfAggregation(name: string, state: AggregationState): FeatureSpec[] {
  const feature = (own: string, window: number | null): FeatureSpec => ({
    name: own,
    aggregate: state.aggregate,
    column: state.column?.name ?? null,
    window,
    where: state.where,
    default: state.default,
    result: resultColumnOf(state, own),
  });
  if (state.aggregate === "latest") return [feature(name, null)];
  return state.windows.map((window) =>
    feature(state.suffixed ? `${name}_${window.text}` : name, window.micros),
  );
}

function viewKindOf(who: string, features: readonly FeatureSpec[]): "window" | "latest" {
  const newest = features.find((feature) => feature.aggregate === "latest");
  const windowed = features.find((feature) => feature.aggregate !== "latest");
  if (newest !== undefined && windowed !== undefined) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: "${windowed.name}" is over a window and "${newest.name}" is a latest feature; ` +
        "put them into two views",
    );
  }
  return newest === undefined ? "window" : "latest";
}

function typeText(column: ColumnSpec): string {
  return column.type === "decimal" ? `decimal with ${column.scale} fraction digits` : column.type;
}
