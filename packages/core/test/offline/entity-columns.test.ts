import { expect, test } from "vitest";
import { batchOf, valueAt, type Batch, type ColumnSpec, type Value } from "../../src/spi.ts";
import { entityRowsOf } from "../../src/request/entity-rows.ts";
import type { EntityColumns } from "../../src/request/request-types.ts";

const column = (name: string, type: ColumnSpec["type"], more: Partial<ColumnSpec> = {}) => ({
  name,
  database: name,
  type,
  nullable: true,
  ...more,
});
const NOON = 1_749_211_200_000_000; // 2025-06-06T12:00:00Z

function entities(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
  more: Partial<EntityColumns> = {},
): EntityColumns {
  return {
    columns,
    async *batches(): AsyncGenerator<Batch> {
      yield batchOf(columns, rows);
    },
    ...more,
  };
}

async function timesOf(given: EntityColumns): Promise<number[]> {
  const { blocks } = await entityRowsOf(given, [], 1);
  const times: number[] = [];
  for await (const block of blocks()) {
    times.push(...block.times);
    const shown = block.batch();
    expect(shown.columns.map(({ type }) => type)).toEqual(["timestamp"]);
    expect(shown.vectors[0]!.kind).toBe("float64");
  }
  return times;
}

const time = (type: ColumnSpec["type"], more: Partial<ColumnSpec> = {}): ColumnSpec[] => [
  column("event_timestamp", type, more),
];

test("event times that are bare numbers are refused with what they would be", async () => {
  for (const type of ["int64", "int32", "float64", "decimal"] as const) {
    const value = type === "int32" ? 1_749_211_200 : type === "float64" ? 1.7492112e12 : null;
    const given = entities(time(type), [[null], [value ?? 1_749_211_200_000n]]);
    await expect(entityRowsOf(given, [], 1)).rejects.toMatchObject({
      code: "TIME_INVALID",
      message: expect.stringMatching(
        /first value 17\d+ is a bare number without a unit: .*2025-06-06T12:00:00Z in m?.*seconds/,
      ),
    });
  }
});

test("event times that are numbers of a named unit are exact, in every number type", async () => {
  const cases: readonly [ColumnSpec["type"], Value, EntityColumns["timeUnit"], number][] = [
    ["int64", 1_749_211_200n, "s", NOON],
    ["int64", 1_749_211_200_000n, "ms", NOON],
    ["int64", BigInt(NOON), "us", NOON],
    ["int64", BigInt(NOON) * 1000n + 999n, "ns", NOON],
    ["int64", -1n, "ns", -1],
    ["int32", 1_749_211_200, "s", NOON],
    ["float64", 1_749_211_200_000, "ms", NOON],
    ["decimal", 1_749_211_200_000n, "ms", NOON],
  ];
  for (const [type, value, timeUnit, expected] of cases)
    expect(await timesOf(entities(time(type), [[value]], { timeUnit }))).toEqual([expected]);
  const fraction = entities(time("float64"), [[1.5]], { timeUnit: "s" });
  await expect(timesOf(fraction)).rejects.toThrow("entity row 0: event_timestamp is 1.5; give a");
  const unknown = entities(time("int64"), [[1n]], { timeUnit: "min" as never });
  await expect(timesOf(unknown)).rejects.toThrow('timeUnit is "min"; give one of "s", "ms", "us"');
});

test("event times without a zone need one, as text and as timestamps", async () => {
  const local = time("timestamp", { zoneless: true });
  await expect(timesOf(entities(local, [[NOON]]))).rejects.toMatchObject({
    code: "TIME_INVALID",
    message: expect.stringContaining("times without a zone (as pandas writes them); name their"),
  });
  const berlin = { zone: "Europe/Berlin" };
  expect(await timesOf(entities(local, [[NOON]], berlin))).toEqual([NOON - 7_200_000_000]);
  expect(await timesOf(entities(local, [[NOON]], { zone: "UTC" }))).toEqual([NOON]);
  const text = entities(time("string"), [["2025-06-06 12:00:00"]]);
  await expect(timesOf(text)).rejects.toThrow("a time without a zone; write Z or +07:00 behind it");
  expect(await timesOf({ ...text, ...berlin })).toEqual([NOON - 7_200_000_000]);
  expect(await timesOf(entities(time("string"), [["2025-06-06T12:00:00Z"]]))).toEqual([NOON]);
  await expect(timesOf(entities(time("string"), [["noon"]]))).rejects.toThrow("no time; write it");
  await expect(timesOf(entities(time("date"), [[1]]))).rejects.toThrow("is date, which names no");
});

test("a far time is no event time, and its row is named", async () => {
  const columns = time("timestamp");
  const values = BigInt64Array.of(1n, 253_402_214_400_000_000n);
  const far: EntityColumns = {
    columns,
    async *batches() {
      yield { length: 2, columns, vectors: [{ kind: "int64", values, valid: null }] };
    },
  };
  await expect(timesOf(far)).rejects.toThrow(
    "entity row 1: event_timestamp is 9999-12-31T00:00:00.000000Z, beyond ±2^53 microseconds",
  );
});

test("two columns of one name are refused", async () => {
  const columns = [column("y", "int32"), ...time("timestamp"), column("y", "string")];
  await expect(entityRowsOf(entities(columns, []), [], 1)).rejects.toMatchObject({
    code: "COLUMN_NAME",
    message: 'entity columns: two columns are called "y"; rename one',
  });
});

async function keyOf(held: ColumnSpec, value: Value, wanted: ColumnSpec): Promise<Value> {
  const columns = [held, ...time("timestamp")];
  const { blocks } = await entityRowsOf(entities(columns, [[value, NOON]]), [wanted], 1);
  for await (const { keys } of blocks()) return valueAt(keys.vectors[0]!, 0);
  return null;
}

test("keys of another number type are taken where they are exact", async () => {
  const cases: readonly [ColumnSpec["type"], number, Value, ColumnSpec["type"], number, Value][] = [
    ["float64", 0, 1000, "int64", 0, 1000n],
    ["float64", 0, -0, "int64", 0, 0n],
    ["float64", 0, 2 ** 53 - 1, "int64", 0, 9_007_199_254_740_991n],
    ["int32", 0, 7, "int64", 0, 7n],
    ["int64", 0, 7n, "int32", 0, 7],
    ["decimal", 0, 2n ** 63n - 1n, "int64", 0, 2n ** 63n - 1n],
    ["decimal", 2, 1000n, "int64", 0, 10n],
    ["float64", 0, 12, "decimal", 2, 1200n],
    ["int64", 0, 12n, "float64", 0, 12],
    ["decimal", 1, 120n, "decimal", 2, 1200n],
  ];
  for (const [type, scale, value, wanted, wantedScale, expected] of cases)
    expect(
      await keyOf(
        column("k", type, { scale, precision: 38 }),
        value,
        column("k", wanted, { scale: wantedScale, precision: 20 }),
      ),
    ).toBe(expected);
});

const FITS_NOT = "a number that does not fit";

test("keys that are not exact are refused with row, reason and next step", async () => {
  const cases: readonly [ColumnSpec["type"], number, Value, ColumnSpec["type"], string][] = [
    ["float64", 0, 1.5, "int64", "a float with a fraction"],
    ["float64", 0, 2 ** 53, "int64", "a float beyond 2^53, where floats are not exact"],
    ["float64", 0, NaN, "int64", "NaN or infinite"],
    ["float64", 0, NaN, "float64", "NaN or infinite"],
    ["decimal", 0, 2n ** 64n - 1n, "int64", FITS_NOT],
    ["decimal", 2, 1050n, "int64", FITS_NOT],
    ["int64", 0, 2n ** 40n, "int32", FITS_NOT],
    ["int64", 0, 2n ** 53n, "float64", FITS_NOT],
  ];
  for (const [type, scale, value, wanted, shown] of cases)
    await expect(
      keyOf(column("k", type, { scale, precision: 38 }), value, column("k", wanted)),
    ).rejects.toMatchObject({
      code: "KEY_INVALID",
      message:
        `entity row 0: key k is ${shown}, and its entity says ${wanted}; ` +
        `write the column as ${wanted}`,
    });
  await expect(
    keyOf(column("k", "bytes"), new Uint8Array(16), column("k", "string")),
  ).rejects.toThrow("key k is bytes, its entity says string; cast the column to string");
});
