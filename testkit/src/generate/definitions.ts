/** Generates definitions: tables, and features over them. */
import type {
  AggregateName,
  ColumnSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  ValueType,
  SelectedFeature,
  SourceSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
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
  readonly selected: readonly SelectedFeature[];
  /** Lengths of all windows and ttls, in µs. */
  readonly lengths: readonly number[];
  /** The values of entity keys, by join key. */
  readonly keyPools: Readonly<Record<string, readonly Value[]>>;
}

const SECOND = 1_000_000;
/** A day in µs. */
export const DAY: number = 86_400 * SECOND;
const lengths = [
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

/** Generates definitions. `base` is a time in µs near which the rows lie. */
export function generateDefinitions(random: Random, base: number): GeneratedDefinitions {
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
  const selected = views.flatMap((view) =>
    view.features.map((feature) => ({ view, feature, as: feature.name })),
  );
  const used = [
    ...views.flatMap((view) => view.features.map((feature) => feature.window)),
    ...views.map((view) => view.ttl),
  ].filter((length) => length !== null);
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

const aggregatesOf: Readonly<Record<ValueType, readonly AggregateName[]>> = {
  float64: ["sum", "sum", "sum", "avg", "min", "max", "countDistinct", "count"],
  int64: ["sum", "sum", "sum", "avg", "min", "max", "countDistinct", "count"],
  int32: ["sum", "avg", "min", "max", "countDistinct", "count"],
  decimal: ["sum", "sum", "avg", "min", "max", "countDistinct", "count"],
  string: ["min", "max", "countDistinct", "count"],
  boolean: ["min", "max", "countDistinct", "count"],
  bytes: ["min", "max", "countDistinct", "count"],
  date: ["min", "max", "countDistinct", "count"],
  timestamp: ["min", "max", "countDistinct", "count"],
  json: ["count"],
};

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
      column === null ? "count" : i === 1 ? "sum" : random.pick(aggregatesOf[column.type]);
    const checked =
      column !== null && !aggregatesOf[column.type].includes(aggregate) ? "count" : aggregate;
    const result = resultOf(`${name}_${i}`, checked, column);
    return {
      name: `${name}_${i}`,
      aggregate: checked,
      column: column?.name ?? null,
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
      column: column.name,
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

function resultOf(name: string, aggregate: AggregateName, column: ColumnSpec | null): ColumnSpec {
  if (aggregate === "count" || aggregate === "countDistinct")
    return columnSpec(name, "int64", { mode: "number" });
  if (aggregate === "avg") return columnSpec(name, "float64", { nullable: true });
  if (aggregate === "sum" && column!.type === "decimal")
    return columnSpec(name, "decimal", { precision: 38, scale: column!.scale });
  if (aggregate === "sum")
    return columnSpec(name, column!.type === "float64" ? "float64" : "int64");
  return { ...column!, name, database: name, nullable: true };
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
    const kind = random.pick(["and", "or", "not"] as const);
    if (kind === "not") return { kind, term: condition(random, table, depth - 1) };
    return {
      kind,
      terms: Array.from({ length: random.between(2, 3) }, () =>
        condition(random, table, depth - 1),
      ),
    };
  }
  const candidates = table.source.columns.flatMap((column, i) =>
    /_\d$/.test(column.name) ? [i] : [],
  );
  const i = random.pick(candidates);
  const column = table.source.columns[i]!;
  if (column.type === "json" || random.chance(0.2))
    return { kind: "null", column: column.name, not: random.chance(0.5) };
  if (random.chance(0.25))
    return {
      kind: "in",
      column: column.name,
      values: random.sample(table.pools[i]!, random.between(1, 3)),
    };
  return {
    kind: "compare",
    op: random.pick(["=", "<>", "<", "<=", ">", ">="] as const),
    column: column.name,
    value: random.pick(table.pools[i]!),
  };
}
