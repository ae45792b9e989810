/** The decoder of a user's own JSON messages. */
import type { SourceSpec } from "@tidemark/core/spi";
import { type MessageDecoder, rowChange } from "@tidemark/source-debezium";
import { column } from "./sources.ts";

export const payments: SourceSpec = {
  name: "payments",
  table: "payments",
  columns: [
    column("id", "int64", { nullable: false }),
    column("user", "string"),
    column("amount", "decimal", { precision: 12, scale: 2 }),
    column("at", "timestamp", { zone: "UTC" }),
  ],
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "at" },
  createdAt: null,
};

/** Reads `{id, user, amount, at}`, and `{id, deleted: true}`. */
export function paymentDecoder(topic: string): MessageDecoder {
  return {
    name: "payments as JSON",
    start({ sources }) {
      const source = sources.find(({ table }) => table === "payments");
      return {
        decode(message) {
          if (source === undefined || message.topic !== topic) return null;
          const row = JSON.parse(message.valueText ?? "null") as { deleted?: boolean } | null;
          return rowChange(source, message, {
            kind: row?.deleted === true ? "delete" : "upsert",
            row,
          });
        },
      };
    },
  };
}
