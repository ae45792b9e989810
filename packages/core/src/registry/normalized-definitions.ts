/**
 * What each definition means, as plain data: what a caller can notice, or what lies in the stores.
 * The order of declarations, the names of exports and who else uses a definition are no part of it.
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
import { canonicalText, fingerprintOf, valueJson, type Json } from "./canonical.ts";

export type ObjectKind = "entity" | "source" | "view" | "feature" | "service";

type Members = { readonly [name: string]: Json };

export interface DefinedObject {
  readonly kind: ObjectKind;
  /** A feature's is `view.feature`. */
  readonly name: string;
  readonly fingerprint: string;
  readonly meaning: Members;
}

/** `feature weekly.total`: the key of an object in a snapshot. */
export function objectKey({
  kind,
  name,
}: {
  readonly kind: ObjectKind;
  readonly name: string;
}): string {
  return `${kind} ${name}`;
}

/** By key, in the order of keys. */
export function objectsOf(definitions: Definitions): ReadonlyMap<string, DefinedObject> {
  const objects: DefinedObject[] = [];
  const add = (kind: ObjectKind, name: string, meaning: Members): void => {
    objects.push({ kind, name, meaning, fingerprint: fingerprintOf(kind, meaning) });
  };
  for (const entity of definitions.entities.values())
    add("entity", entity.name, entityMeaning(entity));
  for (const source of definitions.sources.values())
    add("source", source.name, sourceMeaning(source));
  for (const view of definitions.views.values()) {
    add("view", view.name, viewMeaning(view));
    for (const feature of view.features)
      add("feature", `${view.name}.${feature.name}`, featureMeaning(view, feature));
  }
  for (const service of definitions.services.values())
    add("service", service.name, serviceMeaning(service));
  return new Map(
    objects
      .map((object) => [objectKey(object), object] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function entityMeaning({ keys }: EntitySpec): Members {
  return { keys: byName(keys, (key) => ({ ...typeMeaning(key), ...modeMeaning(key) })) };
}

function sourceMeaning(source: SourceSpec): Members {
  return {
    ...placeMeaning(source),
    created: source.created,
    eventTime: eventTimeMeaning(source),
    primaryKey: source.primaryKey,
    columns: byName(source.columns, (column) => ({
      ...columnMeaning(column),
      ...modeMeaning(column),
      nullable: column.nullable,
    })),
  };
}

function viewMeaning(view: ViewSpec): Members {
  return {
    is: view.is,
    entity: view.entity.name,
    source: view.source.name,
    ttl: view.ttl,
    keys: Object.fromEntries(view.entity.keys.map((key, i) => [key.name, view.keyColumns[i]!])),
    // law 7: it decides which entities are NOT_FOUND
    longestWindow:
      view.is === "window" ? Math.max(...view.features.map((feature) => feature.window!)) : null,
  };
}

/**
 * Everything that decides what the feature answers, so that a source that gains a column changes no
 * feature.
 */
function featureMeaning(view: ViewSpec, feature: FeatureSpec): Members {
  const { source } = view;
  const named = (name: string): Json => ({
    name,
    ...columnMeaning(source.columns.find((column) => column.name === name)!),
  });
  return {
    is: view.is,
    aggregate: feature.aggregate,
    window: feature.window,
    ttl: view.ttl,
    column: feature.column === null ? null : named(feature.column),
    where: feature.where === null ? null : conditionMeaning(feature.where, named),
    default: feature.default === undefined ? null : valueJson(feature.default),
    result: { ...typeMeaning(feature.result), ...modeMeaning(feature.result) },
    keys: Object.fromEntries(
      view.entity.keys.map((key, i) => [key.name, named(view.keyColumns[i]!)]),
    ),
    source: {
      name: source.name,
      ...placeMeaning(source),
      primaryKey: source.primaryKey.map(named),
      eventTime:
        source.eventTime.is === "column"
          ? { column: named(source.eventTime.column) }
          : { committed: source.eventTime.since === null ? null : named(source.eventTime.since) },
      created: source.created === null ? null : named(source.created),
      // a version of a dimension begins when any of its columns changes, and a ttl counts from
      // there
      ...(source.eventTime.is === "committed" && view.ttl !== null
        ? { columns: byName(source.columns, columnMeaning) }
        : {}),
    },
  };
}

function serviceMeaning({ features }: ServiceSpec): Members {
  return {
    features: Object.fromEntries(
      features.map(({ view, feature, as }) => [as, `${view.name}.${feature.name}`]),
    ),
  };
}

function conditionMeaning(condition: Expression, named: (name: string) => Json): Json {
  switch (condition.is) {
    case "compare":
      return {
        is: "compare",
        op: condition.op,
        column: named(condition.column),
        value: valueJson(condition.value),
      };
    case "in":
      return {
        is: "in",
        column: named(condition.column),
        values: unordered(condition.values.map(valueJson)),
      };
    case "null":
      return { is: "null", column: named(condition.column), not: condition.not };
    case "not":
      return { is: "not", term: conditionMeaning(condition.term, named) };
    default:
      return {
        is: condition.is,
        terms: unordered(condition.terms.map((term) => conditionMeaning(term, named))),
      };
  }
}

function unordered(values: readonly Json[]): Json {
  return [
    ...new Map(
      values
        .map((value) => [canonicalText(value), value] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ).values(),
  ];
}

function placeMeaning({ table, push }: SourceSpec): Members {
  return push === true ? { push: true } : { table };
}

function eventTimeMeaning({ eventTime }: SourceSpec): Json {
  return eventTime.is === "column" ? { column: eventTime.column } : { committed: eventTime.since };
}

function columnMeaning(column: ColumnSpec): Members {
  return { database: column.database, ...typeMeaning(column) };
}

function typeMeaning({ kind, precision, scale, zone }: ColumnSpec): Members {
  return {
    kind,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** In which form a caller gets the values. */
function modeMeaning({ mode }: ColumnSpec): Members {
  return mode === undefined ? {} : { mode };
}

function byName(columns: readonly ColumnSpec[], meaning: (column: ColumnSpec) => Members): Json {
  return Object.fromEntries(columns.map((column) => [column.name, meaning(column)]));
}
