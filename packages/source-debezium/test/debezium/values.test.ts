/** Tests the reader of every value type, with every form that a value may come in. */
import type { Change, ColumnSpec, SourceSpec, Value } from "@tidemark/core/spi";
import type { RecordedMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { type DecodeOptions, startDecoder } from "../support/fixtures.ts";
import { column } from "../support/sources.ts";

const source = (...columns: readonly ColumnSpec[]): SourceSpec => ({
  name: "t",
  table: "public.t",
  columns: [column("id", "int64", { nullable: false }), ...columns],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
});
const envelope = (after: string): string =>
  `{"before":null,"after":${after},` +
  '"source":{"ts_us":1700000000000000,"schema":"public","table":"t","lsn":1},' +
  '"op":"c","ts_ns":1795423829084228008}';
const message = (value: string): RecordedMessage => ({
  topic: "p.public.t",
  partition: 0,
  offset: 7,
  timestamp: 1,
  key: '{"id":1}',
  value,
  headers: {},
});
/** The message of a row with a value under "c". `field` is its schema; absent: none is sent. */
const wire = (raw: string, field?: object): RecordedMessage => {
  const after = envelope(`{"id":1,"c":${raw}}`);
  if (field === undefined) return message(after);
  const row = {
    type: "struct",
    fields: [
      { type: "int64", field: "id" },
      { ...field, field: "c" },
    ],
    field: "after",
  };
  const block = { type: "struct", fields: [], field: "source" };
  const schema = JSON.stringify({ type: "struct", fields: [row, block] });
  return message(`{"schema":${schema},"payload":${after}}`);
};
const decodeOne = (
  c: ColumnSpec,
  raw: string,
  field?: object,
  options: DecodeOptions = {},
): Change => startDecoder([source(c)], options)(wire(raw, field))!;
/** Reads the value, or the reason why it cannot be read. */
const read = (
  c: ColumnSpec,
  raw: string,
  field?: object,
  options?: DecodeOptions,
): Value | string => {
  const change = decodeOne(c, raw, field, options);
  return (
    change.invalidColumns[0]?.reason ?? (change.nonFinite > 0 ? "NON_FINITE" : change.values![1]!)
  );
};

const decimalField = (scale?: number): object => ({
  type: "bytes",
  name: "org.apache.kafka.connect.data.Decimal",
  ...(scale === undefined ? {} : { parameters: { scale: String(scale) } }),
});
const variable = { type: "struct", name: "io.debezium.data.VariableScaleDecimal" };
const money = column("c", "decimal", { precision: 12, scale: 2 });
const time = column("c", "timestamp");

test("integers keep every digit, and refuse what they cannot hold", () => {
  const [int32, int64] = [column("c", "int32"), column("c", "int64")];
  for (const field of [undefined, { type: "int64" }]) {
    expect(read(int64, "9223372036854775807", field)).toBe(9223372036854775807n);
    expect(read(int64, "-9223372036854775808", field)).toBe(-9223372036854775808n);
    expect(read(int64, "9007199254740993", field)).toBe(9007199254740993n);
    expect(read(int64, "9223372036854775808", field)).toBe("INTEGER_OUT_OF_RANGE");
    expect(read(int32, "2147483647", field)).toBe(2147483647);
    expect(read(int32, "2147483648", field)).toBe("INTEGER_OUT_OF_RANGE");
    expect(read(int32, "-0", field)).toBe(0);
    expect(read(int32, "5.0", field)).toBe(5);
    expect(read(int64, "5.00000000000000000001", field)).toBe("NOT_AN_INTEGER");
    expect(read(int64, "1e3", field)).toBe(1000n);
    expect(read(int64, '"12345678901234567"', field)).toBe(12345678901234567n);
    expect(read(int64, '"abc"', field)).toBe("NOT_AN_INTEGER");
    expect(read(int64, "true", field)).toBe("NOT_AN_INTEGER");
    expect(read(int64, "[1]", field)).toBe("NOT_AN_INTEGER");
  }
  expect(read(int64, '"BBo="', decimalField(0))).toBe(1050n);
  expect(read(int64, '"BBo="', decimalField(2))).toBe("NOT_AN_INTEGER");
});

test("NaN and the infinities come as text and are missing and counted; 1e400 is unreadable", () => {
  const float = column("c", "float64");
  for (const raw of ['"NaN"', '"Infinity"', '"-Infinity"'])
    expect(decodeOne(float, raw, { type: "double" })).toMatchObject({
      nonFinite: 1,
      invalidColumns: [],
    });
  expect(read(float, "0.30000000000000004")).toBe(0.1 + 0.2);
  expect(read(float, "1.0E-5")).toBe(1e-5);
  expect(read(float, "-0.0")).toBe(-0);
  expect(read(float, "1e400")).toBe("NUMBER_OUT_OF_RANGE");
  expect(read(float, '"10.50"')).toBe(10.5);
  expect(read(float, '"0x10"')).toBe("NOT_A_NUMBER");
  expect(read(float, '""')).toBe("NOT_A_NUMBER");
  expect(read(float, '"BBo="', decimalField(2))).toBe(10.5);
  expect(read(float, '{"scale":2,"value":"BBo="}', variable)).toBe(10.5);
  expect(read(float, "12345678901234567890")).toBe(12345678901234567000);
});

describe("decimals", () => {
  test("every form of decimal.handling.mode and of unconstrained NUMERIC is read", () => {
    expect(read(money, '"BBo="', decimalField(2))).toBe(1050n);
    expect(read(money, '"BBo="', decimalField(1))).toBe(10500n);
    expect(read(money, '"BBo="', decimalField(3))).toBe(105n);
    expect(read(money, '"BBs="', decimalField(3))).toBe("DECIMAL_TOO_PRECISE");
    expect(read(money, '{"scale":2,"value":"BBo="}', variable)).toBe(1050n);
    expect(read(money, '{"scale":2,"value":"BBo="}')).toBe(1050n);
    expect(read(money, '{"scale":2}')).toBe("NOT_A_DECIMAL");
    expect(read(money, '"10.50"', { type: "string" })).toBe(1050n);
    expect(read(money, '"1000"', { type: "string" })).toBe(100000n);
    expect(read(money, "10.5", { type: "double" })).toBe(1050n);
    expect(read(money, "1.23456789012E9", { type: "double" })).toBe(123456789012n);
    expect(read(money, '"99999999999.00"')).toBe("DECIMAL_TOO_LARGE");
    expect(read(money, '"NAN"')).toBe("NON_FINITE");
    expect(read(money, "true")).toBe("NOT_A_DECIMAL");
  });

  test("a JSON number keeps all its digits", () => {
    expect(
      read(column("c", "decimal", { precision: 38, scale: 3 }), "12345678901234567890.123"),
    ).toBe(12345678901234567890123n);
    expect(read(column("c", "decimal", { precision: 38, scale: 3 }), "1e400")).toBe(
      "DECIMAL_TOO_LARGE",
    );
    expect(
      read(column("c", "decimal", { precision: 38, scale: 20 }), "0.10000000000000000001"),
    ).toBe(10000000000000000001n);
  });

  test("without a schema the scale is the definition's", () => {
    expect(read(money, '"BBo="')).toBe(1050n);
    expect(read(money, '"/w=="')).toBe(-1n);
    expect(read(money, '"BBo="', decimalField())).toBe(1050n);
  });

  test("base64 with no scale in schema or definition stops the source by name", () => {
    const stops = (c: ColumnSpec, raw: string, field?: object): void => {
      expect(() => decodeOne(c, raw, field)).toThrow(
        expect.objectContaining({
          code: "DECIMAL_WITHOUT_SCALE",
          message: expect.stringMatching(
            /source "t".*"c".*p\.public\.t.*decimal\.handling\.mode=string/s,
          ) as string,
        }),
      );
    };
    stops(column("c", "float64"), '"BBo="');
    stops(column("c", "int64"), '"BBo="');
    stops(column("c", "float64"), '"BBo="', decimalField());
    stops(column("c", "string"), '"BBo="', decimalField());
    stops(column("c", "decimal"), '"BBo="');
  });

  test(
    "digits that may be base64 are what the column's values last were; base64 after a guess of " +
      "digits stops the source",
    () => {
      const values = (...raws: string[]): (Value | undefined)[] => {
        const decodes = startDecoder([source(money)]);
        return raws.map((raw) => decodes(wire(raw))!.values![1]);
      };
      expect(values('"10.50"', '"1234"', '"none"')).toEqual([1050n, 123400n, null]);
      expect(values('"1234"', '"10.50"', '"1234"')).toEqual([123400n, 1050n, 123400n]);
      expect(values('"BBo="', '"1234"')).toEqual([1050n, BigInt.asIntN(24, 0xd76df8n)]);
      expect(() => values('"1234"', '"BBo="')).toThrow(
        expect.objectContaining({ code: "DECIMAL_ENCODING_UNCLEAR" }),
      );
    },
  );

  test("base64 that looks like a number with an exponent or a sign stays base64", () => {
    const values = (...raws: string[]): (Value | undefined)[] => {
      const decodes = startDecoder([source(money)]);
      return raws.map((raw) => decodes(wire(raw))!.values![1]);
    };
    const bytes = (text: string): bigint =>
      BigInt.asIntN(24, BigInt(`0x${Buffer.from(text, "base64").toString("hex")}`));
    for (const text of ["12e3", "1e10", "+123"])
      expect(values('"BBo="', `"${text}"`, '"BBoA"')).toEqual([1050n, bytes(text), 0x041a00n]);
    expect(values('"10.50"', '"12e3"')).toEqual([1050n, 1200000n]);
  });

  test("digits after base64 that may be digits stop the source", () => {
    const decodes = startDecoder([source(money)]);
    for (const raw of ['"BBo="', '"1250"']) decodes(wire(raw));
    expect(() => decodes(wire('"12.50"'))).toThrow(
      expect.objectContaining({ code: "DECIMAL_ENCODING_UNCLEAR" }),
    );
  });
});

describe("decimals that may have lost something are told", () => {
  const told = (c: ColumnSpec, raws: readonly string[], field?: object): string[] => {
    const codes: string[] = [];
    const decodes = startDecoder([source(c)], { onWarning: ({ code }) => codes.push(code) });
    for (const raw of raws) decodes(wire(raw, field));
    return codes;
  };

  test("base64 whose scale only the definition gives", () => {
    expect(told(money, ['"BBo="', '"BBo="'])).toEqual(["DECIMAL_SCALE_FROM_DEFINITION"]);
    expect(told(money, ['"BBo="'], decimalField(2))).toEqual([]);
    expect(told(money, ['"10.50"'])).toEqual([]);
  });

  test("a double with the digits of a double", () => {
    const wide = column("c", "decimal", { precision: 38, scale: 20 });
    expect(told(wide, ["0.1234567890123456", "0.1234567890123457"])).toEqual([
      "DECIMAL_FROM_DOUBLE",
    ]);
    expect(told(wide, ["1.2345678901234567E9"], { type: "double" })).toEqual([
      "DECIMAL_FROM_DOUBLE",
    ]);
    expect(told(wide, ["10.5", "12345678901234.5", "0.12345678901234567890"])).toEqual([]);
    expect(told(column("c", "float64"), ["0.1234567890123456"])).toEqual([]);
  });

  test("a word that was guessed to be base64 stops the source when a number follows", () => {
    const decodes = startDecoder([source(money)]);
    decodes(wire('"none"'));
    expect(() => decodes(wire('"10.50"'))).toThrow(
      expect.objectContaining({ code: "DECIMAL_ENCODING_UNCLEAR" }),
    );
    const sure = startDecoder([source(money)]);
    expect([sure(wire('"BBo="')), sure(wire('"10.50"'))].map((one) => one!.values![1])).toEqual([
      1050n,
      1050n,
    ]);
  });
});

describe("times", () => {
  const named = (name: string): object => ({ type: "int64", name });

  test("the schema's name gives the unit of a number", () => {
    expect(read(time, "-1", named("io.debezium.time.Timestamp"))).toBe(-1_000);
    expect(read(time, "-1", named("org.apache.kafka.connect.data.Timestamp"))).toBe(-1_000);
    expect(read(time, "-1", named("io.debezium.time.MicroTimestamp"))).toBe(-1);
    expect(read(time, "-1", named("io.debezium.time.NanoTimestamp"))).toBe(-1);
    expect(read(time, "1795423829084228999", named("io.debezium.time.NanoTimestamp"))).toBe(
      1_795_423_829_084_228,
    );
    expect(read(time, "-1795423829084228001", named("io.debezium.time.NanoTimestamp"))).toBe(
      -1_795_423_829_084_229,
    );
    expect(read(time, "-1", { type: "int32", name: "io.debezium.time.Date" })).toBe(
      -86_400_000_000,
    );
    expect(
      read(time, '"2025-03-03T22:06:07.123456Z"', {
        type: "string",
        name: "io.debezium.time.ZonedTimestamp",
      }),
    ).toBe(Date.UTC(2025, 2, 3, 22, 6, 7, 123) * 1000 + 456);
  });

  test("without a schema a number counts µs, unless `times` gives another unit", () => {
    expect(read(time, "1740700800000")).toBe(1_740_700_800_000);
    expect(read(time, "1740700800000", undefined, { times: { "public.t.c": "ms" } })).toBe(
      1_740_700_800_000_000,
    );
    expect(
      read(time, "1740700800000", named("io.debezium.time.MicroTimestamp"), {
        times: { "public.t.c": "ms" },
      }),
    ).toBe(1_740_700_800_000);
  });

  test("text without a zone is read in the declared zone; without one it is unreadable", () => {
    expect(
      read(column("c", "timestamp", { zone: "America/New_York" }), '"2025-03-09 02:30:00"'),
    ).toBe(Date.UTC(2025, 2, 9, 7, 30) * 1000);
    expect(read(time, '"2025-03-09 02:30:00"')).toBe("NOT_A_TIME");
    expect(read(time, '"2025-02-30T00:00:00Z"')).toBe("NOT_A_TIME");
    expect(read(time, "1.5")).toBe("NOT_A_TIME");
    expect(read(time, "true")).toBe("NOT_A_TIME");
  });

  test(
    "infinity in each form and times beyond 2^53 µs are unreadable, and stay in extra with " +
      "their digits",
    () => {
      for (const raw of [
        "9223372036825200000",
        "-9223372036832400000",
        '"infinity"',
        '"-infinity"',
      ])
        expect(read(time, raw)).toBe("TIME_INFINITE");
      expect(read(time, "9223372036825200", named("io.debezium.time.Timestamp"))).toBe(
        "TIME_INFINITE",
      );
      expect(decodeOne(time, "-63517780800000000").logged!.row).toContain('"c":-63517780800000000');
      expect(read(time, "9007199254740991")).toBe(2 ** 53 - 1);
      expect(read(time, "9007199254740992")).toBe("TIME_OUT_OF_RANGE");
      expect(read(time, "-9007199254740993")).toBe("TIME_OUT_OF_RANGE");
    },
  );

  test("a date is a number of days or text", () => {
    const date = column("c", "date");
    expect(read(date, "-1")).toBe(-1);
    expect(read(date, '"1969-12-31"')).toBe(-1);
    expect(read(date, '"1969-12-31Z"')).toBe(-1);
    expect(read(date, "-2147472692")).toBe("TIME_INFINITE");
    expect(read(date, '"infinity"')).toBe("TIME_INFINITE");
    expect(read(date, "2147483648")).toBe("TIME_OUT_OF_RANGE");
    expect(read(date, "2932896")).toBe(2932896);
    expect(read(date, '"2025-02-30"')).toBe("NOT_A_DATE");
    expect(read(date, "1740700800000", named("io.debezium.time.Timestamp"))).toBe("NOT_A_DATE");
  });
});

test("a date beyond the year 9999 is refused unless the schema says that it counts days", () => {
  const date = column("c", "date");
  // 1989-03-02 in seconds, and 1970-01-08 in milliseconds.
  for (const raw of ["604800000", "2932897", "-2932897"]) {
    const { invalidColumns, values } = decodeOne(date, raw);
    expect(values![1]).toBeNull();
    expect(invalidColumns).toMatchObject([{ reason: "NOT_A_DATE" }]);
    expect(invalidColumns[0]!.message).toContain("send schemas");
    const field = { type: "int32", name: "io.debezium.time.Date" };
    expect(read(date, raw, field)).toBe(Number(raw));
  }
});

test("booleans, bytes, json and text are read, and refuse other forms", () => {
  const [boolean, bytes, json, text] = (["boolean", "bytes", "json", "string"] as const).map(
    (kind) => column("c", kind),
  ) as [ColumnSpec, ColumnSpec, ColumnSpec, ColumnSpec];
  expect([read(boolean, "true"), read(boolean, "0"), read(boolean, '"t"')]).toEqual([
    true,
    false,
    "NOT_A_BOOLEAN",
  ]);
  expect([
    read(bytes, '"3q2+7w=="'),
    read(bytes, '""'),
    read(bytes, '"\\\\xdead"'),
    read(bytes, "1"),
  ]).toEqual([
    new Uint8Array([0xde, 0xad, 0xbe, 0xef]),
    new Uint8Array(0),
    "NOT_BYTES",
    "NOT_BYTES",
  ]);
  expect([
    read(json, '"{\\"a\\": 9223372036854775807}"'),
    read(json, '"plain"'),
    read(json, '{"k":"v"}'),
  ]).toEqual(['{"a": 9223372036854775807}', "NOT_JSON", '{"k":"v"}']);
  expect([
    read(text, '"người dùng \\ud83d\\ude00"'),
    read(text, "5.0"),
    read(text, '["a",null]'),
    read(text, "true"),
  ]).toEqual(["người dùng 😀", "5.0", '["a",null]', "true"]);
  expect(read(text, '"3q2+7w=="', { type: "bytes" })).toBe("3q2+7w==");
});

test("the TOAST marker is recognized in each of its forms, and as the connector's own text", () => {
  const word = "__debezium_unavailable_value";
  const base64 = Buffer.from(word).toString("base64");
  const hex = Buffer.from(word).toString("hex");
  const urlSafe = Buffer.from(word).toString("base64url");
  for (const form of [
    word,
    base64,
    hex,
    urlSafe,
    [word],
    [base64],
    [hex],
    [...Buffer.from(word)],
    { [word]: word },
  ]) {
    expect(decodeOne(column("c", "json"), JSON.stringify(form))).toMatchObject({
      unavailable: [1],
      invalidColumns: [],
      values: [1n, null],
    });
  }
  expect(
    decodeOne(column("c", "string"), '"left out"', undefined, { toastMarker: "left out" })
      .unavailable,
  ).toEqual([1]);
  expect(decodeOne(column("c", "string"), `"${word}!"`).values![1]).toBe(`${word}!`);
});

test("a null and an absent column are invalid columns unless the column is nullable", () => {
  const row = (raw: string, nullable: boolean): Change =>
    startDecoder([source(column("c", "string", { nullable }))])(message(envelope(raw)))!;
  expect(row('{"id":1,"c":null}', true).invalidColumns).toEqual([]);
  expect(row('{"id":1}', true)).toMatchObject({ invalidColumns: [], values: [1n, null] });
  expect(row('{"id":1,"c":null}', false).invalidColumns).toEqual([
    { column: "c", reason: "NULL_NOT_ALLOWED" },
  ]);
  expect(row('{"id":1}', false)).toMatchObject({
    kind: "upsert",
    undecodable: null,
    invalidColumns: [
      { column: "c", reason: "COLUMN_ABSENT", message: 'no message so far has a column "c"' },
    ],
  });
});

test("the logged row keeps every member, digit for digit", () => {
  const more =
    '"free":0.10000000000000000001,"nested":{"a":[1.0,1e400]},"quote\\"d":"\\u00e9","__op":"c"}';
  const after = `{"id":1,"new":9223372036854775807,"c":"x",${more}`;
  const change = startDecoder([source(column("c", "string"))])(message(envelope(after)))!;
  expect(change.logged!.row).toBe(after);
});

test("a column may be called constructor, and a row may hold __proto__", () => {
  const change = startDecoder([
    source(
      column("constructor", "string"),
      column("__proto__", "string"),
      column("toString", "string"),
    ),
  ])(message(envelope('{"id":1,"constructor":"a","__proto__":"b"}')))!;
  expect(change.values).toEqual([1n, "a", "b", null]);
});

test("a column that a row has twice is missing, whatever its values are", () => {
  const change = startDecoder([source(money)])(
    message(envelope('{"id":1,"c":"1.00","c":"2.00"}')),
  )!;
  expect(change.values).toEqual([1n, null]);
  expect(change.invalidColumns).toMatchObject([{ column: "c", reason: "COLUMN_TWICE" }]);
});
