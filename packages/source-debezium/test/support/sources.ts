/** The tables of setup.sql as a user would declare them. */
import type { ColumnSpec, ValueType, SourceSpec } from "@tidemark/core/spi";

export const column = (
  name: string,
  type: ValueType,
  more: Partial<ColumnSpec> = {},
): ColumnSpec => ({ name, database: name, type, nullable: true, ...more });
const required = { nullable: false };
const table = (
  name: string,
  columns: readonly ColumnSpec[],
  primaryKey: readonly string[],
  eventTime: SourceSpec["eventTime"] = { kind: "committed", since: null },
): SourceSpec => ({
  name,
  table: `public.${name}`,
  columns,
  primaryKey,
  eventTime,
  createdAt: null,
});

export const transactions = table(
  "transaction_data",
  [
    column("id", "int64", required),
    column("user_id", "string", { database: "User ID" }),
    column("tx", "string", { database: "Transaction ID" }),
    column("vendor", "string", { database: "Vendor" }),
    column("channel", "string", { database: "Sources" }),
    column("time", "timestamp", { database: "Time", zone: "UTC" }),
    column("amount", "float64", { database: "Amount" }),
  ],
  ["id"],
  { kind: "column", column: "time" },
);

export const allTypes = table(
  "all_types",
  [
    column("id", "int32", required),
    column("small", "int32"),
    column("big", "int64"),
    column("num_scaled", "decimal", { precision: 12, scale: 2 }),
    column("num_free", "decimal", { precision: 38, scale: 9 }),
    column("r", "float64"),
    column("d", "float64"),
    column("ok", "boolean"),
    column("t", "string"),
    column("vc", "string"),
    column("by", "bytes"),
    column("j", "json"),
    column("u", "string"),
    column("da", "date"),
    column("ti", "int32"),
    column("tiu", "int64"),
    column("ts3", "timestamp"),
    column("ts6", "timestamp"),
    column("tz", "timestamp"),
    column("iv", "int64"),
    column("arr_t", "json"),
    column("arr_i", "json"),
    column("e", "string"),
    column("mo", "decimal", { precision: 19, scale: 2 }),
  ],
  ["id"],
);

export const card = table(
  "card",
  [
    column("card_no", "string", required),
    column("user_id", "string", required),
    column("opened", "date"),
  ],
  ["card_no"],
);

export const note = table(
  "note",
  [
    column("id", "int32", required),
    column("user_id", "string"),
    column("body", "string"),
    column("blob_body", "bytes"),
    column("tags", "json"),
    column("touched", "int32"),
  ],
  ["id"],
);

export const noKey = table(
  "no_pk",
  [column("user_id", "string", required), column("amount", "decimal", { precision: 10, scale: 2 })],
  ["user_id"],
);

export const fullIdentity = table(
  "full_identity",
  [
    column("id", "int32", required),
    column("user_id", "string"),
    column("amount", "decimal", { precision: 12, scale: 2 }),
    column("at", "timestamp"),
    column("channel", "string"),
  ],
  ["id"],
);

export const all = [transactions, allTypes, card, note, noKey, fullIdentity];

/** The unit of TIMESTAMP(3) is ms, which a message without a schema does not say. */
export const times = { "public.all_types.ts3": "ms" } as const;
