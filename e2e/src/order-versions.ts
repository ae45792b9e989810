/**
 * The definitions of a table of orders, from its creation over each `ALTER TABLE`. Beside each
 * feature stands the SQL of its answer over `image`, which is a row as the log said it.
 */
import {
  count,
  countDistinct,
  decimal,
  entity,
  featureView,
  int64,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import type { UntypedSelection } from "./pipeline-definitions.ts";
import type { FeatureSql } from "./table-history.ts";

/** Definitions of the table, and what they answer. */
export interface OrderVersion {
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly view: UntypedSelection;
  readonly sql: FeatureSql;
}

/** The columns that come and go. */
export interface OrderColumns {
  /** The scale of `amount`. */
  readonly scale: 2 | 3;
  /** The type of `code`. Default: the column is not declared. */
  readonly code?: "text" | "bigint";
  /** The name of the fee in the database. Default: the column is not declared. */
  readonly fee?: "fee" | "charge";
  readonly channel?: boolean;
  /** Whether the table is partitioned by `region`, which is then part of the primary key. */
  readonly region?: boolean;
  /** The table. Default: `public.orders`. */
  readonly table?: object;
}

/** The days of every window. */
export const WINDOW_DAYS = 30;
const WINDOW = `${WINDOW_DAYS}d` as const;

const user = entity("user", { keys: { user_id: string() } });

/** The SQL of a sum: zero in all digits without rows. */
const sumOf = (column: string, scale: number): string =>
  `coalesce(sum((image->>'${column}')::numeric(12, ${scale})), 0::numeric(12, ${scale}))`;

/** Returns definitions with these columns, and a feature of each. */
export function orderVersion({
  scale,
  code,
  fee,
  channel,
  region,
  table,
}: OrderColumns): OrderVersion {
  const columns = {
    id: int64(),
    user_id: string(),
    at: timestamp(),
    amount: decimal({ precision: 12, scale }).nullable(),
    ...(code === undefined
      ? {}
      : { code: code === "text" ? string().nullable() : int64().nullable() }),
    ...(fee === undefined ? {} : { fee: decimal(fee, { precision: 12, scale: 2 }).nullable() }),
    ...(region === true ? { region: string() } : {}),
    ...(channel === true ? { channel: string().nullable() } : {}),
  };
  const orders = source("orders", {
    ...(table ?? { table: "public.orders" }),
    columns: columns as never,
    primaryKey: region === true ? ["id", "region"] : ["id"],
    eventTime: "at",
  } as never);
  const members = orders as never as Readonly<Record<string, never>>;
  const column = (name: string): never => members[name]!;
  const features: Record<string, readonly [feature: unknown, sql: string]> = {
    num: [count().over(WINDOW), "count(*)"],
    total: [sum(column("amount")).over(WINDOW), sumOf("amount", scale)],
  };
  if (code !== undefined)
    features["codes"] = [
      countDistinct(column("code")).over(WINDOW),
      "count(DISTINCT image->>'code')",
    ];
  if (fee !== undefined) features["fees"] = [sum(column("fee")).over(WINDOW), sumOf(fee, 2)];
  if (channel === true)
    features["channels"] = [
      countDistinct(column("channel")).over(WINDOW),
      "count(DISTINCT image->>'channel')",
    ];
  const part = (at: 0 | 1): Record<string, unknown> =>
    Object.fromEntries(Object.entries(features).map(([name, both]) => [name, both[at]]));
  const view = featureView("activity", {
    entity: user,
    source: orders,
    features: part(0),
  } as never);
  return { definitions: { user, orders, view }, view: view as never, sql: part(1) as FeatureSql };
}
