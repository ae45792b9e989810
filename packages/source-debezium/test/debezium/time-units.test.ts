/** Tests times whose unit nothing says, and units that contradict each other. */
import type { Change, SourceSpec, Value } from "@tidemark/core/spi";
import type { TimeUnit } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { column } from "../support/sources.ts";
import {
  COMMITTED,
  idField,
  messageOf,
  readChanges,
  readValues,
  sourceOf,
  warnings,
} from "../support/wire.ts";

const time = column("c", "timestamp");
const events = sourceOf([time], { eventTime: { kind: "column", column: "c" } });
const others = sourceOf([time]);
const field = (name: string | undefined, type = "int64"): object => ({ type, name, field: "c" });
const bare = (...raws: readonly (number | string)[]): ReturnType<typeof messageOf>[] =>
  raws.map((raw) => messageOf(`{"id":1,"c":${raw}}`));
const withSchema = (raw: number | string, name?: string, type?: string) =>
  messageOf(`{"id":1,"c":${raw}}`, { fields: [idField, field(name, type)] });
const one = (source: SourceSpec, raw: number | string): { reason: string; message: string } => {
  const [{ undecodable, invalidColumns }] = readChanges(source, bare(raw)) as [Change];
  return (undecodable ?? invalidColumns[0]) as { reason: string; message: string };
};

describe("an event time without a unit", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["milliseconds", 1_749_114_000_000, "ms"],
    ["seconds", 1_749_114_000, "s"],
    ["days", 20_244, "days"],
  ];
  test.each(cases)("in %s is refused, and the unit that fits is named", (_, raw, unit) => {
    const { reason, message } = one(events, raw);
    expect(reason).toBe("EVENT_TIMES_IN_1970");
    expect(message).toContain("1970-01-");
    expect(message).toContain("2025-06-05");
    expect(message).toContain(`times: { "public.t.c": "${unit}" }`);
    expect(message).toContain(`--time-unit public.t.c=${unit}`);
    const [read] = readValues(events, bare(raw), { times: { "public.t.c": unit as TimeUnit } });
    expect(Math.abs((read as number) - COMMITTED)).toBeLessThan(86_400e6);
  });

  test("leaves the row undecodable under its key, so that its bytes are kept for a retry", () => {
    expect(readChanges(events, bare(1_749_114_000_000))).toMatchObject([
      { kind: "upsert", values: [1n, null], undecodable: { reason: "EVENT_TIMES_IN_1970" } },
    ]);
  });

  test("beyond its declared unit is kept for a retry if another unit fits, which is named", () => {
    const declared = { times: { "public.t.c": "ms" } } as const;
    for (const [raw, unit] of [
      [COMMITTED, "us"],
      ["1749114000000000000", "ns"],
    ] as const) {
      const [change] = readChanges(events, bare(raw), declared) as [Change];
      expect(change.undecodable).toMatchObject({ reason: "TIME_OUT_OF_RANGE" });
      expect(change.undecodable!.message).toContain(`set times: { "public.t.c": "${unit}" }`);
    }
    const [change] = readChanges(events, bare("253402300799000"), declared) as [Change];
    expect(change).toMatchObject({
      undecodable: null,
      invalidColumns: [{ reason: "TIME_OUT_OF_RANGE" }],
    });
  });

  test("in January 1970 by its declared unit is refused if another unit fits, also midway", () => {
    const declared = { times: { "public.t.c": "ms" } } as const;
    const [first, second] = readChanges(events, bare(1_749_114_000_000, 1_749_114_000), declared);
    expect(first).toMatchObject({ undecodable: null });
    expect(second).toMatchObject({ undecodable: { reason: "EVENT_TIMES_IN_1970" } });
    expect(second!.undecodable!.message).toContain('set times: { "public.t.c": "s" }');
  });

  test("in nanoseconds is out of range, and the unit that fits is named", () => {
    const { reason, message } = one(events, "1749114000000000000");
    expect(reason).toBe("TIME_OUT_OF_RANGE");
    expect(message).toContain('times: { "public.t.c": "ns" }');
  });

  test("is read as microseconds in any other year, and at the epoch itself", () => {
    const raws = [COMMITTED, 0, 31 * 86_400e6, -31 * 86_400e6, 4_102_444_800_000_000];
    expect(readValues(events, bare(...raws))).toEqual(raws);
  });

  test("in January 1970 is read if the unit is declared, or the schema says it", () => {
    const declared = { times: { "public.t.c": "us" } } as const;
    expect(readValues(events, bare(5), declared)).toEqual([5]);
    const micros = withSchema(5, "io.debezium.time.MicroTimestamp");
    expect(readValues(events, [micros])).toEqual([5]);
  });

  test("in January 1970 is read if the commits lie there too", () => {
    const old = messageOf('{"id":1,"c":5}', { block: { ts_us: 10 } });
    expect(readValues(events, [{ ...old, timestamp: 1 }])).toEqual([5]);
  });

  test("of a schema of plain int64 has no unit either", () => {
    expect(readValues(events, [withSchema(1_749_114_000_000)])).toEqual(["EVENT_TIMES_IN_1970"]);
  });

  test("is refused in the column that a dimension begins with", () => {
    const dimension = sourceOf([time], { eventTime: { kind: "committed", since: "c" } });
    expect(readValues(dimension, bare(1_749_114_000_000))).toEqual(["EVENT_TIMES_IN_1970"]);
  });
});

describe("another time without a unit", () => {
  test("is refused if another unit brings it to the years before the commit", () => {
    expect(readValues(others, bare(1_749_114_000_000, 1_749_114_000, 20_244))).toEqual(
      Array(3).fill("TIME_UNIT_UNCLEAR"),
    );
    expect(one(others, 1_749_114_000_000).message).toContain('"public.t.c": "ms"');
  });

  test("is read as microseconds otherwise, such as a birthday in January 1970", () => {
    const raws = [1_000_000, 86_400e6, 86_400e6 * 3, 0, -1, COMMITTED];
    expect(readValues(others, bare(...raws))).toEqual(raws);
  });
});

describe("units that are known", () => {
  test("a unit that earlier messages said is not forgotten", () => {
    const millis = withSchema(1_749_114_000_000, "io.debezium.time.Timestamp");
    const messages = [millis, ...bare(1_749_114_000_000, 315_532_800_000)];
    expect(readValues(others, messages)).toEqual([
      COMMITTED,
      "TIME_UNIT_FORGOTTEN",
      "TIME_UNIT_FORGOTTEN",
    ]);
    const times = { "public.t.c": "ms" } as const;
    expect(readValues(others, messages, { times })).toEqual([
      COMMITTED,
      COMMITTED,
      315_532_800_000_000,
    ]);
  });

  test("a schema that comes after numbers were read as microseconds is told", () => {
    const { codes, texts, onWarning } = warnings();
    const later = withSchema(1_749_114_000_000, "io.debezium.time.Timestamp");
    readValues(others, [...bare(315_532_800_000), later], { onWarning });
    expect(codes).toEqual(["TIME_UNIT_CONTRADICTS"]);
    expect(texts[0]).toContain("--time-unit public.t.c=ms");
  });

  test("a declared unit that contradicts the schema's is told, and the schema is followed", () => {
    const { codes, onWarning } = warnings();
    const times = { "public.t.c": "s" } as const;
    const message = withSchema(1_749_114_000_000, "io.debezium.time.Timestamp");
    expect(readValues(others, [message, message], { times, onWarning })).toEqual([
      COMMITTED,
      COMMITTED,
    ]);
    expect(codes).toEqual(["TIME_UNIT_CONTRADICTS"]);
  });

  test("a unit of a column that is no timestamp is told, with the column that is meant", () => {
    const { codes, texts, onWarning } = warnings();
    const times = { "public.t.C": "ms", "public.other.c": "ms" } as const;
    readValues(others, bare(COMMITTED), { times, onWarning });
    expect(codes).toEqual(["TIMES_UNUSED"]);
    expect(texts[0]).toContain('"public.t.C"');
    expect(texts[0]).toContain('did you mean "public.t.c"?');
  });

  test("a declared unit that brings times beyond the range is named", () => {
    const times = { "public.t.c": "s" } as const;
    const [change] = readChanges(others, bare(1_749_114_000_000), { times });
    expect(change!.invalidColumns).toEqual([
      {
        column: "c",
        reason: "TIME_OUT_OF_RANGE",
        message: expect.stringMatching(
          /1749114000000 seconds are beyond the year 2255, but .* set times: .* "ms"/,
        ) as string,
      },
    ]);
    expect(change!.logged!.row).toBe('{"id":1,"c":1749114000000}');
  });

  test.each([
    "io.debezium.time.Time",
    "io.debezium.time.MicroTime",
    "io.debezium.time.NanoTime",
    "io.debezium.time.Year",
    "io.debezium.time.MicroDuration",
    "io.debezium.time.Interval",
    "org.apache.kafka.connect.data.Time",
  ])("%s is no point in time, whatever unit is declared", (name) => {
    const times = { "public.t.c": "ms" } as const;
    const message = withSchema(1_749_114_000, name);
    expect(readValues(others, [message], { times })).toEqual(["NOT_A_TIME"]);
    expect(readChanges(others, [message])[0]!.invalidColumns[0]!.message).toContain(name);
    const days = sourceOf([column("c", "date")]);
    expect(readValues(days, [withSchema(2025, name, "int32")])).toEqual(["NOT_A_DATE"]);
  });

  test("an unknown schema needs a declared unit", () => {
    const message = withSchema(1_749_114_000, "com.example.EpochSeconds");
    expect(readValues(others, [message])).toEqual(["NOT_A_TIME"]);
    expect(readValues(others, [message], { times: { "public.t.c": "s" } })).toEqual([COMMITTED]);
  });

  test.each([
    ["io.debezium.time.IsoTimestamp", "2025-06-05T09:00:00Z"],
    ["io.debezium.time.ZonedTimestamp", "2025-06-05T11:00:00+02:00"],
  ])("%s is text with a zone", (name, text) => {
    expect(readValues(others, [withSchema(`"${text}"`, name, "string")])).toEqual([COMMITTED]);
  });

  test("a date of seconds or milliseconds is no day", () => {
    const days = sourceOf([column("c", "date")]);
    const values: (Value | undefined)[] = readValues(
      days,
      bare(1_749_114_000, 1_749_114_000_000, 20_244, 2_932_896),
    );
    expect(values).toEqual(["NOT_A_DATE", "NOT_A_DATE", 20_244, 2_932_896]);
  });
});

describe("a source whose event times all lie far off", () => {
  test("in January 1970 is told once", () => {
    const { codes, texts, onWarning } = warnings();
    const times = { "public.t.c": "ms" } as const;
    readValues(events, bare(5_000, 6_000), { times, onWarning });
    expect(codes).toEqual(["EVENT_TIMES_IN_1970"]);
    expect(texts[0]).toContain("1970-01-01");
  });

  test("after the year 2200 is told", () => {
    const { codes, onWarning } = warnings();
    readValues(events, bare(8_000_000_000_000_000), { onWarning });
    expect(codes).toEqual(["EVENT_TIMES_FAR_OFF"]);
  });

  test("is not told if the first event time is near its commit", () => {
    const { codes, onWarning } = warnings();
    readValues(events, bare(COMMITTED, 0), { onWarning });
    expect(codes).toEqual([]);
  });
});
