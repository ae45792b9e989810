/** Edits of a source: its columns, its primary key and its times. */
import type {
  ColumnSpec,
  Expression,
  SourceSpec,
  ScalarType,
  ValueType,
} from "../../../packages/core/src/specs.ts";
import { UNDECLARED_COLUMN } from "../oracle/redefined-changes.ts";
import type { Edit, EditContext } from "./definition-edits.ts";
import {
  columnsReadBy,
  featureOver,
  structuralColumns,
  withSource,
  type DefinitionSet,
} from "./definition-set.ts";
import { isCategoryKey } from "./categories.ts";
import { columnSpec, takesArguments } from "./definitions.ts";
import { columnNode, columnsIn, conditionNode, withColumns } from "./expressions.ts";
import { newFeatureOver } from "./feature-edits.ts";

/**
 * The types under which the values of a type can be read. Words in a column of decimals may count
 * as base64, so a column that holds words is never declared as one.
 */
const retyped: Readonly<
  Record<ScalarType, (column: ColumnSpec) => readonly Partial<ColumnSpec>[]>
> = {
  int32: () => [{ type: "int64" }, { type: "float64" }, { type: "string" }, { type: "date" }],
  int64: () => [{ type: "int32" }, { type: "float64" }, { type: "string" }],
  decimal: ({ precision, scale }) => [
    ...(scale! < precision!
      ? [{ type: "decimal" as const, precision: precision!, scale: scale! + 1 }]
      : []),
    ...(scale! > 0 ? [{ type: "decimal" as const, precision: precision!, scale: scale! - 1 }] : []),
    { type: "decimal", precision: 38, scale: scale! },
    { type: "float64" },
    { type: "string" },
  ],
  float64: () => [{ type: "string" }, { type: "decimal", precision: 38, scale: 9 }],
  string: () => [{ type: "json" }],
  json: () => [{ type: "string" }],
  boolean: () => [{ type: "string" }],
  bytes: () => [{ type: "string" }],
  date: () => [{ type: "int32" }, { type: "string" }],
  timestamp: () => [{ type: "string" }],
};

/** Declares a column that the table has, or one that came later, or one that it never has. */
export const addColumn: Edit = (set, context) => {
  const { random, scenario, number } = context;
  const candidates = set.sources.flatMap((source) => {
    const table = scenario.sources.find(({ name }) => name === source.name)!;
    const has = (one: ColumnSpec): boolean =>
      source.columns.some(({ database }) => database === one.database);
    const missing = table.columns.filter((column) => !has(column));
    const others = [
      columnSpec("later", random.pick<ValueType>(["string", "json"]), {
        database: UNDECLARED_COLUMN,
        nullable: true,
      }),
      columnSpec("never", random.pick<ValueType>(["int64", "string"]), { nullable: true }),
    ].filter((column) => !has(column));
    return [...missing, ...missing, ...missing, ...others].map((column) => ({
      source,
      column: freshlyNamed(source, column, number),
    }));
  });
  if (candidates.length === 0) return null;
  const { source, column } = random.pick(candidates);
  const columns = [...source.columns];
  columns.splice(random.int(columns.length + 1), 0, column);
  const grown = withSource(set, { ...source, columns });
  return withFeatureOver(grown, source.name, column.name, context) ?? grown;
};

/** Adds a feature that reads the column, to a view over the source. */
function withFeatureOver(
  set: DefinitionSet,
  source: string,
  column: string,
  context: EditContext,
): DefinitionSet | null {
  const views = set.views.filter((view) => view.source.name === source);
  if (views.length === 0) return null;
  return newFeatureOver(set, context.random.pick(views), column, context);
}

/** The column, with another name if the source has the name. */
function freshlyNamed(source: SourceSpec, column: ColumnSpec, number: number): ColumnSpec {
  const taken = source.columns.some(({ name }) => name === column.name);
  return taken ? { ...column, name: `${column.name}_n${number}` } : column;
}

/** Drops a column with the features that read it. */
export const dropColumn: Edit = (set, { random }) => {
  const candidates = set.sources.flatMap((source) => {
    const structural = structuralColumns(set, source);
    return source.columns
      .filter(({ name }) => !structural.has(name))
      .map((column) => ({ source, column }));
  });
  if (candidates.length === 0) return null;
  const { source, column } = random.pick(candidates);
  const dropped = withSource(set, {
    ...source,
    columns: source.columns.filter((one) => one !== column),
  });
  const views = dropped.views.flatMap((view) => {
    if (view.source.name !== source.name) return [view];
    const features = view.features.filter((one) => !columnsReadBy(one).includes(column.name));
    return features.length === 0 ? [] : [{ ...view, features }];
  });
  return views.length === 0 ? null : { ...dropped, views };
};

/** Gives a column another name in the definitions. The database keeps its own. */
export const renameColumn: Edit = (set, { random, number }) => {
  const source = random.pick(set.sources);
  const { name: from } = random.pick(source.columns);
  const to = `${from.replace(/_r\d+$/, "")}_r${number}`;
  const rename = (name: string): string => (name === from ? to : name);
  const withNames = (expression: Expression): Expression =>
    withColumns(expression, (one) => ({ ...one, name: rename(one.name) }));
  const { eventTime } = source;
  const renamed: SourceSpec = {
    ...source,
    columns: source.columns.map((one) => ({ ...one, name: rename(one.name) })),
    primaryKey: source.primaryKey.map(rename),
    eventTime:
      eventTime.kind === "column"
        ? { kind: "column", column: rename(eventTime.column) }
        : { kind: "committed", since: eventTime.since === null ? null : rename(eventTime.since) },
    createdAt: source.createdAt === null ? null : rename(source.createdAt),
    expectations: source.expectations?.map((one) => ({
      ...one,
      condition: withNames(one.condition),
    })),
  };
  const views = set.views.map((view) =>
    view.source.name !== source.name
      ? view
      : {
          ...view,
          keyColumns: view.keyColumns.map(rename),
          features: view.features.map((feature) => ({
            ...feature,
            arguments: feature.arguments.map(withNames),
            ...(feature.by === undefined
              ? {}
              : { by: { ...feature.by, key: withNames(feature.by.key) } }),
            where: feature.where === null ? null : withNames(feature.where),
          })),
        },
  );
  return withSource({ ...set, views }, renamed);
};

/** Gives a table another name in the definitions. Messages still carry a former one. */
export const renameTable: Edit = (set, { random, number }) => {
  const source = random.pick(set.sources);
  const { table, renamedFrom = [] } = source;
  return withSource(set, {
    ...source,
    table: `${table.replace(/_t\d+$/, "")}_t${number}`,
    renamedFrom: [table, ...renamedFrom],
  });
};

/** Declares a column as another type, or as its own again. */
export const retypeColumn: Edit = (set, { random, scenario }) => {
  const candidates = set.sources.flatMap((source) => {
    const structural = structuralColumns(set, source);
    const table = scenario.sources.find(({ name }) => name === source.name)!;
    const read = new Set(
      set.views.flatMap((view) =>
        view.source.name === source.name ? view.features.flatMap(columnsReadBy) : [],
      ),
    );
    return source.columns.flatMap((column) => {
      const own = table.columns.find(({ database }) => database === column.database);
      if (own === undefined || structural.has(column.name)) return [];
      const found = { source, column, own };
      return read.has(column.name) ? [found, found, found] : [found];
    });
  });
  if (candidates.length === 0) return null;
  const { source, column, own } = random.pick(candidates);
  const others = [own, ...retyped[own.type as ScalarType](own)].filter(
    (one) =>
      one.type !== column.type || one.scale !== column.scale || one.precision !== column.precision,
  );
  if (others.length === 0) return null;
  const { type, precision, scale, zone, mode } = random.pick(others);
  const changed: ColumnSpec = {
    name: column.name,
    database: column.database,
    nullable: column.nullable,
    type: type!,
    ...(type === "decimal" ? { precision, scale } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(mode === undefined ? {} : { mode }),
  };
  const next = withSource(set, {
    ...source,
    columns: source.columns.map((one) => (one === column ? changed : one)),
  });
  return {
    ...next,
    views: next.views.map((view) => (view.source.name === source.name ? over(view) : view)),
  };

  /** Keeps what the new type allows: an aggregate of it, no value of the old type. */
  function over(view: DefinitionSet["views"][number]): typeof view {
    return {
      ...view,
      features: view.features.map((feature) => {
        if (!columnsReadBy(feature).includes(column.name)) return feature;
        const isInput = feature.arguments.flatMap(columnsIn).includes(column.name);
        // A function of a column of another type may not be defined: the column itself is.
        const arguments_ = feature.arguments.map((one) =>
          columnsIn(one).includes(column.name) ? columnNode(changed) : one,
        );
        const { by } = feature;
        const isKey = columnsIn(by?.key ?? null).includes(column.name);
        const keepsCategories = !isKey || isCategoryKey(changed, by?.each);
        const allowed = !isInput || takesArguments(feature.aggregate, arguments_);
        return featureOver(view.source, {
          ...feature,
          ...(allowed ? {} : { aggregate: "count", options: undefined }),
          arguments: allowed ? arguments_ : [columnNode(changed)],
          by:
            by === undefined || !keepsCategories
              ? undefined
              : { ...by, default: isInput ? undefined : by.default },
          where: columnsIn(feature.where).includes(column.name)
            ? conditionNode("isNotNull", columnNode(changed))
            : feature.where,
          default: isInput ? undefined : feature.default,
        });
      }),
    };
  }
};

/** Declares a part of the primary key, the whole in another order, or a wider type of it. */
export const otherPrimaryKey: Edit = (set, { random, scenario }) => {
  const candidates = set.sources.flatMap((source) => {
    const table = scenario.sources.find(({ name }) => name === source.name)!;
    const names = table.primaryKey.flatMap((name) => {
      const { database } = table.columns.find((one) => one.name === name)!;
      return source.columns.filter((one) => one.database === database).map((one) => one.name);
    });
    const keys =
      names.length < 2
        ? []
        : [
            names,
            names.toReversed(),
            ...names.filter((name) => mayMerge(scenario, table, name)).map((name) => [name]),
          ];
    const others = keys
      .filter((key) => key.join() !== source.primaryKey.join())
      .map((primaryKey): SourceSpec => ({ ...source, primaryKey }));
    const widened = source.columns.flatMap((column, i): SourceSpec[] => {
      const wider = ({ int32: "int64", int64: "int32" } as const)[column.type as string];
      const own = table.columns.find(({ database }) => database === column.database);
      if (wider === undefined || own?.type !== "int32" || !source.primaryKey.includes(column.name))
        return [];
      return [{ ...source, columns: source.columns.with(i, { ...column, type: wider }) }];
    });
    return [...others, ...widened].filter((one) => !isEntityKey(one));
  });
  if (candidates.length === 0) return null;
  const source = random.pick(candidates);
  const next = withSource(set, source);
  return {
    ...next,
    views: next.views.map((view) =>
      view.source.name !== source.name
        ? view
        : {
            ...view,
            features: view.features.map((feature) => {
              const made = featureOver(source, feature);
              return JSON.stringify(made.result) === JSON.stringify(feature.result)
                ? feature
                : { ...made, default: undefined, where: null };
            }),
          },
    ),
  };

  function isEntityKey(source: SourceSpec): boolean {
    return set.views.some(
      (view) =>
        view.source.name === source.name &&
        view.keyColumns.some((name) => source.primaryKey.includes(name)),
    );
  }
};

/** Takes another column for the event time, or for the time since which a dimension holds. */
export const otherEventTime: Edit = (set, { random }) => {
  const candidates = set.sources.flatMap((source): SourceSpec[] => {
    const { eventTime } = source;
    const named = (database: string): string | undefined =>
      source.columns.find((column) => column.database === database && column.type === "timestamp")
        ?.name;
    if (eventTime.kind === "committed") {
      const since = named("since");
      if (since === undefined) return [];
      return [
        {
          ...source,
          eventTime: { kind: "committed", since: eventTime.since === null ? since : null },
        },
      ];
    }
    return ["Time", "created_at"].flatMap((database) => {
      const column = named(database);
      if (column === undefined || column === eventTime.column) return [];
      const createdAt = source.createdAt === column ? null : source.createdAt;
      return [{ ...source, eventTime: { kind: "column", column }, createdAt }];
    });
  });
  return candidates.length === 0 ? null : withSource(set, random.pick(candidates));
};

/** Takes another column for ties of event time, or none. */
export const otherTieColumn: Edit = (set, { random }) => {
  const candidates = set.sources.flatMap((source): SourceSpec[] => {
    const { eventTime } = source;
    if (eventTime.kind === "committed") return [];
    const created = source.columns.find(
      (column) => column.database === "created_at" && column.name !== eventTime.column,
    );
    if (source.createdAt !== null) return [{ ...source, createdAt: null }];
    return created === undefined ? [] : [{ ...source, createdAt: created.name }];
  });
  return candidates.length === 0 ? null : withSource(set, random.pick(candidates));
};

/**
 * Says whether rows with equal values of the column may count as one. `id` alone is unique. The
 * laws order the changes of two rows only if one partition holds them, in the order of their LSNs
 * and commits.
 */
function mayMerge(
  { traits, truth }: EditContext["scenario"],
  table: SourceSpec,
  name: string,
): boolean {
  if (/^id(_|$)/.test(name)) return true;
  if (traits.partitions > 1 || traits.partitionAdded || traits.withoutLsn) return false;
  const changes = truth.filter(({ source, kind }) => source === table.name && kind !== "none");
  return changes.every((change, i) => {
    const before = changes[i - 1];
    if (before === undefined) return true;
    const movesKey = before.kind === "delete" && change.oldKey !== null;
    return (
      change.committedAfter === undefined &&
      (change.order! > before.order! || (movesKey && change.order === before.order)) &&
      change.committed! >= before.committed!
    );
  });
}
