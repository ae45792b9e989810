/** Generates definitions: tables, and features over them. */
import type {
  AggregateName,
  AggregateOptions,
  ColumnSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  ValueType,
  SelectedBaseFeature,
  SourceSpec,
  TypeSpec,
  Value,
  ViewSpec,
  WindowSpec,
} from "../../../packages/core/src/specs.ts";
import { accepts, type AllowedOption } from "../../../packages/core/src/define/aggregation-kind.ts";
import { aggregatorNamed, aggregators } from "../../../packages/core/src/aggregate/registry.ts";
import { withCategories } from "./categories.ts";
import {
  columnNode,
  comparedColumn,
  comparisons,
  conditionNode,
  structNode,
} from "./expressions.ts";
import { numbersNode } from "./list-values.ts";
import { generatedExploded } from "./exploded-view.ts";
import { generatedUnion } from "./union-view.ts";
import { functionFeature } from "./function-features.ts";
import { lengthOf, lengthsIn } from "../oracle/windows.ts";
import { poolOf } from "./values.ts";
import type { Random } from "./random.ts";

/** How a message writes a column. */
export type WireFormat =
  | "plain"
  | "text time"
  | "micros"
  | "millis"
  | "zoned"
  | "fixed decimal"
  | "free decimal";

/** A table, and the values that its rows draw from. */
export interface GeneratedTable {
  readonly source: SourceSpec;
  readonly wires: readonly WireFormat[];
  /** Columns that the log leaves out if they did not change (TOAST). */
  readonly toast: readonly number[];
  /** Values of each column that are worth repeating. */
  readonly pools: readonly (readonly Value[])[];
  readonly key: readonly number[];
  /** Columns that a view uses as a key of its entity. */
  readonly entityColumns: readonly number[];
  /** Index of the event time column; −1 for a dimension. */
  readonly time: number;
}

/** Tables, and the definitions over them. */
export interface GeneratedDefinitions {
  readonly tables: readonly GeneratedTable[];
  readonly entities: readonly EntitySpec[];
  readonly views: readonly ViewSpec[];
  readonly selected: readonly SelectedBaseFeature[];
  /** Lengths of all windows and ttls, in µs. */
  readonly lengths: readonly number[];
  /** The values of entity keys, by join key. */
  readonly keyPools: Readonly<Record<string, readonly Value[]>>;
}

const SECOND = 1_000_000;
/** A day in µs. */
export const DAY: number = 86_400 * SECOND;
/** The lengths of windows, in µs. */
export const lengths: readonly number[] = [
  SECOND,
  30 * SECOND,
  60 * SECOND,
  900 * SECOND,
  3600 * SECOND,
  6 * 3600 * SECOND,
  DAY,
  7 * DAY,
  28 * DAY,
];

/**
 * Generates definitions. `base` is a time in µs near which the rows lie. With `turn` one more view
 * has aggregations of the whole registry; everything else is the same. Each aggregation has another
 * kind of window at the next turn.
 */
export function generateDefinitions(
  random: Random,
  base: number,
  turn: number | null = null,
): GeneratedDefinitions {
  const keyType = random.pick<ValueType>(["string", "string", "int64", "int32"]);
  const account: EntitySpec = {
    name: "account",
    keys: [
      columnSpec("account_id", keyType),
      ...(random.chance(0.3)
        ? [columnSpec("region", random.pick<ValueType>(["string", "int32", "int64"]))]
        : []),
    ],
  };
  const peer: EntitySpec = { name: "peer", keys: [columnSpec("peer_id", keyType)] };
  const entities = [account, peer];
  const keyPools: Record<string, readonly Value[]> = {};
  for (const key of account.keys)
    keyPools[key.name] = random.sample(
      poolOf(random, key, base),
      key.name === "region" || account.keys.length > 1 ? 2 : 3,
    );
  keyPools["peer_id"] = keyPools["account_id"]!;

  const movements = eventTable(random, base, "movements", account, keyPools, true);
  const tables = [movements];
  const views: ViewSpec[] = [
    windowView(random, "act", account, movements, ["account_1", "account_2"], random.between(6, 9)),
    windowView(random, "peer", peer, movements, ["counter"], random.between(2, 4)),
    latestView(random, "last", account, movements, ["account_1", "account_2"]),
  ];
  if (random.chance(0.65)) {
    const profiles = dimensionTable(random, base, account, keyPools);
    tables.push(profiles);
    views.push(latestView(random, "profile", account, profiles, ["account_1", "account_2"]));
  }
  if (random.chance(0.35)) {
    const visits = eventTable(random, base, "visits", account, keyPools, false);
    tables.push(visits);
    views.push(
      random.chance(0.5)
        ? windowView(
            random,
            "visit",
            account,
            visits,
            ["account_1", "account_2"],
            random.between(3, 5),
          )
        : latestView(random, "visit", account, visits, ["account_1", "account_2"]),
    );
  }
  const used = [
    ...views.flatMap((view) => view.features.flatMap(({ window }) => lengthsIn(window))),
    ...views.flatMap(({ ttl }) => ttl ?? []),
  ];
  if (turn !== null) {
    views.push(everyAggregationView(random, turn, account, movements, views[0]!.features));
    const visits = tables.find(({ source }) => source.name === "visits");
    views.push(...unionViews(random, turn, account, movements, random.pick([visits, undefined])));
    views.push(...explodedViews(random, turn, account, movements));
  }
  const selected = views.flatMap((view) =>
    view.features.map((feature) => ({ view, feature, as: feature.name })),
  );
  return { tables, entities, views, selected, lengths: [...new Set(used)], keyPools };
}

/** Makes a column. */
export function columnSpec(
  name: string,
  type: ValueType,
  more: Partial<ColumnSpec> = {},
): ColumnSpec {
  return { name, database: name, type, nullable: false, ...more };
}

function keyColumns(random: Random, entity: EntitySpec): ColumnSpec[] {
  return entity.keys.map((key, i) =>
    columnSpec(`account_${i + 1}`, key.type, {
      database: i === 0 ? "Account ID" : "Region",
      nullable: random.chance(0.8),
    }),
  );
}

function keyColumnsOf(random: Random): ColumnSpec[] {
  const kind = random.pick<ValueType>(["int64", "int64", "int32", "string", "string", "decimal"]);
  const one = columnSpec("id", kind, kind === "decimal" ? { precision: 20, scale: 0 } : {});
  if (random.chance(0.65)) return [one];
  return [
    one,
    columnSpec(
      "part",
      random.pick<ValueType>(["string", "int32", "int64", "date", "boolean", "bytes"]),
      { database: "Part No" },
    ),
  ];
}

const tags: readonly ValueType[] = [
  "float64",
  "int64",
  "int32",
  "decimal",
  "string",
  "boolean",
  "bytes",
  "date",
  "timestamp",
  "json",
];

function valueColumns(random: Random, kinds: readonly ValueType[]): ColumnSpec[] {
  return kinds.map((kind, i) => {
    const [precision, scale] = random.pick([
      [12, 2],
      [38, 9],
      [38, 0],
      [5, 4],
      [18, 4],
      [38, 2],
    ] as const);
    return columnSpec(`${kind}_${i}`, kind, {
      database: random.chance(0.3) ? `${kind} Nº ${i}` : `${kind}_${i}`,
      nullable: random.chance(0.75),
      ...(kind === "decimal" ? { precision, scale } : {}),
      ...(kind === "timestamp"
        ? { zone: "UTC", ...(random.chance(0.3) ? { mode: "micros" as const } : {}) }
        : {}),
      ...(kind === "int64" && random.chance(0.1) ? { mode: "number" as const } : {}),
    });
  });
}

function eventTable(
  random: Random,
  base: number,
  name: string,
  account: EntitySpec,
  keyPools: GeneratedDefinitions["keyPools"],
  large: boolean,
): GeneratedTable {
  const created = random.chance(0.5);
  const kinds = large ? tags : random.sample(tags, 4);
  const columns = [
    ...random.shuffled([
      ...keyColumnsOf(random),
      ...keyColumns(random, account),
      ...(large
        ? [
            columnSpec("counter", account.keys[0]!.type, {
              database: "Counter Party",
              nullable: true,
            }),
          ]
        : []),
      columnSpec("time", "timestamp", {
        database: "Time",
        nullable: random.chance(0.5),
        zone: "UTC",
      }),
      ...(created
        ? [
            columnSpec("created", "timestamp", {
              database: "created_at",
              nullable: random.chance(0.5),
              zone: "UTC",
            }),
          ]
        : []),
    ]),
    ...valueColumns(random, kinds),
  ];
  return tableOf(
    random,
    base,
    {
      name,
      table: `public.${name}_data`,
      columns,
      primaryKey: keyNames(columns),
      eventTime: { kind: "column", column: "time" },
      createdAt: created ? "created" : null,
    },
    keyPools,
  );
}

function dimensionTable(
  random: Random,
  base: number,
  account: EntitySpec,
  keyPools: GeneratedDefinitions["keyPools"],
): GeneratedTable {
  const since = random.chance(0.6);
  const columns = [
    ...(random.chance(0.5) ? keyColumnsOf(random) : [columnSpec("id", "int32")]),
    ...keyColumns(random, account),
    ...(since ? [columnSpec("since", "timestamp", { nullable: true, zone: "UTC" })] : []),
    ...valueColumns(random, [
      "string",
      ...random.sample(["int64", "decimal", "boolean", "date", "int32", "timestamp"] as const, 2),
    ]),
  ];
  return tableOf(
    random,
    base,
    {
      name: "profiles",
      table: "public.profiles",
      columns,
      primaryKey: keyNames(columns),
      eventTime: { kind: "committed", since: since ? "since" : null },
      createdAt: null,
    },
    keyPools,
  );
}

function keyNames(columns: readonly ColumnSpec[]): string[] {
  const names = columns
    .filter((column) => column.name === "id" || column.name === "part")
    .map((column) => column.name);
  return names.toSorted();
}

function tableOf(
  random: Random,
  base: number,
  source: SourceSpec,
  keyPools: GeneratedDefinitions["keyPools"],
): GeneratedTable {
  const index = (name: string): number =>
    source.columns.findIndex((column) => column.name === name);
  const toastable = source.columns.flatMap((column, i) =>
    /^(string|bytes|json)_/.test(column.name) ? [i] : [],
  );
  return {
    source,
    // At most one column: the laws do not say more of a row that lacks one TOASTed column and has
    // another.
    toast: random.chance(0.7) && toastable.length > 0 ? [random.pick(toastable)] : [],
    wires: source.columns.map((column): WireFormat => {
      if (column.type === "decimal")
        return column.name === "id" || random.chance(0.6) ? "fixed decimal" : "free decimal";
      if (column.type === "timestamp")
        return random.pick<WireFormat>([
          "text time",
          "text time",
          "micros",
          "zoned",
          ...(column.name.startsWith("timestamp_") ? ["millis" as const] : []),
        ]);
      return "plain";
    }),
    pools: source.columns.map((column) => {
      if (column.name === "account_1" || column.name === "counter") return keyPools["account_id"]!;
      if (column.name === "account_2") return keyPools["region"]!;
      return poolOf(random, column, base);
    }),
    key: source.primaryKey.map(index),
    entityColumns: source.columns.flatMap((column, i) =>
      /^(account_|counter)/.test(column.name) ? [i] : [],
    ),
    time: source.eventTime.kind === "column" ? index(source.eventTime.column) : -1,
  };
}

/** The aggregations over windows that take a column of a type. */
export const aggregatesOf: Readonly<Record<ValueType, readonly AggregateName[]>> = {
  float64: aggregationsOf("float64"),
  int64: aggregationsOf("int64"),
  int32: aggregationsOf("int32"),
  decimal: aggregationsOf("decimal"),
  string: aggregationsOf("string"),
  boolean: aggregationsOf("boolean"),
  bytes: aggregationsOf("bytes"),
  date: aggregationsOf("date"),
  timestamp: aggregationsOf("timestamp"),
  json: aggregationsOf("json"),
  list: [],
  map: [],
  struct: [],
};

function aggregationsOf(type: ValueType): AggregateName[] {
  return aggregators
    .filter(
      ({ accumulator, parameters: [parameter] }) =>
        accumulator !== null && parameter !== undefined && accepts(parameter.accepts, type),
    )
    .map(({ name }) => name);
}

/** The aggregations of the views that every scenario has. Sums come more often. */
const FIRST = ["sum", "avg", "min", "max", "countDistinct", "count"];
const SUMS: Readonly<Record<string, number>> = { float64: 3, int64: 3, decimal: 2 };

function firstAggregatesOf(type: ValueType): readonly AggregateName[] {
  return FIRST.filter((name) => aggregatesOf[type].includes(name)).flatMap((name) =>
    name === "sum" ? Array<string>(SUMS[type] ?? 1).fill(name) : [name],
  );
}

/** Picks a column for each parameter of an aggregation; `first` is given for the first one. */
export function argumentsOf(
  random: Random,
  name: AggregateName,
  columns: readonly ColumnSpec[],
  first?: ColumnSpec,
): readonly Expression[] {
  return aggregatorNamed(name).parameters.map((parameter, i) => {
    if (parameter.accepts === "numbers") return numbersNode(random, columns);
    if (parameter.takesStruct === true && first === undefined && random.chance(0.4))
      return structNode(random.sample(columns, random.between(1, 3)).map(columnNode));
    return columnNode(
      i === 0 && first !== undefined
        ? first
        : random.pick(columns.filter(({ type }) => accepts(parameter.accepts, type))),
    );
  });
}

/** Says whether an aggregation takes these arguments. */
export function takesArguments(name: AggregateName, arguments_: readonly TypeSpec[]): boolean {
  return aggregatorNamed(name).parameters.every(({ accepts: wanted, optional }, i) =>
    arguments_[i] === undefined
      ? optional === true
      : accepts(wanted, arguments_[i].type, arguments_[i].element),
  );
}

/** Picks the options of an aggregation; nothing if it has none. */
export function optionsOf(
  random: Random,
  name: AggregateName,
): { readonly options?: AggregateOptions } {
  const allowed = Object.entries(aggregatorNamed(name).options ?? {});
  if (allowed.length === 0) return {};
  return {
    options: Object.fromEntries(allowed.map(([option, one]) => [option, optionValue(random, one)])),
  };
}

function optionValue(random: Random, allowed: AllowedOption): AggregateOptions[string] {
  if (allowed === "boolean") return random.chance(0.5);
  if ("each" in allowed)
    return Array.from(
      { length: random.between(1, 3) },
      () => optionValue(random, allowed.each) as number,
    );
  if ("isDuration" in allowed) return random.pick([1, 2, ...lengths]);
  if (!("from" in allowed)) return random.pick(allowed);
  if (allowed.whole === true) return random.pick([allowed.from, allowed.to, 2, 2, 3]);
  return random.pick([allowed.from, allowed.to, 0.5, 0.9, 0.25, 0.1, 1 / 3, 1e-7]);
}

function windowView(
  random: Random,
  name: string,
  entity: EntitySpec,
  table: GeneratedTable,
  keys: readonly string[],
  count: number,
): ViewSpec {
  const values = table.source.columns
    .filter((column) => /_\d$/.test(column.name) && !column.name.startsWith("account_"))
    .flatMap((column) =>
      Array.from(
        {
          length:
            { float64: 3, int64: 3, decimal: 4, timestamp: 3, date: 2, string: 2 }[
              column.type as string
            ] ?? 1,
        },
        () => column,
      ),
    );
  // At least one long window, so that most requests find events.
  const windows = [random.pick(lengths.slice(5)), ...random.sample(lengths, random.between(0, 1))];
  const features = Array.from({ length: count }, (_, i): FeatureSpec => {
    const column =
      i === 0 ? null : i === 1 && values[0]!.type === "float64" ? values[0]! : random.pick(values);
    const aggregate =
      column === null ? "count" : i === 1 ? "sum" : random.pick(firstAggregatesOf(column.type));
    const checked =
      column !== null && !aggregatesOf[column.type].includes(aggregate) ? "count" : aggregate;
    const result = resultOf(`${name}_${i}`, checked, column);
    return {
      name: `${name}_${i}`,
      aggregate: checked,
      arguments: column === null ? [] : [columnNode(column)],
      window: random.pick(windows),
      result,
      where: random.chance(0.3) ? condition(random, table, 2) : null,
      default:
        ["avg", "min", "max"].includes(checked) && random.chance(0.3)
          ? simplestValue(result)
          : undefined,
    };
  });
  return {
    name,
    kind: "window",
    entity,
    source: table.source,
    keyColumns: keys.slice(0, entity.keys.length),
    features,
    ttl: null,
  };
}

/**
 * Makes a view of aggregations that the first views lack: each aggregation is picked about as
 * often. Its windows are those of the inputs, so that requests meet their edges. Functions of the
 * windows of all these features come last.
 */
function everyAggregationView(
  random: Random,
  turn: number,
  entity: EntitySpec,
  table: GeneratedTable,
  inputs: readonly FeatureSpec[],
): ViewSpec {
  const windows = inputs.map(({ window }) => lengthOf(window));
  const values = table.source.columns.filter((column) => /_\d$/.test(column.name));
  const inTurn = aggregators.filter(
    ({ accumulator, parameters }) =>
      accumulator !== null &&
      parameters.every(
        (parameter) =>
          parameter.accepts === "numbers" ||
          values.some(({ type }) => accepts(parameter.accepts, type)),
      ),
  );
  const byCategory = inputs
    .slice(0, 2)
    .map((feature, i) =>
      withCategories(random, table, {
        ...feature,
        name: `category_${i}`,
        result: { ...feature.result, name: `category_${i}`, database: `category_${i}` },
      }),
    );
  const features = random
    .sample(inTurn, Math.ceil(inTurn.length / 2))
    .map((aggregator, i): FeatureSpec => {
      const { name: aggregate } = aggregator;
      const name = `every_${i}`;
      const arguments_ = argumentsOf(random, aggregate, values);
      const window = windowOfKind(random, inTurn.indexOf(aggregator) + turn, windows);
      const answer = resultOf(name, aggregate, arguments_[0] ?? null);
      const result = resultOver(window, answer);
      const feature: FeatureSpec = {
        name,
        aggregate,
        ...optionsOf(random, aggregate),
        arguments: arguments_,
        window,
        result,
        where: random.chance(0.25) ? condition(random, table, 1) : null,
        default: result.nullable && random.chance(0.2) ? simplestValue(result) : undefined,
      };
      if (random.chance(0.7)) return feature;
      const found = withCategories(random, table, { ...feature, result: answer });
      return { ...found, result: resultOver(window, found.result) };
    });
  const functions = [0, 1, 2].flatMap(
    (i) => functionFeature(random, `function_${i}`, [...inputs, ...features]) ?? [],
  );
  return {
    name: "every",
    kind: "window",
    entity,
    source: table.source,
    keyColumns: ["account_1", "account_2"].slice(0, entity.keys.length),
    features: [...features, ...byCategory, ...functions],
    ttl: null,
  };
}

/** Two views over a union: one of windows with aggregations of the registry, one of facts. */
function unionViews(
  random: Random,
  turn: number,
  account: EntitySpec,
  first: GeneratedTable,
  second: GeneratedTable | undefined,
): readonly ViewSpec[] {
  const { table, over } = generatedUnion(random, first, second);
  const keys = ["account_1", "account_2"];
  const inputs = windowView(random, "union", account, table, keys, 4).features;
  const every = everyAggregationView(random, turn, account, table, inputs);
  const features = [...inputs, ...every.features].map((feature): FeatureSpec => ({
    ...feature,
    name: `union_${feature.name}`,
    result: { ...feature.result, name: `union_${feature.name}` },
  }));
  return [
    over({ ...every, name: "union", features }),
    over(latestView(random, "union_last", account, table, keys)),
  ];
}

/** Two views over an exploded source: one of windows, one of facts. */
function explodedViews(
  random: Random,
  turn: number,
  account: EntitySpec,
  first: GeneratedTable,
): readonly ViewSpec[] {
  const { table, over, ofStructs } = generatedExploded(random, first);
  const keys = ["account_1", "account_2"];
  const inputs = windowView(random, "exploded", account, table, keys, 4).features;
  const every = everyAggregationView(random, turn, account, table, inputs);
  const features = [...inputs, ...every.features].map((feature): FeatureSpec => ({
    ...feature,
    name: `exploded_${feature.name}`,
    result: { ...feature.result, name: `exploded_${feature.name}` },
  }));
  const members = ofStructs.map(({ aggregate, argument, options }): FeatureSpec => {
    const name = `exploded_${aggregate}`;
    return {
      name,
      aggregate,
      ...(options === undefined ? {} : { options }),
      arguments: [argument],
      window: inputs[0]!.window,
      result: resultOf(name, aggregate, argument),
      where: null,
      default: undefined,
    };
  });
  return [
    over({ ...every, name: "exploded", features: [...features, ...members] }),
    over(latestView(random, "exploded_last", account, table, keys)),
  ];
}

const UNITS = ["hour", "day", "week", "month", "quarter", "year"] as const;
/** Zones with clock changes at night, at midnight and by half an hour, and without. */
const ZONES = [
  "UTC",
  "Asia/Ho_Chi_Minh",
  "Europe/Zurich",
  "America/New_York",
  "America/Sao_Paulo",
  "Australia/Lord_Howe",
] as const;

/** A window of the kind of this number, modulo their number; its lengths are some of these. */
function windowOfKind(random: Random, kind: number, lengths: readonly number[]): WindowSpec {
  switch (kind % 8) {
    case 0:
      return { kind: "delayed", length: random.pick(lengths), delay: random.pick(lengths) };
    case 1:
      return { kind: "lifetime" };
    case 2:
      return { kind: "current", unit: random.pick(UNITS), zone: random.pick(ZONES) };
    case 3: {
      const [unit, zone] = [random.pick(UNITS), random.pick(ZONES)];
      return { kind: "previous", unit, zone, count: random.between(1, 3) };
    }
    case 4: {
      const within = random.chance(0.5) ? random.pick(lengths) : null;
      return { kind: "lastRows", count: random.pick([1, 1, 2, 3, 1_000]), within };
    }
    case 5:
      return { kind: "series", length: random.pick(lengths), count: random.pick([1, 2, 3, 7]) };
    case 6: {
      const [unit, zone] = [random.pick(UNITS), random.pick(ZONES)];
      return { kind: "calendarSeries", unit, zone, count: random.between(1, 3) };
    }
    default:
      return random.pick(lengths);
  }
}

/** The result over a window: over a series it is the list of results. */
export function resultOver(window: WindowSpec | null, result: ColumnSpec): ColumnSpec {
  if (window === null || typeof window === "number" || !/^(s|calendarS)eries$/.test(window.kind))
    return result;
  const { name, database: _, ...element } = result;
  return columnSpec(name, "list", { element });
}

function latestView(
  random: Random,
  name: string,
  entity: EntitySpec,
  table: GeneratedTable,
  keys: readonly string[],
): ViewSpec {
  const values = table.source.columns.filter(
    (column) => /_\d$|^id$|^part$/.test(column.name) && !column.name.startsWith("account_"),
  );
  const features = random.sample(values, random.between(4, 5)).map((column, i): FeatureSpec => {
    const result = resultOf(`${name}_${i}`, "latest", column);
    return {
      name: `${name}_${i}`,
      aggregate: "latest",
      arguments: [columnNode(column)],
      window: null,
      where: null,
      result,
      default: random.chance(0.3) ? simplestValue(result) : undefined,
    };
  });
  return {
    name,
    kind: "latest",
    entity,
    source: table.source,
    keyColumns: keys.slice(0, entity.keys.length),
    features,
    ttl: random.chance(0.85) ? random.pick(random.chance(0.6) ? lengths.slice(5) : lengths) : null,
  };
}

/** Aggregations that answer a double, or null. */
const STATISTICS = [
  "share",
  "variance",
  "stddev",
  "skewness",
  "kurtosis",
  "covariance",
  "correlation",
  "slope",
  "trend",
  "quantile",
  "median",
  "entropy",
  "timeSinceFirst",
  "timeSinceLast",
  "meanGap",
  "maxGap",
  "minGap",
  "meanSession",
  "maxSession",
  "drawdown",
  "decayedAvg",
  "approxQuantile",
];

/** Aggregations that answer a number of rows, or of other things. */
const COUNTS = [
  "count",
  "countDistinct",
  "approxCountDistinct",
  "sessionCount",
  "currentStreak",
  "longestStreak",
  "changes",
];

/** Aggregations that list values of their argument. */
const LISTS = [
  "distinctValues",
  "mostFrequent",
  "topK",
  "bottomK",
  "topKBy",
  "bottomKBy",
  "firstN",
  "lastN",
];

/** Makes the column of a feature's values. */
export function resultOf(
  name: string,
  aggregate: AggregateName,
  input: TypeSpec | null,
): ColumnSpec {
  if (COUNTS.includes(aggregate)) return columnSpec(name, "int64", { mode: "number" });
  if (aggregate === "any" || aggregate === "all") return columnSpec(name, "boolean");
  if (aggregate === "decayedSum" || aggregate === "decayedCount")
    return columnSpec(name, "float64");
  if (aggregate === "avg" || STATISTICS.includes(aggregate))
    return columnSpec(name, "float64", { nullable: true });
  if (LISTS.includes(aggregate))
    return columnSpec(name, "list", { element: { ...typeOf(input!), nullable: false } });
  if (aggregate === "quantiles")
    return columnSpec(name, "list", { element: { type: "float64", nullable: false } });
  if (aggregate === "vectorAvg")
    return columnSpec(name, "list", {
      nullable: true,
      element: { type: "float64", nullable: false },
    });
  if (aggregate === "vectorSum") {
    const { type, ...sum } = resultOf("", "sum", input!.element!);
    const element = {
      type,
      nullable: false,
      ...(type === "decimal" ? { precision: 38, scale: sum.scale } : {}),
    };
    return columnSpec(name, "list", { element });
  }
  if (aggregate === "histogram")
    return columnSpec(name, "map", {
      keys: { ...typeOf(input!), nullable: false },
      values: { type: "int64", nullable: false, mode: "number" },
    });
  if (aggregate === "sum" && input!.type === "decimal")
    return columnSpec(name, "decimal", { precision: 38, scale: input!.scale });
  if (aggregate === "sum") return columnSpec(name, input!.type === "float64" ? "float64" : "int64");
  return { ...typeOf(input!), name, database: name, nullable: true };
}

/** The type of a column or an expression, without all else. */
function typeOf({ type, precision, scale, zone, mode, element, fields }: TypeSpec): TypeSpec {
  return {
    type,
    nullable: true,
    ...(element === undefined ? {} : { element }),
    ...(fields === undefined ? {} : { fields }),
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
    ...(mode === undefined ? {} : { mode }),
  };
}

/**
 * Returns a default of the result's type; undefined for types that are better tested without one.
 */
function simplestValue(result: ColumnSpec): Value | undefined {
  switch (result.type) {
    case "string":
      return "none";
    case "boolean":
      return false;
    case "int64":
    case "decimal":
      return 7n;
    case "int32":
    case "date":
    case "timestamp":
      return 7;
    case "float64":
      return 7.5;
    default:
      return undefined;
  }
}

function condition(random: Random, table: GeneratedTable, depth: number): Expression {
  if (depth > 0 && random.chance(0.5)) {
    const name = random.pick(["and", "or", "not"] as const);
    if (name === "not") return conditionNode(name, condition(random, table, depth - 1));
    return conditionNode(
      name,
      ...Array.from({ length: random.between(2, 3) }, () => condition(random, table, depth - 1)),
    );
  }
  const candidates = table.source.columns.flatMap((column, i) =>
    /_\d$/.test(column.name) ? [i] : [],
  );
  const i = random.pick(candidates);
  const column = table.source.columns[i]!;
  if (column.type === "json" || random.chance(0.2))
    return conditionNode(random.chance(0.5) ? "isNotNull" : "isNull", columnNode(column));
  if (random.chance(0.25))
    return comparedColumn(
      "inList",
      column,
      ...random.sample(table.pools[i]!, random.between(1, 3)),
    );
  const name = random.pick(comparisons);
  return comparedColumn(name, column, random.pick(table.pools[i]!));
}
