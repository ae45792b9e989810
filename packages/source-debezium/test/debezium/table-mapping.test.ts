/** Tests which table a topic holds, by name and by pattern. */
import { debeziumDecoder } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { decode, messages } from "../support/fixtures.ts";
import { card, transactions } from "../support/sources.ts";

const [message] = messages("bare.public.transaction_data.jsonl");
const of = (topic: string, table: string) => ({
  ...message!,
  topic,
  value: message!.value!.replace('"table":"transaction_data"', `"table":"${table}"`),
});
const sourcesOf = (tables: Readonly<Record<string, string>>, ...topics: readonly string[]) =>
  decode(
    topics.map((topic) => of(topic, "transactions_p1")),
    [transactions, card],
    { tables },
  ).map((change) => change?.source ?? null);

test("a topic's own name comes before the patterns, and the first pattern wins", () => {
  const tables = {
    "/^bank\\.public\\.transactions_p\\d+$/": "public.transaction_data",
    "bank.public.transactions_p2": "public.card",
    "/p3$/": "public.card",
  };
  expect(
    sourcesOf(
      tables,
      "bank.public.transactions_p1",
      "bank.public.transactions_p2",
      "bank.public.transactions_p3",
      "bank.public.other_p3",
      "bank.public.transactions_px",
    ),
  ).toEqual(["transaction_data", "card", "transaction_data", "card", null]);
});

test("a topic whose name is that of a property of every object is mapped to no table", () => {
  expect(sourcesOf({ a: "public.card" }, "constructor", "toString", "__proto__")).toEqual([
    null,
    null,
    null,
  ]);
});

test("a mapped topic holds its table and no other", () => {
  const { holds } = debeziumDecoder({ tables: { "/_p\\d$/": "public.transaction_data" } });
  expect(holds!("bank.public.transactions_p1", [transactions])).toBe(true);
  expect(holds!("bank.public.transactions_p1", [card])).toBe(false);
  expect(holds!("bank.public.card", [card])).toBe(true);
});

test("a pattern that cannot be read is refused", () => {
  expect(() => debeziumDecoder({ tables: { "/(/": "public.card" } })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }) as Error,
  );
});

test("messages and topics of a source's former tables are read as its rows", () => {
  const renamed = {
    ...transactions,
    table: "public.transactions_2024",
    renamedFrom: ["public.transaction_data"],
  };
  const read = (topic: string, table: string) =>
    decode([of(topic, table)], [renamed, card])[0]?.source ?? null;
  expect(read("bank.public.transactions_2024", "transactions_2024")).toBe("transaction_data");
  expect(read("bank.public.transaction_data", "transaction_data")).toBe("transaction_data");
  expect(read("bank.public.transaction_old", "transaction_old")).toBe(null);
  const { holds } = debeziumDecoder({});
  expect(holds!("bank.public.transaction_data", [renamed])).toBe(true);
  expect(holds!("bank.public.transactions_2024", [renamed])).toBe(true);
  expect(() => decode([message!], [renamed, transactions])).toThrow(
    expect.objectContaining({ code: "SOURCE_TABLE_TWICE" }) as Error,
  );
});
