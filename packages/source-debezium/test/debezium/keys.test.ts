/** Tests the forms of a message's key from which the primary key is read. */
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { column } from "../support/sources.ts";

const sourceOf = (key: "int64" | "string" | "timestamp", more: object = {}): SourceSpec => ({
  name: "payments",
  table: "public.payments",
  columns: [
    column("id", key, { nullable: false, database: "Id", ...more }),
    column("part", "int32", { nullable: false }),
  ],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
});

const block = { connector: "postgresql", schema: "public", table: "payments", lsn: 5, ts_us: 9 };
const deletion = JSON.stringify({ before: null, after: null, source: block, op: "d" });

function decode(
  source: SourceSpec,
  key: string | Uint8Array | null,
  value = deletion,
  headers: Record<string, string> = {},
): Change {
  const decoder = debeziumDecoder().start({ sources: [source], onWarning: () => {} });
  const topic = "bank.public.payments";
  const parts = { topic, partition: 0, offset: 3, timestamp: 1, key, value, headers };
  return decoder.decode(kafkaMessage(parts)) as Change;
}

const schema = (type: string): object => ({ type, optional: false });
const prefixed = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), Buffer.from(text)]);

// prettier-ignore
const INTEGER_KEYS: readonly [string, string | Uint8Array][] = [
  ["a struct", '{"Id":2}'],
  ["a bare number", "2"],
  ["a number as text", '"2"'],
  ["a number with its schema", JSON.stringify({ schema: schema("int64"), payload: 2 })],
  ["a struct with its schema", JSON.stringify({ schema: { type: "struct", fields: [{ ...schema("int64"), field: "Id" }] }, payload: { Id: 2 } })],
  ["a number after the prefix of JSON Schema", prefixed("2")],
  ["a struct after the prefix of JSON Schema", prefixed('{"Id":2}')],
  ["a struct in a JSON string", JSON.stringify('{"Id":2}')],
  ["a struct of kafka-avro-console-consumer", '{"Id":{"long":2}}'],
  ["a named struct of kafka-avro-console-consumer", '{"bank.public.payments.Key":{"Id":2}}'],
  ["a struct of the StringConverter", "Struct{Id=2}"],
  ["white space around a number", " 2\n"],
];

describe("a key of one column", () => {
  test.each(INTEGER_KEYS)("%s deletes the row", (_, key) => {
    expect(decode(sourceOf("int64"), key)).toMatchObject({
      kind: "delete",
      values: [2n, null],
      order: 5n,
    });
  });

  test.each(INTEGER_KEYS)("%s takes the row of an undecodable change out", (_, key) => {
    expect(decode(sourceOf("int64"), key, "no json")).toMatchObject({
      kind: "upsert",
      values: [2n, null],
      undecodable: { reason: "VALUE_NOT_JSON" },
    });
  });

  test("digits beyond 2^53 are exact", () => {
    expect(decode(sourceOf("int64"), "9007199254740993").values![0]).toBe(9007199254740993n);
  });

  test("text is a key as JSON, and as the StringConverter writes it", () => {
    for (const key of [
      '"c-17"',
      "c-17",
      JSON.stringify({ schema: schema("string"), payload: "c-17" }),
    ])
      expect(decode(sourceOf("string"), key).values).toEqual(["c-17", null]);
    expect(decode(sourceOf("string"), "17").values).toEqual(["17", null]);
  });

  test("the schema of a bare time gives its unit", () => {
    const key = JSON.stringify({
      schema: { ...schema("int64"), name: "io.debezium.time.Timestamp" },
      payload: 1_749_114_000_000,
    });
    expect(decode(sourceOf("timestamp"), key).values![0]).toBe(1_749_114_000_000_000);
  });

  test.each<[string, string | Uint8Array | null]>([
    ["no key", null],
    ["an empty key", ""],
    ["null", "null"],
    ["a number with a fraction", "2.5"],
    ["text", "two"],
    ["an array", "[2]"],
    ["a struct of another column", '{"part":2}'],
    ["Avro", Buffer.from([0, 0, 0, 0, 9, 4])],
  ])("%s is none: the lost delete is told with the next step", (_, key) => {
    expect(decode(sourceOf("int64"), key)).toMatchObject({
      kind: "none",
      op: "d",
      undecodable: {
        reason: "KEY_UNREADABLE",
        message: expect.stringMatching(
          /a delete .*so the row stays.*REPLICA IDENTITY FULL/s,
        ) as string,
      },
    });
  });
});

test("a key in Avro is told as such, in a delete and in a tombstone", () => {
  const avro = Buffer.from([0, 0, 0, 0, 9, 4]);
  expect(decode(sourceOf("int64"), avro).undecodable!.message).toMatch(
    /key of the message looks like Avro .*Set key\.converter/s,
  );
  expect(decode(sourceOf("int64"), avro, "null").tombstone).toMatchObject({
    values: null,
    keyFault: expect.stringMatching(/^the key looks like Avro .*; set key\.converter/) as string,
  });
  expect(decode(sourceOf("int64"), prefixed('{"part":2}')).undecodable!.message).toContain(
    "does not hold the primary key",
  );
});

test("an object is no key of a text column, unless it is a union of Avro's JSON", () => {
  expect(decode(sourceOf("string"), '{"Id":{"deep":[1]}}').undecodable).toMatchObject({
    reason: "KEY_UNREADABLE",
  });
  expect(decode(sourceOf("string"), '{"Id":{"string":"a"}}').values).toEqual(["a", null]);
});

test("a bare value is no key of two columns", () => {
  const source = { ...sourceOf("int64"), primaryKey: ["id", "part"] };
  expect(decode(source, "2")).toMatchObject({ kind: "none" });
  expect(decode(source, '{"Id":2,"part":1}')).toMatchObject({ kind: "delete", values: [2n, 1] });
});

test("a bare key of another column deletes no row, and the lost delete is told", () => {
  const decoder = debeziumDecoder().start({ sources: [sourceOf("int64")], onWarning: () => {} });
  const message = (offset: number, key: string, value: string) =>
    kafkaMessage({ topic: "bank.public.payments", partition: 0, offset, timestamp: 1, key, value });
  const created = JSON.stringify({ after: { Id: 3, part: 1 }, source: block, op: "c" });
  decoder.decode(message(0, "1", created));
  expect(decoder.decode(message(1, "1", deletion))).toMatchObject({
    kind: "none",
    undecodable: { reason: "KEY_UNREADABLE" },
  });
  expect(decoder.decode(message(2, '{"Id":3}', deletion))).toMatchObject({ kind: "delete" });
});

test("the old key in a header may be a bare value", () => {
  const value = JSON.stringify({ after: { Id: 3, part: 1 }, source: block, op: "c" });
  for (const old of ["2", '"2"', '{"Id":2}', '{"schema":{"type":"int64"},"payload":2}'])
    expect(decode(sourceOf("int64"), "3", value, { "__debezium.oldkey": old }).oldKey).toEqual([
      2n,
    ]);
});
