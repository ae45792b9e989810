/** The rows that the page pushes, and the questions that the page and the test ask. */
import { isTidemarkError, micros, type FeatureReads, type Pushes } from "@tidemark/core";
import { billing, last, readings, weekly } from "./definitions.ts";

/** Pushes a row with a value in every column, a row of nulls, and a row of edge values. */
export async function pushReadings(target: Pick<Pushes, "push">): Promise<void> {
  const time = new Date("2026-02-28T09:30:00.125Z");
  const nothing = {
    text: null,
    flag: null,
    large: null,
    small: null,
    real: null,
    exact: null,
    when: null,
    when_micros: null,
    day: null,
    raw: null,
    extra: null,
  };
  await target.push(readings, [
    {
      id: 1n,
      meter_id: 1n,
      text: "Zähler \u{1F50C}",
      flag: true,
      large: 9_223_372_036_854_775_807n,
      small: 42,
      real: 0.1 + 0.2,
      exact: "-1234567890123456.7890",
      when: new Date("2026-02-28T09:30:00.001Z"),
      when_micros: micros(1_772_271_000_000_001),
      day: "2024-02-29",
      raw: Uint8Array.from({ length: 256 }, (_, i) => i),
      extra: { list: [1, 2.5] },
      time,
    },
    { id: 2n, meter_id: 2n, ...nothing, time },
    {
      id: 3n,
      meter_id: 9_007_199_254_740_993n,
      ...nothing,
      text: "",
      large: -9_223_372_036_854_775_808n,
      real: 5e-324,
      exact: "0",
      raw: new Uint8Array(0),
      time,
    },
  ]);
}

/** Asks a client, or the store itself, and returns all answers as text that loses nothing. */
export async function answersOf(reader: Pick<FeatureReads, "getOnlineFeatures">): Promise<string> {
  const asOf = new Date("2026-03-01T12:00:00.000Z");
  const entities = [{ meter_id: 1n }, { meter_id: 2n }, { meter_id: 9_007_199_254_740_993n }];
  const answers = [
    await reader.getOnlineFeatures({ features: billing, entities, asOf }),
    await reader.getOnlineFeatures({ features: last, entity: { meter_id: 1n }, asOf }),
    await reader.getOnlineFeatures({ features: billing, entities, asOf, metadata: true }),
    await reader
      .getOnlineFeatures({ features: [weekly.readings_7d], entity: { meter_id: "1" as never } })
      .catch((error: unknown) => (isTidemarkError(error) ? error.code : String(error))),
  ];
  return JSON.stringify(answers.map(typed));
}

/** The value with the name of its class, so that 1, 1n and "1" differ, and bytes and lists. */
function typed(value: unknown): unknown {
  if (typeof value === "bigint") return { bigint: String(value) };
  if (typeof value === "number") return Object.is(value, -0) ? { number: "-0" } : value;
  if (typeof value !== "object" || value === null) return value ?? String(value);
  if (value instanceof Date) return { Date: value.toISOString() };
  if (value instanceof Uint8Array) return { [value.constructor.name]: [...value] };
  const members = Object.entries(value).map(([name, member]) => [name, typed(member)]);
  return { [value.constructor.name]: members };
}
