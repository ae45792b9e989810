/**
 * The slow reference for the registry's fingerprints: a form that is deeply equal for equal
 * definitions.
 * It shares only types with core.
 */
import { isDeepStrictEqual, inspect } from "node:util";
import type { ColumnSpec, SourceSpec } from "@tidemark/core/spi";
import { lengthOf, type Scenario } from "@tidemark/testkit";

type View = Scenario["views"][number];
type Feature = View["features"][number];
type Condition = NonNullable<Feature["where"]>;

/** Objects by their registry keys, in a form that is deeply equal for equal definitions. */
export type ReferenceDefinitions = ReadonlyMap<string, unknown>;

export function referenceOf({
  sources,
  entities,
  views,
  selected,
}: Pick<Scenario, "sources" | "entities" | "views" | "selected">): ReferenceDefinitions {
  const reference = new Map<string, unknown>();
  const read = new Set(views.map((view) => view.entity.name));
  for (const entity of entities)
    if (read.has(entity.name))
      reference.set(
        `entity ${entity.name}`,
        new Map(
          sortedBy(
            entity.keys.map(
              (key) =>
                [key.name, [key.type, key.precision, key.scale, key.zone, key.mode]] as const,
            ),
          ),
        ),
      );
  for (const source of sources) {
    reference.set(`source ${source.name}`, [
      source.table,
      source.push ?? false,
      source.primaryKey,
      source.eventTime,
      source.createdAt,
      new Map(
        sortedBy(
          source.columns.map(
            (column) => [column.name, [...typeOf(column), column.mode, column.nullable]] as const,
          ),
        ),
      ),
    ]);
  }
  for (const view of views) {
    const keys = new Map(
      sortedBy(view.entity.keys.map((key, i) => [key.name, view.keyColumns[i]] as const)),
    );
    const windows = view.features.flatMap((feature) =>
      feature.window === null ? [] : [lengthOf(feature.window)],
    );
    reference.set(`view ${view.name}`, [
      view.kind,
      view.entity.name,
      view.source.name,
      view.ttl,
      keys,
      windows.toSorted((a, b) => b - a)[0],
    ]);
    for (const feature of view.features)
      reference.set(`feature ${view.name}.${feature.name}`, referenceFeature(view, feature));
  }
  reference.set(
    "service all",
    new Map(
      sortedBy(
        selected.map(({ view, feature, as }) => [as, `${view.name}/${feature.name}`] as const),
      ),
    ),
  );
  return reference;
}

/**
 * What decides a feature's answer.
 * The parts are the rows (table, key, time), which of them count, and what is made of them.
 */
function referenceFeature(view: View, feature: Feature): unknown {
  const { source } = view;
  const column = (name: string | null): unknown =>
    name === null ? null : [name, ...typeOf(source.columns.find((one) => one.name === name)!)];
  const condition = (one: Condition): unknown => {
    if (one.op === "column") return column(one.name);
    if (one.op === "literal") return [one.type, one.scale, one.value];
    const terms = one.arguments.map(condition);
    const isSet = one.function === "and" || one.function === "or";
    return one.function === "inList"
      ? [one.function, terms[0], distinct(terms.slice(1))]
      : [one.function, isSet ? distinct(terms) : terms];
  };
  const { type, precision, scale, zone, mode } = feature.result;
  return [
    view.kind,
    feature.aggregate,
    feature.options ?? null,
    feature.arguments.map(condition),
    feature.window,
    feature.where === null ? null : condition(feature.where),
    feature.default,
    [type, precision, scale, zone, mode],
    view.ttl,
    new Map(
      sortedBy(view.entity.keys.map((key, i) => [key.name, column(view.keyColumns[i]!)] as const)),
    ),
    [
      source.name,
      source.table,
      source.push ?? false,
      source.primaryKey.map(column),
      source.eventTime.kind === "column"
        ? column(source.eventTime.column)
        : ["committed", column(source.eventTime.since)],
      column(source.createdAt),
    ],
    // Any column makes a new version of a dimension, with a new stamp, and a ttl counts from its
    // stamp.
    source.eventTime.kind === "committed" && view.ttl !== null
      ? new Map(sortedBy(source.columns.map((one) => [one.name, typeOf(one)] as const)))
      : null,
  ];
}

function typeOf(column: SourceSpec["columns"][number] | ColumnSpec): readonly unknown[] {
  return [column.database, column.type, column.precision, column.scale, column.zone];
}

/** The values sorted, each once: neither order nor repetition matters. */
function distinct(values: readonly unknown[]): readonly unknown[] {
  const texts = values.map(
    (value) =>
      [
        inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null }),
        value,
      ] as const,
  );
  return sortedBy(texts)
    .filter(([text], i, all) => i === 0 || all[i - 1]![0] !== text)
    .map(([, value]) => value);
}

function sortedBy<T>(pairs: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

export function sameInReference(
  a: ReferenceDefinitions,
  b: ReferenceDefinitions,
  key: string,
): boolean {
  return a.has(key) && b.has(key) && isDeepStrictEqual(a.get(key), b.get(key));
}
