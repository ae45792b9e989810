/** Plans, events and entity rows for tests of compute engines. */
import { batchOf } from "../columns/batch.ts";
import type {
  AggregateName,
  ColumnSpec,
  Expression,
  FeatureSpec,
  ValueType,
  SourceSpec,
  Value,
  ViewSpec,
} from "../specs.ts";
import type { AggregatePlan, EntityRows, Events, JoinPlan } from "../spi.ts";
import { planOf } from "../plan/view-plans.ts";

const columns: readonly ColumnSpec[] = [
  columnSpec("id", "int32"),
  columnSpec("created", "timestamp", { nullable: true }),
  columnSpec("time", "timestamp", { nullable: true }),
  columnSpec("x", "float64", { nullable: true }),
  columnSpec("n", "int64", { nullable: true }),
  columnSpec("i", "int32", { nullable: true }),
  columnSpec("d", "decimal", { precision: 38, scale: 2, nullable: true }),
  columnSpec("s", "string", { nullable: true }),
  columnSpec("b", "bytes", { nullable: true }),
  columnSpec("flag", "boolean", { nullable: true }),
];
const source: SourceSpec = {
  name: "events",
  table: "public.events",
  columns,
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "time" },
  createdAt: "created",
};

function viewOf(
  kind: ViewSpec["kind"],
  features: readonly FeatureSpec[],
  ttl: number | null,
): ViewSpec {
  return {
    name: "v",
    kind,
    entity: { name: "e", keys: [] },
    source,
    keyColumns: [],
    features,
    ttl,
  };
}

/** A column of that type, not nullable unless `more` says so. */
function columnSpec(name: string, type: ValueType, more: Partial<ColumnSpec> = {}): ColumnSpec {
  return { name, database: name, type, nullable: false, ...more };
}

export interface FeatureOptions {
  readonly where?: Expression | undefined;
  readonly default?: Value | undefined;
}

/** A window feature. `column` null: `count()`. */
export function over(
  aggregate: AggregateName,
  column: string | null,
  window: number | null,
  options: FeatureOptions = {},
): FeatureSpec {
  const kind = resultKind(aggregate, columns.find(({ name }) => name === column)?.type);
  return {
    name: "f",
    aggregate,
    column,
    window,
    where: options.where ?? null,
    default: options.default,
    result: columnSpec("f", kind, kind === "decimal" ? { precision: 38, scale: 2 } : {}),
  };
}

function resultKind(aggregate: AggregateName, kind: ValueType | undefined): ValueType {
  if (aggregate === "count" || aggregate === "countDistinct" || kind === undefined) return "int64";
  if (aggregate === "avg") return "float64";
  return aggregate === "sum" && kind === "int32" ? "int64" : kind;
}

export function latest(column: string, options: FeatureOptions = {}): FeatureSpec {
  return over("latest", column, null, options);
}

export function aggregatePlan(...features: readonly FeatureSpec[]): AggregatePlan {
  return planOf(viewOf("window", features, null), features) as AggregatePlan;
}

export function joinPlan(ttl: number | null, ...features: readonly FeatureSpec[]): JoinPlan {
  return planOf(viewOf("latest", features, ttl), features) as JoinPlan;
}

/** A row of events with all columns. `from` and `to` say when it was known. */
export interface NamedRow {
  readonly entity: number;
  readonly time: number;
  readonly from: number;
  readonly to: number;
  readonly values: Readonly<Record<string, Value>>;
}

let nextId = 0;

export function eventRow(
  entity: number,
  time: number,
  values: Readonly<Record<string, Value>> = {},
  known: { readonly from?: number; readonly to?: number } = {},
): NamedRow {
  return {
    entity,
    time,
    from: -Infinity,
    to: Infinity,
    ...known,
    values: { id: nextId++, ...values },
  };
}

/** The rows as a plan takes them, in batches of `size` rows. */
export async function* eventsOf(
  plan: AggregatePlan | JoinPlan,
  rows: readonly NamedRow[],
  size: number = Math.max(rows.length, 1),
): AsyncGenerator<Events> {
  for (let at = 0; at < rows.length; at += size) {
    const part = rows.slice(at, at + size);
    yield {
      length: part.length,
      entity: Int32Array.from(part, ({ entity }) => entity),
      time: Float64Array.from(part, ({ time }) => time),
      from: Float64Array.from(part, ({ from }) => from),
      to: Float64Array.from(part, ({ to }) => to),
      columns: batchOf(
        plan.columns,
        part.map(({ values }) => plan.columns.map(({ name }) => values[name] ?? null)),
      ),
    };
  }
}

/** Makes entity rows from pairs of a key and a time. */
export function entityRows(
  ...rows: readonly (readonly [entity: number, time: number])[]
): EntityRows {
  return {
    length: rows.length,
    keyCount: Math.max(0, ...rows.map(([entity]) => entity + 1)),
    entity: Int32Array.from(rows, ([entity]) => entity),
    time: Float64Array.from(rows, ([, time]) => time),
  };
}
