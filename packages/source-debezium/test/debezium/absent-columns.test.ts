/** Tests declared columns that messages lack, under another name or at all. */
import type { SourceSpec } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { startDecoder } from "../support/fixtures.ts";
import { column } from "../support/sources.ts";
import { idField, messageOf, readChanges, sourceOf, warnings } from "../support/wire.ts";

const named = (database: string): SourceSpec =>
  sourceOf([column("amount", "float64", { database })]);
const row = (members: object): ReturnType<typeof messageOf> =>
  messageOf(JSON.stringify({ id: 1, ...members }));

describe("a nullable column that a row has under another name is invalid, and named", () => {
  test.each([
    ["in another case", "Amount", "amount"],
    ["with a space at its end", "amount", "amount "],
    ["in quotes", "amount", '"amount"'],
    ["with a separator", "paid_at", "paidAt"],
    ["with a suffix", "amount", "amount_eur"],
    ["with a prefix", "amount", "total_amount"],
  ])("%s", (_, declared, there) => {
    const [change] = readChanges(named(declared), [row({ [there]: 10.5 })]);
    expect(change!.values).toEqual([1n, null]);
    expect(change!.invalidColumns).toEqual([
      {
        column: "amount",
        reason: "COLUMN_ABSENT",
        message:
          `no message so far has a column "${declared}"; ` +
          `did you mean ${JSON.stringify(there)}?`,
      },
    ]);
    expect(change!.logged!.row).toContain(`${JSON.stringify(there)}:10.5`);
  });

  test("with a schema, the schema says so", () => {
    const fields = [idField, { type: "double", field: "amount" }];
    const [change] = readChanges(named("Amount"), [messageOf('{"id":1,"amount":1}', { fields })]);
    expect(change!.invalidColumns[0]!.message).toBe(
      'the schema of the messages has no column "Amount"; did you mean "amount"?',
    );
  });
});

test("a column that vanishes is invalid in each row that lacks it", () => {
  const changes = readChanges(named("amount"), [
    row({ amount: 1 }),
    row({ betrag: 2 }),
    row({ betrag: 3 }),
    row({ amount: 4 }),
  ]);
  expect(changes.map(({ invalidColumns }) => invalidColumns.length)).toEqual([0, 1, 1, 0]);
  expect(changes[1]!.invalidColumns[0]).toEqual({
    column: "amount",
    reason: "COLUMN_ABSENT",
    message: 'other messages have a column "amount", and this one has none',
  });
});

test("a nullable column that appears later is null before, and is told once", () => {
  const { codes, texts, onWarning } = warnings();
  const changes = readChanges(named("channel"), [row({}), row({ other: 1 }), row({ channel: 2 })], {
    onWarning,
  });
  expect(changes.map(({ invalidColumns }) => invalidColumns)).toEqual([[], [], []]);
  expect(changes.map(({ values }) => values![1])).toEqual([null, null, 2]);
  expect(codes).toEqual(["COLUMN_ABSENT"]);
  expect(texts[0]).toBe(
    'source "t": p.public.t, partition 0, offset 7: no message so far has a column "channel"; ' +
      "it reads as null",
  );
});

test("a primary key under another name is named where the row has no key", () => {
  const source = {
    ...named("amount"),
    columns: [
      column("id", "int64", { database: "ID", nullable: false }),
      column("amount", "float64"),
    ],
  };
  const change = startDecoder([source])({ ...row({ amount: 1 }), key: '{"ID":1}' })!;
  expect(change.undecodable!.reason).toBe("ROW_WITHOUT_KEY");
  expect(change.undecodable!.message).toContain('no message so far has a column "ID"');
  expect(change.undecodable!.message).toContain('did you mean "id"?');
});

describe("a column of float64 whose digits are lost is told once, with a value", () => {
  const decimal = {
    type: "bytes",
    name: "org.apache.kafka.connect.data.Decimal",
    parameters: { scale: "2" },
    field: "c",
  };
  test.each([
    ["a schema that says a decimal", '"BBo="', [idField, decimal], /the schema says a decimal/],
    ["a decimal as text", '"1234567890123456.78"', undefined, /its value "1234567890123456\.78"/],
    ["a whole number beyond 2^53", "9007199254740993", undefined, /9007199254740993.*int64\(\)/],
    ["a number of 20 digits", "0.12345678901234567891", undefined, /has more digits than/],
  ] as const)("%s", (_, raw, fields, sentence) => {
    const { codes, texts, onWarning } = warnings();
    const message = messageOf(`{"id":1,"c":${raw}}`, fields === undefined ? {} : { fields });
    readChanges(sourceOf([column("c", "float64")]), [message, message], { onWarning });
    expect(codes).toEqual(["DIGITS_LOST"]);
    expect(texts[0]).toMatch(sentence);
  });

  test.each(['"47.90"', '"0.1"', "0.1", "1.7976931348623157e308", "4.9E-324", '"NaN"', '"1e20"'])(
    "%s loses none",
    (raw) => {
      const { codes, onWarning } = warnings();
      const message = messageOf(`{"id":1,"c":${raw}}`);
      readChanges(sourceOf([column("c", "float64")]), [message], { onWarning });
      expect(codes).not.toContain("DIGITS_LOST");
    },
  );
});

describe("a schema whose type is not the declared one", () => {
  const typed = (type: string, raw: string): ReturnType<typeof messageOf> =>
    messageOf(`{"id":1,"c":${raw}}`, { fields: [idField, { type, field: "c" }] });

  test("is told once, and a value that can be read is", () => {
    const { codes, texts, onWarning } = warnings();
    const source = sourceOf([column("c", "int64")]);
    const changes = readChanges(source, [typed("string", '"12"'), typed("string", '"x"')], {
      onWarning,
    });
    expect(changes.map(({ values }) => values![1])).toEqual([12n, null]);
    expect(changes[1]!.invalidColumns).toEqual([{ column: "c", reason: "NOT_AN_INTEGER" }]);
    expect(codes).toEqual(["COLUMN_TYPE_DIFFERS"]);
    expect(texts[0]).toContain("declared as int64, and the schema says string");
  });

  test.each([
    ["boolean", "string", '"t"', "NOT_A_BOOLEAN"],
    ["timestamp", "double", "1.5", "NOT_A_TIME"],
    ["float64", "boolean", "true", "NOT_A_NUMBER"],
    ["bytes", "int32", "1", "NOT_BYTES"],
    ["date", "int64", "1749114000000", "NOT_A_DATE"],
  ] as const)("%s of a schema of %s", (type, schema, raw, reason) => {
    const { codes, onWarning } = warnings();
    const [change] = readChanges(sourceOf([column("c", type)]), [typed(schema, raw)], {
      onWarning,
    });
    expect(change!.invalidColumns[0]!.reason).toBe(reason);
    expect(codes).toEqual(["COLUMN_TYPE_DIFFERS"]);
  });

  test.each([
    ["boolean", "int16", "1"],
    ["decimal", "string", '"1.50"'],
    ["float64", "string", '"1.50"'],
    ["string", "int64", "5"],
    ["json", "struct", "{}"],
    ["int64", "struct", '{"scale":0,"value":"BBo="}'],
  ] as const)("is not told where Debezium writes %s as %s", (type, schema, raw) => {
    const { codes, onWarning } = warnings();
    const spec = column("c", type, type === "decimal" ? { precision: 9, scale: 2 } : {});
    const [change] = readChanges(sourceOf([spec]), [typed(schema, raw)], { onWarning });
    expect(change!.invalidColumns).toEqual([]);
    expect(codes).toEqual([]);
  });
});

test("values of another form are invalid, and stay in extra", () => {
  const cases = [
    ["boolean", '"t"', "NOT_A_BOOLEAN"],
    ["boolean", "2", "NOT_A_BOOLEAN"],
    ["int32", '"1e99"', "INTEGER_OUT_OF_RANGE"],
    ["int64", "1.5", "NOT_AN_INTEGER"],
    ["float64", '"1,5"', "NOT_A_NUMBER"],
    ["date", '"0000-00-00"', "NOT_A_DATE"],
    ["timestamp", '"0000-00-00 00:00:00"', "NOT_A_TIME"],
    ["timestamp", '"2025-06-05 09:00:00"', "NOT_A_TIME"],
  ] as const;
  for (const [type, raw, reason] of cases) {
    const [change] = readChanges(sourceOf([column("c", type)]), [messageOf(`{"id":1,"c":${raw}}`)]);
    expect([change!.values![1], change!.invalidColumns[0]!.reason, change!.logged!.row]).toEqual([
      null,
      reason,
      `{"id":1,"c":${raw}}`,
    ]);
  }
});

test("two columns may read one column of the database", () => {
  const source = sourceOf([
    column("a", "string", { database: "x" }),
    column("b", "int64", { database: "x" }),
  ]);
  const [change] = readChanges(source, [row({ x: "5" })]);
  expect([change!.values, change!.invalidColumns]).toEqual([[1n, "5", 5n], []]);
});
