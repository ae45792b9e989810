/** Tests tombstones of topics whose name is that of no table. */
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { column } from "../support/sources.ts";

const payments: SourceSpec = {
  name: "payments",
  table: "public.payments",
  columns: [column("id", "int64", { nullable: false })],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
};

interface Message {
  readonly table?: string;
  readonly op?: "c" | "d";
  readonly id: number;
  readonly partition?: number;
}

/** Decodes messages of the topic "all". A message without a table is a tombstone. */
function reasonsOf(messages: readonly Message[]): (string | null)[] {
  const decoder = debeziumDecoder().start({ sources: [payments], onWarning: () => {} });
  return messages.map(({ table, op = "c", id, partition = 0 }, offset) => {
    const source = { connector: "postgresql", schema: "public", table, lsn: offset, ts_us: 9e15 };
    const row = { id };
    const value =
      table === undefined
        ? null
        : JSON.stringify({
            before: op === "d" ? row : null,
            after: op === "c" ? row : null,
            source,
            op,
          });
    const parts = {
      topic: "all",
      partition,
      offset,
      timestamp: 1,
      key: JSON.stringify(row),
      value,
    };
    const decoded = decoder.decode(kafkaMessage({ ...parts, headers: {} }));
    if (decoded === null) return null;
    return "skipped" in decoded ? decoded.skipped : (decoded satisfies Change).kind;
  });
}

const insert = (id: number, table = "payments"): Message => ({ table, id });
const remove = (id: number, table = "payments"): Message => ({ table, op: "d", id });

test("a tombstone right after the delete of its key holds nothing", () => {
  expect(reasonsOf([insert(1), remove(1), { id: 1 }])).toEqual([
    "upsert",
    "delete",
    "TOMBSTONE_AFTER_DELETE",
  ]);
  expect(reasonsOf([insert(1), remove(1, "cards"), { id: 1 }])).toEqual([
    "upsert",
    "TABLE_NOT_DECLARED",
    "TOMBSTONE_AFTER_DELETE",
  ]);
});

test("any other tombstone is told, because its table is unknown and its row stays", () => {
  const other: readonly (readonly Message[])[] = [
    [insert(1), { id: 1 }],
    [insert(1), remove(1), insert(1), { id: 1 }],
    [insert(1), insert(2), remove(2), { id: 1 }],
    [insert(1), remove(1), { id: 1, partition: 1 }],
  ];
  for (const messages of other) expect(reasonsOf(messages).at(-1)).toBe("TOMBSTONE_TABLE_UNKNOWN");
});

test("a tombstone of a topic without rows of a declared source is of no source", () => {
  expect(reasonsOf([insert(1, "cards"), remove(1, "cards"), { id: 1 }]).at(-1)).toBeNull();
});
