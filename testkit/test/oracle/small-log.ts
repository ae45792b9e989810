/** Makes a table of payments and a log of it, a line per change, for tests of the oracle. */
import { columnNode } from "../../src/generate/expressions.ts";
import { createOracle, type OracleAnswer, type OracleMode } from "../../src/oracle/oracle.ts";
import { rowVersions } from "../../src/oracle/rows.ts";
import type {
  AggregateName,
  ColumnSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  ValueType,
  SourceSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";

export function column(name: string, type: ValueType, more: Partial<ColumnSpec> = {}): ColumnSpec {
  return { name, database: name, type, nullable: true, ...more };
}

export const payments: SourceSpec = {
  name: "payments",
  table: "public.payments",
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "time" },
  createdAt: "created",
  columns: [
    column("id", "int64", { nullable: false }),
    column("user", "string"),
    column("time", "timestamp"),
    column("amount", "float64"),
    column("note", "string"),
    column("created", "timestamp"),
  ],
};
export const customers: SourceSpec = {
  name: "customers",
  table: "public.customers",
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: "since" },
  createdAt: null,
  columns: [
    column("id", "int64", { nullable: false }),
    column("user", "string"),
    column("city", "string"),
    column("since", "timestamp"),
  ],
};
export const user: EntitySpec = { name: "user", keys: [column("user", "string")] };

let offset = 0;

/** Makes a change at LSN `at`. Default commit time: `at`. Offsets rise with every call. */
export function change(
  source: SourceSpec,
  kind: Change["kind"],
  at: number,
  values: readonly Value[] | null,
  more: Partial<Change> = {},
): Change {
  offset += 1;
  return {
    source: source.name,
    topic: source.table,
    partition: 0,
    offset,
    kind,
    values,
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: BigInt(at),
    committed: at,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: null,
    ...more,
  };
}

export interface Payment {
  readonly id?: bigint;
  readonly user?: string | null;
  readonly time?: number | null;
  readonly amount?: number | null;
  readonly note?: string | null;
  readonly created?: number | null;
}

/** Makes a change after which the payment has these values. Default: id 1 of user "a". */
export function paid(at: number, payment: Payment, more: Partial<Change> = {}): Change {
  const { id = 1n, user: who = "a", time = 0, amount = 1, note = null, created = null } = payment;
  return change(payments, "upsert", at, [id, who, time, amount, note, created], more);
}

export function paymentDeleted(at: number, id = 1n, more: Partial<Change> = {}): Change {
  return change(payments, "delete", at, [id, null, null, null, null, null], more);
}

export function customer(
  at: number,
  city: string,
  more: Partial<Change> = {},
  values: { readonly id?: bigint; readonly since?: number | null } = {},
): Change {
  return change(customers, "upsert", at, [values.id ?? 1n, "a", city, values.since ?? null], more);
}

/** A column of that name in one of the tables. Names mean the same in both. */
function columnOfTables(name: string): ColumnSpec {
  return [payments, customers].flatMap(({ columns }) => columns).find((one) => one.name === name)!;
}

export function feature(
  aggregate: AggregateName,
  of: string | null,
  window: number | null,
  more: Partial<FeatureSpec> & { readonly where?: Expression | null } = {},
): FeatureSpec {
  return {
    name: "f",
    aggregate,
    arguments: of === null ? [] : [columnNode(columnOfTables(of))],
    window,
    where: null,
    default: undefined,
    result: column("f", "float64"),
    ...more,
  };
}

export function view(
  source: SourceSpec,
  features: readonly FeatureSpec[],
  ttl: number | null = null,
): ViewSpec {
  return {
    name: "v",
    kind: features[0]!.window === null ? "latest" : "window",
    entity: user,
    source,
    keyColumns: ["user"],
    features,
    ttl,
  };
}

/** Returns the answer to the first feature of a view for user "a" at t. */
export function ask(
  changes: readonly Change[],
  one: ViewSpec,
  time: number,
  mode: OracleMode = "corrected",
  who = "a",
): OracleAnswer {
  const oracle = createOracle({ sources: [one.source], changes });
  return oracle.answer(
    [{ view: one, feature: one.features[0]!, as: "f" }],
    { keys: { user: who }, time },
    mode,
  )[0]!;
}

/** Returns the value of `count()` over 10 µs. */
export function countAnswer(
  changes: readonly Change[],
  time: number,
  mode: OracleMode = "corrected",
  who = "a",
): Value {
  return ask(changes, view(payments, [feature("count", null, 10)]), time, mode, who).value;
}

/** Returns each version that is ever seen, as [amount, known from, known to]. */
export function amounts(changes: readonly Change[]): (readonly [Value, number, number])[] {
  return rowVersions(payments, changes)
    .filter((version) => version.from < version.to)
    .map((version) => [version.values[3] ?? null, version.from, version.to]);
}
