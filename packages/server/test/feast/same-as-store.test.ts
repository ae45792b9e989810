/**
 * Tests that Feast's protocol gives the store's values, statuses and times to the bit, on generated
 * definitions and logs.
 */
import {
  collectDefinitions,
  micros,
  openStore,
  type OnlineColumns,
  type Value,
} from "@tidemark/core";
import { parseTime, type TypeSpec } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  requestKeys,
  scenarioDefinitions,
  scenarioSource,
} from "@tidemark/testkit";
import { featureServer } from "@tidemark/server";
import { expect, test } from "vitest";
import { online } from "./ask.ts";

/** A number of the answer, kept as its digits. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
const parsed = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? new Digits(context!.source!) : value,
  ) as unknown;

/** Reads the value from the text of the answer, written independently of the server's writer. */
function read(given: unknown, spec: TypeSpec): unknown {
  const { type, scale = 0 } = spec;
  if (given === null) return null;
  if (isText(spec)) return readPart(parsed(given as string), spec);
  if (type === "list") return (given as unknown[]).map((one) => read(one, spec.element!));
  const { text } = given as Digits;
  switch (type) {
    case "int64":
      return BigInt(text);
    case "int32":
      return Number(text);
    case "float64":
      expect(text).toMatch(/[.e]/);
      return Number(text);
    case "timestamp":
      return Number(text);
    case "decimal":
      return (
        BigInt((given as string).replace(".", "").replace(/^(-?)0+(?=\d)/, "$1")) *
        (scale >= 0 ? 1n : 0n)
      );
    case "date":
      return Date.parse(`${given as string}T00:00:00Z`) / 86_400_000;
    case "bytes":
      return [...Buffer.from(given as string, "base64")];
    default:
      return given;
  }
}

/** Whether Feast gets the value as JSON text: all but lists of scalars that are there. */
function isText({ type, element }: TypeSpec): boolean {
  if (type !== "list") return type === "map" || type === "struct";
  return element!.nullable || ["list", "map", "struct"].includes(element!.type);
}

/** Reads a part of JSON text, which says a time with all its digits. */
function readPart(given: unknown, spec: TypeSpec): unknown {
  if (given === null) return null;
  switch (spec.type) {
    case "list":
      return (given as unknown[]).map((one) => readPart(one, spec.element!));
    case "map":
      return readMap(given, spec);
    case "struct": {
      expect(Object.keys(given as object)).toHaveLength(spec.fields!.length);
      const fields = given as { readonly [name: string]: unknown };
      return spec.fields!.map((field) => readPart(fields[field.name], field));
    }
    case "timestamp":
      return parseTime(given as string, null);
    case "float64":
      return Number((given as Digits).text);
    default:
      return read(given, spec);
  }
}

/** Reads a map: an object if its keys are text, else pairs. */
function readMap(given: unknown, { keys, values }: TypeSpec): unknown {
  const pairs = keys!.type === "string" ? Object.entries(given as object) : (given as unknown[][]);
  const read = pairs.map(([key, value]) => [readPart(key, keys!), readPart(value, values!)]);
  // An object does not keep the order of its members.
  return keys!.type === "string" ? sortedPairs(read) : read;
}

const sortedPairs = (pairs: readonly (readonly unknown[])[]): unknown[] =>
  pairs.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

/** The store's value as `readPart` reads it. */
function partValue(value: Value, spec: TypeSpec): unknown {
  if (value === null) return null;
  switch (spec.type) {
    case "list":
      return (value as readonly Value[]).map((one) => partValue(one, spec.element!));
    case "map": {
      const pairs = (value as readonly (readonly Value[])[]).map(([key, one]) => [
        partValue(key!, spec.keys!),
        partValue(one!, spec.values!),
      ]);
      return spec.keys!.type === "string" ? sortedPairs(pairs) : pairs;
    }
    case "struct":
      return spec.fields!.map((field, i) => partValue((value as readonly Value[])[i]!, field));
    case "bytes":
      return [...(value as Uint8Array)];
    case "json":
      return parsed(value as string);
    default:
      return value;
  }
}

/** Returns the part of the store's value that Feast can carry: of a timestamp its seconds. */
function feastValue(value: Value, spec: TypeSpec): unknown {
  const { type } = spec;
  if (value === null) return null;
  if (isText(spec)) return partValue(value, spec);
  if (type === "list")
    return (value as readonly Value[]).map((one) => feastValue(one, spec.element!));
  if (type === "timestamp") return Math.floor((value as number) / 1e6);
  return type === "bytes" ? [...(value as Uint8Array)] : value;
}

const seconds = (time: number): number => (Number.isNaN(time) ? 0 : time);

function microsOf(text: string): number {
  const [, date, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text)!;
  expect([0, 3, 6]).toContain(fraction.length);
  return Date.parse(`${date}Z`) * 1000 + Number(fraction.padEnd(6, "0"));
}

test.each(Array.from({ length: 14 }, (_, i) => 8_800 + i))("seed %i", async (seed) => {
  const scenario = generateScenario(seed, { requests: 12, everyAggregation: seed % 2 === 0 });
  const definitions = scenarioDefinitions(scenario);
  let now = 0;
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => new Date(now),
  });
  await store.run(scenarioSource(scenario), { mismatch: 1 });
  const server = await featureServer({ store, definitions });
  const all = collectDefinitions(definitions).services.get("all")!.features;
  for (const request of scenario.requests) {
    // Feast's requests are answered as of now, and a Date has whole milliseconds
    now = Math.floor(request.time / 1000);
    const keys = requestKeys(scenario, request);
    const entities = `{${Object.entries(keys)
      .map(([name, key]) => `${JSON.stringify(name)}:[${jsonOf(key)},${jsonOf(key)}]`)
      .join(",")}}`;
    const expected: OnlineColumns = await store.getOnlineColumns({
      features: definitions.all,
      entities: [keys, keys],
      asOf: micros(now * 1000),
    });
    const answer = await online(server.app, `{"feature_service":"all","entities":${entities}}`);
    expect(answer.status, answer.text).toBe(200);
    const { results, metadata } = parsed(answer.text) as {
      results: { values: unknown[]; statuses: string[]; event_timestamps: string[] }[];
      metadata: { feature_names: string[] };
    };
    const first = results.length - all.length;
    expect(metadata.feature_names.slice(first)).toEqual(all.map(({ as }) => as));
    expected.answers.forEach(({ values, statuses, times }, f) => {
      const column = expected.columns[f]!;
      const found = results[first + f]!;
      for (const i of [0, 1]) {
        expect([
          column.name,
          read(found.values[i], column),
          found.statuses[i],
          microsOf(found.event_timestamps[i]!),
        ]).toEqual([column.name, feastValue(values[i]!, column), statuses[i], seconds(times[i]!)]);
      }
    });
    // with full names, each feature has the same answer
    const references = all.map(({ view, feature }) => `${view.name}:${feature.name}`);
    const named = await online(
      server.app,
      `{"features":${JSON.stringify(references)},` +
        `"full_feature_names":true,"entities":${entities}}`,
    );
    if (named.status === 200)
      expect((parsed(named.text) as { results: unknown[] }).results).toEqual(results);
    else expect(named.error.class).toBe("FeatureNameCollisionError");
  }
  await server.close();
  await store.close();
});

function jsonOf(key: unknown): string {
  if (typeof key === "bigint") return String(key);
  return JSON.stringify(
    key instanceof Uint8Array
      ? Buffer.from(key).toString("base64")
      : key instanceof Date
        ? key.toISOString()
        : key,
  );
}
