/**
 * Makes the normalized form of each definition. The form holds everything that changes an answer or
 * the stored data. The order of declarations and the names of exports are left out.
 */
import type { Definitions } from "../define/collect-definitions.ts";
import type {
  ColumnSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  ServiceSpec,
  SourceSpec,
  ViewSpec,
} from "../specs.ts";
import {
  canonicalText,
  definitionFingerprint,
  valueJson,
  type CanonicalJson,
} from "./canonical.ts";

/** The kinds of objects in a registry. */
export type ObjectKind = "entity" | "source" | "view" | "feature" | "service";

type NormalizedDefinition = { readonly [name: string]: CanonicalJson };

/** One object of the definitions, with its normalized definition and fingerprint. */
export interface DefinedObject {
  readonly kind: ObjectKind;
  /** Name of the object; `view.feature` for a feature. */
  readonly name: string;
  readonly fingerprint: string;
  readonly normalized: NormalizedDefinition;
}

/** The key of an object in a snapshot, such as `feature weekly.total`. */
export function objectKey({
  kind,
  name,
}: {
  readonly kind: ObjectKind;
  readonly name: string;
}): string {
  return `${kind} ${name}`;
}

/** Returns the objects of the definitions by key, sorted by key. */
export function definedObjects(definitions: Definitions): ReadonlyMap<string, DefinedObject> {
  const objects: DefinedObject[] = [];
  const add = (kind: ObjectKind, name: string, normalized: NormalizedDefinition): void => {
    objects.push({ kind, name, normalized, fingerprint: definitionFingerprint(kind, normalized) });
  };
  for (const entity of definitions.entities.values())
    add("entity", entity.name, normalizedEntity(entity));
  for (const source of definitions.sources.values())
    add("source", source.name, normalizedSource(source));
  for (const view of definitions.views.values()) {
    add("view", view.name, normalizedView(view));
    for (const feature of view.features)
      add("feature", `${view.name}.${feature.name}`, normalizedFeature(view, feature));
  }
  for (const service of definitions.services.values())
    add("service", service.name, normalizedService(service));
  return new Map(
    objects
      .map((object) => [objectKey(object), object] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function normalizedEntity({ keys }: EntitySpec): NormalizedDefinition {
  return {
    keys: columnsByName(keys, (key) => ({ ...normalizedType(key), ...normalizedMode(key) })),
  };
}

function normalizedSource(source: SourceSpec): NormalizedDefinition {
  return {
    ...normalizedOrigin(source),
    createdAt: source.createdAt,
    eventTime: normalizedEventTime(source),
    primaryKey: source.primaryKey,
    columns: columnsByName(source.columns, (column) => ({
      ...normalizedColumn(column),
      ...normalizedMode(column),
      nullable: column.nullable,
    })),
  };
}

function normalizedView(view: ViewSpec): NormalizedDefinition {
  return {
    kind: view.kind,
    entity: view.entity.name,
    source: view.source.name,
    ttl: view.ttl,
    keys: Object.fromEntries(view.entity.keys.map((key, i) => [key.name, view.keyColumns[i]!])),
    // The longest window decides which entities are NOT_FOUND (law 7: its rows give the status).
    longestWindow:
      view.kind === "window" ? Math.max(...view.features.map((feature) => feature.window!)) : null,
  };
}

/**
 * Returns everything that decides the feature's values. Other columns of the source are left out,
 * so a new column changes no feature.
 */
function normalizedFeature(view: ViewSpec, feature: FeatureSpec): NormalizedDefinition {
  const { source } = view;
  const named = (name: string): CanonicalJson => ({
    name,
    ...normalizedColumn(source.columns.find((column) => column.name === name)!),
  });
  return {
    kind: view.kind,
    aggregate: feature.aggregate,
    window: feature.window,
    ttl: view.ttl,
    column: feature.column === null ? null : named(feature.column),
    where: feature.where === null ? null : normalizedCondition(feature.where, named),
    default: feature.default === undefined ? null : valueJson(feature.default),
    result: { ...normalizedType(feature.result), ...normalizedMode(feature.result) },
    keys: Object.fromEntries(
      view.entity.keys.map((key, i) => [key.name, named(view.keyColumns[i]!)]),
    ),
    source: {
      name: source.name,
      ...normalizedOrigin(source),
      primaryKey: source.primaryKey.map(named),
      eventTime:
        source.eventTime.kind === "column"
          ? { column: named(source.eventTime.column) }
          : { committed: source.eventTime.since === null ? null : named(source.eventTime.since) },
      createdAt: source.createdAt === null ? null : named(source.createdAt),
      // A version of a dimension begins when any of its columns changes, and a ttl counts from
      // there.
      ...(source.eventTime.kind === "committed" && view.ttl !== null
        ? { columns: columnsByName(source.columns, normalizedColumn) }
        : {}),
    },
  };
}

function normalizedService({ features }: ServiceSpec): NormalizedDefinition {
  return {
    features: Object.fromEntries(
      features.map(({ view, feature, as }) => [as, `${view.name}.${feature.name}`]),
    ),
  };
}

function normalizedCondition(
  condition: Expression,
  named: (name: string) => CanonicalJson,
): CanonicalJson {
  switch (condition.kind) {
    case "compare":
      return {
        kind: "compare",
        op: condition.op,
        column: named(condition.column),
        value: valueJson(condition.value),
      };
    case "in":
      return {
        kind: "in",
        column: named(condition.column),
        values: asSet(condition.values.map(valueJson)),
      };
    case "null":
      return { kind: "null", column: named(condition.column), not: condition.not };
    case "not":
      return { kind: "not", term: normalizedCondition(condition.term, named) };
    default:
      return {
        kind: condition.kind,
        terms: asSet(condition.terms.map((term) => normalizedCondition(term, named))),
      };
  }
}

/** Sorts values and removes duplicates, because their order does not matter. */
function asSet(values: readonly CanonicalJson[]): CanonicalJson {
  return [
    ...new Map(
      values
        .map((value) => [canonicalText(value), value] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ).values(),
  ];
}

function normalizedOrigin({ table, push }: SourceSpec): NormalizedDefinition {
  return push === true ? { push: true } : { table };
}

function normalizedEventTime({ eventTime }: SourceSpec): CanonicalJson {
  return eventTime.kind === "column"
    ? { column: eventTime.column }
    : { committed: eventTime.since };
}

function normalizedColumn(column: ColumnSpec): NormalizedDefinition {
  return { database: column.database, ...normalizedType(column) };
}

function normalizedType({ type, precision, scale, zone }: ColumnSpec): NormalizedDefinition {
  return {
    type,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** The form in which a caller gets the values. */
function normalizedMode({ mode }: ColumnSpec): NormalizedDefinition {
  return mode === undefined ? {} : { mode };
}

function columnsByName(
  columns: readonly ColumnSpec[],
  normalize: (column: ColumnSpec) => NormalizedDefinition,
): CanonicalJson {
  return Object.fromEntries(columns.map((column) => [column.name, normalize(column)]));
}
