/** Plans, events and entity rows for tests of compute engines. */
import { aggregatorNamed } from "../aggregate/registry.ts";
import { batchOf } from "../columns/batch.ts";
import { isSeries } from "../define/window-reach.ts";
import { columnExpression } from "../expr/tree.ts";
import type {
  AggregateName,
  AggregateOptions,
  ColumnExpression,
  ColumnSpec,
  Expression,
  FeatureSpec,
  ValueType,
  SourceSpec,
  TypeSpec,
  Value,
  ViewSpec,
  WindowSpec,
} from "../specs.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { LatestPlan, WindowPlan } from "../plan/plan-kinds.ts";
import type { EntityRows, Events } from "../spi.ts";
import { planOf } from "../plan/compile.ts";
import { inputOf } from "../plan/plan-kinds.ts";

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

/** The expression of a column of the events. */
export function columnOf(name: string): ColumnExpression {
  return columnExpression(columns.find((one) => one.name === name)!);
}

export interface FeatureOptions {
  readonly where?: Expression | undefined;
  readonly default?: Value | undefined;
  /** The options of the aggregation. */
  readonly aggregate?: AggregateOptions | undefined;
}

/**
 * A window feature over a column, or over several. `column` null: it has no argument, as `count()`.
 */
export function over(
  aggregate: AggregateName,
  column: string | readonly string[] | null,
  window: WindowSpec | null,
  options: FeatureOptions = {},
): FeatureSpec {
  const input = [column ?? []].flat().map(columnOf);
  const form = aggregatorNamed(aggregate).result(input, options.aggregate ?? {});
  const result: TypeSpec =
    window !== null && isSeries(window) ? { type: "list", nullable: false, element: form } : form;
  return {
    name: "f",
    aggregate,
    ...(options.aggregate === undefined ? {} : { options: options.aggregate }),
    arguments: input,
    window,
    where: options.where ?? null,
    default: options.default,
    result: { ...result, name: "f", database: "f" },
  };
}

export function latest(column: string, options: FeatureOptions = {}): FeatureSpec {
  return over("latest", column, null, options);
}

export function windowPlan(...features: readonly FeatureSpec[]): WindowPlan {
  return planOf(viewOf("window", features, null), features) as WindowPlan;
}

export function latestPlan(ttl: number | null, ...features: readonly FeatureSpec[]): LatestPlan {
  return planOf(viewOf("latest", features, ttl), features) as LatestPlan;
}

/** The plan over those of its rows that meet a condition. The plan reads the columns of it. */
export function overRows(condition: Expression, plan: WindowPlan | LatestPlan): DeriveNode {
  const { input } = plan;
  const filter = { node: "filter", input: inputOf(input.input), condition } as const;
  return {
    ...plan,
    input: input.node === "window" ? { ...input, input: filter } : { ...input, input: filter },
  };
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
  plan: DeriveNode,
  rows: readonly NamedRow[],
  size: number = Math.max(rows.length, 1),
): AsyncGenerator<Events> {
  const { columns } = inputOf(plan.input.input);
  for (let at = 0; at < rows.length; at += size) {
    const part = rows.slice(at, at + size);
    yield {
      length: part.length,
      entity: Int32Array.from(part, ({ entity }) => entity),
      time: Float64Array.from(part, ({ time }) => time),
      from: Float64Array.from(part, ({ from }) => from),
      to: Float64Array.from(part, ({ to }) => to),
      columns: batchOf(
        columns,
        part.map(({ values }) => columns.map(({ name }) => values[name] ?? null)),
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
