/** Writes a definition in another way. Sometimes it then means the same, sometimes it does not. */
import type { SourceSpec } from "@tidemark/core/spi";
import type { Random, Scenario } from "@tidemark/testkit";
import { columnNode, conditionNode } from "@tidemark/testkit/generate/expressions";

export type Definitions = Pick<Scenario, "sources" | "entities" | "views" | "selected">;
type View = Scenario["views"][number];
type Feature = View["features"][number];
type Condition = NonNullable<Feature["where"]>;

/** Makes new sources and views under the old names. All other definitions follow. */
function rebuilt(
  definitions: Definitions,
  sourceOf: (source: SourceSpec) => SourceSpec,
  viewOf: (view: View) => View,
): Definitions {
  const sources = new Map(definitions.sources.map((source) => [source.name, sourceOf(source)]));
  const views = definitions.views.map((view) =>
    viewOf({ ...view, source: sources.get(view.source.name)! }),
  );
  const entities = new Map([
    ...definitions.entities.map((entity) => [entity.name, entity] as const),
    ...views.map((view) => [view.entity.name, view.entity] as const),
  ]);
  const selected = definitions.selected.flatMap(
    ({ view: { name }, feature: { name: wanted }, as }) => {
      const view = views.find((one) => one.name === name);
      const feature = view?.features.find((one) => one.name === wanted);
      return feature === undefined ? [] : [{ view: view!, feature, as }];
    },
  );
  return { sources: [...sources.values()], entities: [...entities.values()], views, selected };
}

/** Reorders everything whose order does not matter. */
export function reordered(definitions: Definitions, random: Random): Definitions {
  const keys = new Map(
    definitions.entities.map((entity) => [
      entity.name,
      random.shuffled(entity.keys.map((_, i) => i)),
    ]),
  );
  const entities = new Map(
    definitions.entities.map((entity) => [
      entity.name,
      { ...entity, keys: keys.get(entity.name)!.map((i) => entity.keys[i]!) },
    ]),
  );
  const terms = (one: Condition): Condition => {
    if (one.op !== "call") return one;
    switch (one.function) {
      case "inList": {
        const [first, ...values] = one.arguments;
        return { ...one, arguments: [first!, ...random.shuffled(values), random.pick(values)] };
      }
      case "not":
        return { ...one, arguments: one.arguments.map(terms) };
      case "and":
      case "or":
        return { ...one, arguments: random.shuffled(one.arguments.map(terms)) };
      default:
        return one;
    }
  };
  const shuffled = {
    ...definitions,
    entities: [...entities.values()],
    sources: random.shuffled(definitions.sources),
    views: random.shuffled(definitions.views),
  };
  const next = rebuilt(
    shuffled,
    (source) => ({ ...source, columns: random.shuffled(source.columns) }),
    (view) => ({
      ...view,
      entity: entities.get(view.entity.name)!,
      keyColumns: keys.get(view.entity.name)!.map((i) => view.keyColumns[i]!),
      features: random.shuffled(
        view.features.map((feature) => ({
          ...feature,
          where: feature.where === null ? null : terms(feature.where),
        })),
      ),
    }),
  );
  return { ...next, selected: random.shuffled(next.selected) };
}

export const mutations = [
  "window",
  "aggregate",
  "default",
  "where",
  "negated",
  "ttl",
  "feature gone",
  "alias",
  "key column",
  "table",
  "createdAt",
  "primary key",
  "database name",
  "nullable",
  "mode",
  "scale",
  "column added",
  "column gone",
  "nothing",
] as const;

/** Changes one thing, unless the definitions have no such thing. */
export function mutated(
  definitions: Definitions,
  what: (typeof mutations)[number],
  random: Random,
): Definitions {
  const view = random.pick(definitions.views);
  const feature = random.pick(view.features);
  const source = random.pick(definitions.sources);
  const inView = (next: (one: View) => View): Definitions =>
    rebuilt(
      definitions,
      (one) => one,
      (one) => (one.name === view.name ? next(one) : one),
    );
  const inFeature = (next: (one: Feature) => Feature): Definitions =>
    inView((one) => ({
      ...one,
      features: one.features.map((each) => (each.name === feature.name ? next(each) : each)),
    }));
  const inSource = (next: (one: SourceSpec) => SourceSpec): Definitions =>
    rebuilt(
      definitions,
      (one) => (one.name === source.name ? next(one) : one),
      (one) => one,
    );
  const inColumn = (
    next: (one: SourceSpec["columns"][number]) => SourceSpec["columns"][number],
  ): Definitions => {
    const { name } = random.pick(source.columns);
    return inSource((one) => ({
      ...one,
      columns: one.columns.map((column) => (column.name === name ? next(column) : column)),
    }));
  };
  switch (what) {
    case "window":
      return inFeature((one) =>
        typeof one.window === "number" ? { ...one, window: one.window * random.pick([1, 2]) } : one,
      );
    case "aggregate":
      return inFeature((one) =>
        one.aggregate === "min"
          ? { ...one, aggregate: "max" }
          : one.aggregate === "count" && one.arguments.length > 0
            ? { ...one, aggregate: "countDistinct" }
            : one,
      );
    case "default":
      return inFeature((one) => ({
        ...one,
        default: random.pick([undefined, one.default, 1, 1n, "1", true, new Uint8Array([1])]),
      }));
    case "where":
      return inFeature((one) => ({
        ...one,
        where: random.pick([
          one.where,
          null,
          conditionNode("isNotNull", columnNode(random.pick(view.source.columns))),
        ]),
      }));
    case "negated":
      return inFeature((one) =>
        one.where === null ? one : { ...one, where: conditionNode("not", one.where) },
      );
    case "ttl":
      return view.kind === "latest"
        ? inView((one) => ({ ...one, ttl: random.pick([one.ttl, null, 1_000_000, 77_000_000]) }))
        : definitions;
    case "feature gone":
      return view.features.length > 1
        ? inView((one) => ({
            ...one,
            features: one.features.filter(({ name }) => name !== feature.name),
          }))
        : definitions;
    case "alias":
      return {
        ...definitions,
        selected: definitions.selected.map((one, i) =>
          i === 0 ? { ...one, as: random.pick([one.as, "called_otherwise"]) } : one,
        ),
      };
    case "key column":
      return inView((one) => {
        const others = one.source.columns.filter(({ type }) => type === one.entity.keys[0]!.type);
        return {
          ...one,
          keyColumns: one.keyColumns.map((name, i) => (i === 0 ? random.pick(others).name : name)),
        };
      });
    case "table":
      return inSource((one) => ({ ...one, table: random.pick([one.table, "public.other"]) }));
    case "createdAt":
      return inSource((one) => ({
        ...one,
        createdAt: random.pick([
          null,
          one.createdAt,
          ...one.columns.filter(({ type }) => type === "timestamp").map(({ name }) => name),
        ]),
      }));
    case "primary key":
      return inSource((one) => ({ ...one, primaryKey: one.primaryKey.toReversed() }));
    case "database name":
      return inColumn((one) => ({
        ...one,
        database: random.pick([one.database, `${one.database} 2`]),
      }));
    case "nullable":
      return inColumn((one) => ({ ...one, nullable: random.chance(0.5) }));
    case "mode":
      return inColumn((one) =>
        one.type === "int64"
          ? { ...one, mode: "number" }
          : one.type === "timestamp"
            ? { ...one, mode: "micros" }
            : one,
      );
    case "scale":
      return inColumn((one) =>
        one.type === "decimal" ? { ...one, precision: 38, scale: random.pick([0, 1, 2]) } : one,
      );
    case "column added":
      return inSource((one) => ({
        ...one,
        columns: [
          ...one.columns,
          { name: "brand_new", database: "brand new", type: "string", nullable: true },
        ],
      }));
    case "column gone": {
      // Only an unread column is removed, because a definition without a read one would be refused.
      const used = JSON.stringify(
        [
          source.primaryKey,
          source.eventTime,
          source.createdAt,
          definitions.views
            .filter((one) => one.source.name === source.name)
            .map(({ keyColumns, features }) => [keyColumns, features]),
        ],
        (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
      );
      return inSource((one) => ({
        ...one,
        columns: one.columns.filter(
          ({ name }) => used.includes(JSON.stringify(name)) || random.chance(0.5),
        ),
      }));
    }
    case "nothing":
      return definitions;
  }
}
