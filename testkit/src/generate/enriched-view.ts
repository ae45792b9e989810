/** Makes a view over an enriched source: rows of events with columns of the dimension. */
import type {
  ColumnSpec,
  Expression,
  FeatureSpec,
  LookupSpec,
  SourceSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import { textOfAll } from "../oracle/values.ts";
import { resultOf, type GeneratedDefinitions, type GeneratedTable } from "./definitions.ts";
import { callNode, columnNode, comparedColumn, conditionNode, literalNode } from "./expressions.ts";
import type { Random } from "./random.ts";

/** The most rows of the dimension that events look up. */
const MOST_KEYS = 3;

/**
 * Adds a view whose rows look up columns of the dimension, if the definitions have one. The rows of
 * the dimension with the most changes are looked up: the value of a column of the event says which.
 */
export function withEnrichedView(
  random: Random,
  definitions: GeneratedDefinitions,
  truth: readonly Change[],
): GeneratedDefinitions {
  const [events] = definitions.tables;
  const dimension = definitions.tables.find(({ time }) => time < 0);
  if (events === undefined || dimension === undefined) return definitions;
  const keys = changedKeys(dimension.source, truth).slice(0, MOST_KEYS);
  if (keys.length === 0) return definitions;
  const lookups = [lookupOf(random, events, dimension, keys, "looked_up")];
  if (random.chance(0.3)) lookups.push(lookupOf(random, events, dimension, keys, "again"));
  const view = enrichedView(random, definitions.views[0]!, lookups);
  return {
    ...definitions,
    views: [...definitions.views, view],
    selected: [
      ...definitions.selected,
      ...view.features.map((feature) => ({ view, feature, as: feature.name })),
    ],
  };
}

/** The primary keys of a source, those with the most changes first. */
function changedKeys(source: SourceSpec, truth: readonly Change[]): readonly (readonly Value[])[] {
  const indexes = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );
  const found = new Map<string, { readonly key: readonly Value[]; changes: number }>();
  for (const { source: name, values } of truth) {
    if (name !== source.name || values === null) continue;
    const key = indexes.map((index) => values[index] ?? null);
    if (key.includes(null)) continue;
    const one = found.get(textOfAll(key)) ?? { key, changes: 0 };
    one.changes++;
    found.set(textOfAll(key), one);
  }
  return [...found.values()].toSorted((a, b) => b.changes - a.changes).map(({ key }) => key);
}

function lookupOf(
  random: Random,
  events: GeneratedTable,
  { source, pools }: GeneratedTable,
  keys: readonly (readonly Value[])[],
  prefix: string,
): LookupSpec {
  const values = source.columns.filter(
    ({ name }) => /_\d$/.test(name) && !name.startsWith("account_"),
  );
  const chosen = random.sample(values, Math.min(values.length, random.between(1, 2)));
  const filtered = random.pick(values);
  const pool = pools[source.columns.indexOf(filtered)]!;
  return {
    dimension: source,
    ...(random.chance(0.25)
      ? { rows: comparedColumn(random.pick(["ne", "lte", "gt"]), filtered, random.pick(pool)) }
      : {}),
    on: chosenKey(random, events, source, keys),
    columns: chosen.map((column, i) => ({ name: `${prefix}_${i}`, value: columnNode(column) })),
  };
}

/** For each column of the primary key: that of one of the keys, by a column of the event. */
function chosenKey(
  random: Random,
  { source, pools }: GeneratedTable,
  dimension: SourceSpec,
  keys: readonly (readonly Value[])[],
): readonly Expression[] {
  const candidates = source.columns.flatMap((column, i) =>
    /^(string|int32|boolean|account)_/.test(column.name) && pools[i]!.length > 1 ? [i] : [],
  );
  const index = random.pick(candidates);
  const column = source.columns[index]!;
  const selectors = random.sample(pools[index]!, keys.length);
  // most events look something up
  const otherwise = random.chance(0.8) ? keys[0]! : null;
  return dimension.primaryKey.map((name, k) => {
    const of = dimension.columns.find((one) => one.name === name)!;
    const literal = (value: Value): Expression => literalNode(value, of);
    const branches = selectors.flatMap((value, i) => [
      comparedColumn("eq", column, value),
      literal(keys[i]![k]!),
    ]);
    const last = otherwise === null ? [] : [literal(otherwise[k]!)];
    return callNode("caseWhen", ...branches, ...last);
  });
}

function enrichedView(random: Random, like: ViewSpec, lookups: readonly LookupSpec[]): ViewSpec {
  const columns = lookups.flatMap((lookup) =>
    lookup.columns.map(({ name, value }): ColumnSpec => {
      const { type, precision, scale, mode } = value;
      const digits = type === "decimal" ? { precision, scale } : {};
      const form = mode === undefined ? {} : { mode };
      return { name, database: "", type, nullable: true, ...digits, ...form };
    }),
  );
  const windows = like.features.flatMap(({ window }) => window ?? []);
  const features = columns.flatMap((column, i): FeatureSpec[] => {
    const feature = (suffix: string, aggregate: string, where: Expression | null) => {
      const name = `enriched_${i}_${suffix}`;
      const input = aggregate === "count" ? null : column;
      return {
        name,
        aggregate,
        arguments: input === null ? [] : [columnNode(input)],
        window: random.pick(windows),
        result: resultOf(name, aggregate, input),
        where,
        default: undefined,
      };
    };
    return [
      feature("newest", "last", null),
      feature("distinct", "countDistinct", null),
      feature("there", "count", conditionNode("isNotNull", columnNode(column))),
    ];
  });
  const rows = random.chance(0.3)
    ? { rows: conditionNode("isNotNull", columnNode(columns[0]!)) }
    : {};
  return { ...like, name: "enriched", lookups, ...rows, features };
}
