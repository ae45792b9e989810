/** Feature views: features of one entity from one source. */
import { describedAs, type Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import { typeSpecOf, withColumns } from "../expr/tree.ts";
import type {
  AggregateSpec,
  ColumnSpec,
  EntitySpec,
  FeatureSpec,
  NamedAggregateSpec,
  ValueType,
  ViewSpec,
  WindowSpec,
} from "../specs.ts";
import type { AnyColumn, InputsOf } from "./column-types.ts";
import { farthestWindow } from "./window-reach.ts";
import {
  aggregationTitle,
  definitionOf,
  definitionOfKind,
  described,
  makeDefinition,
  type AggregationState,
  type Definition,
  type FunctionState,
} from "./definition.ts";
import { isLookedUp, readSource, type ReadSource } from "./derived-source.ts";
import { lookedUpColumn } from "./looked-up-column.ts";
import { durationMicros } from "./duration.ts";
import { windowExpression } from "./expression.ts";
import type { AnyEntity } from "./entity.ts";
import type {
  CheckEntity,
  CheckFeatures,
  CheckKeys,
  CheckTtl,
  Features,
  KindsOfFeatures,
  RowOfFeatures,
} from "./feature-view-types.ts";
import { makeFeature, type Feature } from "./feature.ts";
import { checkFormerNames, viewSelection } from "./former-names.ts";
import { checkFeatureName, checkName, type CheckName } from "./names.ts";
import { checkMembers } from "./options.ts";
import { resultColumnOf } from "./result.ts";
import type { Selection } from "./selection.ts";
import type { shape } from "./shape.ts";
import { keyColumnIn } from "./source-readings.ts";
import type { AnySource } from "./source.ts";

/** A feature view. Each member is a feature, and the view itself can be selected. */
export type FeatureView<Name extends string, Row, Needs, Kinds = AnyKinds<Row>> = {
  readonly [K in keyof Row]: Feature<
    Name,
    K & string,
    Row[K],
    Needs,
    Extract<Kinds[K & keyof Kinds], ValueType>
  >;
} & Selection<Row, Needs>;
type AnyKinds<Row> = { [K in keyof Row]: ValueType };

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
  F extends Features,
  M extends { readonly [key: string]: AnyColumn } = {},
  const T extends string = never,
>(
  name: CheckName<N>,
  definition: Metadata & {
    readonly entity: CheckEntity<E, S, M>;
    readonly source: S;
    readonly features: CheckFeatures<F, S, E>;
    /** The source's columns that hold the entity's keys, if their names differ. */
    readonly keys?: CheckKeys<M, E, S> | undefined;
    /** How long a latest row holds; without end if it is omitted. */
    readonly ttl?: CheckTtl<T, F> | undefined;
  },
): FeatureView<N, RowOfFeatures<F>, InputsOf<E[typeof shape]["keys"]>, KindsOfFeatures<F>> {
  const who = `feature view "${checkName("feature view", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, [
    "entity",
    "source",
    "features",
    "keys",
    "ttl",
  ]);
  const entity = definitionOfKind(options["entity"], "entity")?.spec;
  if (entity === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: entity must be an entity(...), got ${described(options["entity"])}`,
    );
  const source = readSource(options["source"]);
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
  if (kind === "window" && source.spec.eventTime.kind === "committed") {
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
    source: source.spec,
    ...(source.parts === undefined ? {} : { parts: source.parts }),
    ...(source.lookups.length === 0 ? {} : { lookups: source.lookups }),
    ...(source.rows === null ? {} : { rows: source.rows }),
    ...(source.through.length === 0 ? {} : { through: source.through }),
    keyColumns,
    features,
    ttl: options["ttl"] === undefined ? null : durationMicros(`${who}: ttl`, options["ttl"]),
    ...metadata,
  };
  const members = Object.fromEntries(
    viewSelection(spec).map((selected) => [selected.as, makeFeature(selected)]),
  );
  return makeDefinition({ kind: "view", spec }, `feature view ${spec.name}`, members);
}

function keyColumnsOf(
  who: string,
  entity: EntitySpec,
  source: ReadSource,
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
        : storedColumn(who, source, key.name);
    if (column === undefined) {
      throw new TidemarkError(
        "COLUMN_UNKNOWN",
        `${who}: source "${source.name}" has no column "${key.name}", ` +
          `the key of entity "${entity.name}"; map it, as in keys: { ${key.name}: ` +
          `${source.name}.other }`,
      );
    }
    const computed = source.parts?.find((part) => keyColumnIn(part, column.name) === undefined);
    if (computed !== undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        computed.explode === undefined
          ? `${who}: ${source.name}.${column.name} is computed in part "${computed.name}", and ` +
              "rows are found by columns of a table; give a column of it in from(...)"
          : `${who}: ${source.name}.${column.name} is an element of a list, and rows are found ` +
              "by columns of a table; map the key to a column of the row",
      );
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

/** The column of that name; undefined: the source has none. */
function storedColumn(who: string, source: ReadSource, column: string): ColumnSpec | undefined {
  const { name, spec, computed } = source;
  if (computed.has(column)) {
    const kind = isLookedUp(source, column) ? "looked up" : "computed";
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${name}.${column} is ${kind}, and rows are found by columns of a table; ` +
        `give the ${kind} column another name, or map the key to another column`,
    );
  }
  return spec.columns.find((one) => one.name === column);
}

function mappedColumn(who: string, source: ReadSource, key: string, value: unknown): ColumnSpec {
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
  source: ReadSource,
  columnSource: string,
  column: ColumnSpec,
): ColumnSpec {
  if (columnSource !== source.name)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}: ${columnSource}.${column.name} is a column of source "${columnSource}", ` +
        `the view reads "${source.name}"; take a column of that`,
    );
  const own =
    source.spec.columns.find((one) => one.name === column.name) ??
    source.lookups
      .flatMap(({ columns }) => columns.map(lookedUpColumn))
      .find((one) => one.name === column.name);
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
  source: ReadSource,
  value: unknown,
): FeatureSpec[] {
  const features = new Map<string, FeatureSpec>();
  for (const [name, member] of Object.entries(checkMembers(who, "features", value))) {
    const title = `${who}: feature "${name}"`;
    const made = madeFeatures(title, name, member);
    for (const column of made.columns) ownColumn(title, source, made.source ?? source.name, column);
    for (const feature of made.features) {
      checkFeatureName(
        who,
        feature.name,
        entity.keys.map((key) => key.name),
      );
      if (features.has(feature.name))
        throw new TidemarkError(
          "NAME_TAKEN",
          `${title}: ${made.text} would be called "${feature.name}", ` +
            "and there is a feature of that name; rename one",
        );
      features.set(feature.name, feature);
    }
  }
  checkFormerNames(
    who,
    entity.keys.map((key) => key.name),
    [...features.values()],
  );
  if (features.size === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: features is empty; list at least one, such as count().over("7d")`,
    );
  return [...features.values()];
}

/** The features that a member of `features` makes, and what they read. */
interface MadeFeatures extends Pick<AggregationState, "source" | "columns" | "text"> {
  readonly features: readonly FeatureSpec[];
}

function madeFeatures(title: string, name: string, member: unknown): MadeFeatures {
  const found = definitionOf(member);
  if (isOfFeatures(found))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${title}: ${described(member)} computes with features or request data; ` +
        "put it into a derivedView",
    );
  if (found?.kind === "function" || found?.kind === "expression") {
    const state =
      found.kind === "function" ? found : { of: found, default: undefined, renamedFrom: [] };
    const { source, columns, text } = state.of;
    return { source, columns, text, features: [featureOfFunction(title, name, state)] };
  }
  if (found?.kind !== "aggregation")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${title} must be an aggregation, as in count().over("7d"), got ${described(member)}`,
    );
  if (!found.isFact && found.windows.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${title}: say over which window, as in .over("7d")`,
    );
  const { source, columns } = found;
  const text = aggregationTitle(found);
  const features =
    found.ratio === undefined
      ? featuresOfAggregation(name, found)
      : featuresOfRatio(title, name, found);
  return { source, columns, text, features };
}

function isOfFeatures(found: Definition | undefined): boolean {
  if (found?.kind === "function") return found.of.inputs !== undefined;
  if (found?.kind === "expression") return found.inputs !== undefined;
  return found?.kind === "feature" || found?.kind === "request column";
}

/** The features of a ratio: one for each window. Each is a function of windows. */
function featuresOfRatio(title: string, name: string, state: AggregationState): FeatureSpec[] {
  const { windows, default: replaced, renamedFrom } = state;
  return windows.map((window) => {
    const { suffix } = window;
    return featureOfFunction(title, name + suffix, {
      of: windowExpression({
        ...state,
        windows: [{ ...window, suffix: "" }],
        default: undefined,
        renamedFrom: [],
      }),
      default: replaced,
      renamedFrom: renamedFrom.map((former) => former + suffix),
      ...describedAs(state),
    });
  });
}

/** The feature of a function of windows. */
function featureOfFunction(title: string, name: string, state: FunctionState): FeatureSpec {
  const { of, default: replaced, renamedFrom } = state;
  if (of.windows === undefined && of.clock === true)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${title}: ${of.text} reads the time of the answer and no window; compute with a window, ` +
        'as in elapsed("hours", last(x).over("7d"), asOf())',
    );
  if (of.windows === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${title}: ${of.text} is about rows; aggregate it, as in last(x).over("7d")`,
    );
  const names = new Map(of.windows.map((term, i) => [term.name, `window_${i + 1}`]));
  const aggregates = of.windows.map(({ name, state }): NamedAggregateSpec => ({
    name: names.get(name)!,
    ...aggregateSpec(state),
    window: state.windows[0]!.spec,
  }));
  return {
    name,
    aggregate: "function",
    arguments: [],
    where: null,
    function: {
      value: withColumns(of.expression, (column) => ({ ...column, name: names.get(column.name)! })),
      aggregates,
    },
    window: farthestWindow(aggregates.map(({ window }) => window!)),
    default: replaced,
    result: resultColumnOf({ result: typeSpecOf(of.expression), default: replaced }, name),
    ...(renamedFrom.length === 0 ? {} : { renamedFrom }),
    ...describedAs(state),
  };
}

function aggregateSpec(state: AggregationState): Omit<AggregateSpec, "window"> {
  return {
    aggregate: state.aggregate,
    ...(Object.keys(state.options).length === 0 ? {} : { options: state.options }),
    arguments: state.arguments,
    ...(state.by === undefined ? {} : { by: state.by }),
    where: state.where,
  };
}

/** The features of an aggregation: one for each of its windows. */
function featuresOfAggregation(name: string, state: AggregationState): FeatureSpec[] {
  const feature = (suffix: string, window: WindowSpec | null): FeatureSpec => ({
    name: name + suffix,
    ...aggregateSpec(state),
    window,
    default: state.default,
    result: resultColumnOf(state, name + suffix),
    ...(state.renamedFrom.length === 0
      ? {}
      : { renamedFrom: state.renamedFrom.map((former) => former + suffix) }),
    ...describedAs(state),
  });
  if (state.isFact) return [feature("", null)];
  return state.windows.map(({ suffix, spec }) => feature(suffix, spec));
}

function viewKindOf(who: string, features: readonly FeatureSpec[]): "window" | "latest" {
  const newest = features.find((feature) => feature.window === null);
  const windowed = features.find((feature) => feature.window !== null);
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
