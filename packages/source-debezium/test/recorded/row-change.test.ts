/** Tests changes of a user's own messages. */
import { kafkaMessage, recordedTopic, rowChange } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { decodeMessage } from "../../src/message/decode-message.ts";
import { paymentDecoder, payments } from "../support/payments.ts";
import { column } from "../support/sources.ts";

const message = kafkaMessage({
  topic: "t",
  partition: 3,
  offset: 8,
  timestamp: 1_750_000_000_000,
  key: "k",
  value: new Uint8Array([0x7b, 0x7d]),
});

test("a message has its key and its value as bytes and as text", () => {
  expect(message.valueText).toBe("{}");
  expect(message.value).toEqual(new Uint8Array([0x7b, 0x7d]));
  expect(message.keyText).toBe("k");
  expect([...message.key!]).toEqual([0x6b]);
  expect(message.headers).toEqual({});
});

test("a change takes its offset and its commit time from the message", () => {
  expect(rowChange(payments, message, { row: { id: 1, user: "ada", amount: null } })).toEqual({
    source: "payments",
    topic: "t",
    partition: 3,
    offset: 8,
    kind: "upsert",
    values: [1n, "ada", null, null],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    absentColumns: [
      { column: "at", reason: "COLUMN_ABSENT", message: 'no message so far has a column "at"' },
    ],
    undecodable: null,
    nonFinite: 0,
    order: null,
    committed: 1_750_000_000_000_999,
    snapshot: false,
    op: "u",
    timestamp: 1_750_000_000_000,
    transaction: null,
    logged: {
      row: '{"id":1,"user":"ada","amount":null}',
      key: null,
      oldKey: null,
      format: '{"format":"json","table":"payments"}',
    },
  });
  expect(rowChange(payments, message, { row: { id: 1 }, order: 5n, committed: 7 })).toMatchObject({
    order: 5n,
    committed: 7,
  });
});

test("a row without a key is quarantined, and the run goes on", () => {
  for (const row of [null, "text"])
    expect(rowChange(payments, message, { row }).undecodable!.reason).toBe("KEY_UNREADABLE");
  for (const row of [{}, { id: null }, { id: "x" }, { id: 1.5 }, { id: 2 ** 53 }])
    expect(rowChange(payments, message, { row })).toMatchObject({
      kind: "none",
      values: null,
      undecodable: { reason: "ROW_WITHOUT_KEY" },
    });
});

test("a value of another type is missing, and the column is listed with the reason", () => {
  const types = [
    [column("c", "boolean"), 1, "NOT_A_BOOLEAN"],
    [column("c", "int32"), 2 ** 31, "INTEGER_OUT_OF_RANGE"],
    [column("c", "int64"), "9223372036854775808", "INTEGER_OUT_OF_RANGE"],
    [column("c", "float64"), "1", "NOT_A_NUMBER"],
    [column("c", "decimal", { precision: 4, scale: 2 }), "1.234", "DECIMAL_TOO_PRECISE"],
    [column("c", "decimal", { precision: 4, scale: 2 }), true, "NOT_A_DECIMAL"],
    [column("c", "timestamp"), 1_750_000_000, "NOT_A_TIME"],
    [column("c", "timestamp"), new Date(Number.NaN), "NOT_A_TIME"],
    [column("c", "date"), "2025-02-30", "NOT_A_DATE"],
    [column("c", "bytes"), "AA==", "NOT_BYTES"],
    [column("c", "string", { nullable: false }), null, "NULL_NOT_ALLOWED"],
    [column("c", "string", { nullable: false }), undefined, "COLUMN_ABSENT"],
  ] as const;
  for (const [c, value, reason] of types) {
    const source = { ...payments, columns: [column("id", "int64", { nullable: false }), c] };
    const row = value === undefined ? { id: 1 } : { id: 1, c: value };
    expect(rowChange(source, message, { row }).invalidColumns).toEqual([{ column: "c", reason }]);
  }
});

test("a column of another spelling is named, and the logged row keeps every member", () => {
  const row = { id: 1, User: "ada", amount: "x", big: 5n };
  const { invalidColumns, logged } = rowChange(payments, message, { row });
  expect(invalidColumns).toEqual([
    { column: "amount", reason: "NOT_A_DECIMAL" },
    {
      column: "user",
      reason: "COLUMN_ABSENT",
      message: 'no message so far has a column "user"; did you mean "User"?',
    },
  ]);
  expect(logged!.row).toBe('{"id":1,"User":"ada","amount":"x","big":"5"}');
});

test("a text is bytes where the definition declares its encoding", () => {
  const source = {
    ...payments,
    columns: [
      column("id", "int64", { nullable: false }),
      column("c", "bytes", { encoding: "hex" }),
    ],
  };
  const read = (c: string) => rowChange(source, message, { row: { id: 1, c } });
  expect(read("dead").values![1]).toEqual(new Uint8Array([0xde, 0xad]));
  expect(read("3q0=").invalidColumns).toEqual([{ column: "c", reason: "NOT_BYTES" }]);
});

test("values of JSON and of JavaScript are read", () => {
  const types = [
    [column("c", "boolean"), false, false],
    [column("c", "int64"), "-9223372036854775808", -(2n ** 63n)],
    [column("c", "int64"), 5n, 5n],
    [column("c", "float64"), -0, 0],
    [column("c", "decimal", { precision: 4, scale: 2 }), 1.5, 150n],
    [column("c", "timestamp"), new Date(5), 5_000],
    [column("c", "date"), "1970-01-02", 1],
    [column("c", "json"), { a: [1] }, '{"a":[1]}'],
    [column("c", "string"), 17, "17"],
  ] as const;
  for (const [c, value, expected] of types) {
    const source = { ...payments, columns: [column("id", "int64", { nullable: false }), c] };
    expect(rowChange(source, message, { row: { id: 1, c: value } }).values).toEqual([1n, expected]);
  }
});

test("options of Debezium's decoder together with another decoder are refused", () => {
  expect(() =>
    recordedTopic("a.jsonl", { decoder: paymentDecoder("t"), toastMarker: "gone" }),
  ).toThrow(expect.objectContaining({ code: "DECODER_TWICE" }));
});

test("an error of a decoder names the place of its message", () => {
  const decoder = {
    decode: () => {
      throw new Error("no such field");
    },
  };
  const failed = (): unknown => decodeMessage(decoder, message);
  expect(failed).toThrow(expect.objectContaining({ code: "DECODER_FAILED" }));
  expect(failed).toThrow(/^t, partition 3, offset 8: the decoder failed: no such field\. /);
});
