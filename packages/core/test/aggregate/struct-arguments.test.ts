/** Structs as arguments: a struct takes the whole row, and its null members are equal. */
import { first, last, lastN, maxBy, string, pushSource, timestamp, int64 } from "@tidemark/core";
import { expect, test } from "vitest";
import { aggregatorNamed } from "../../src/aggregate/registry.ts";
import { vectorOf } from "../../src/columns/batch.ts";
import type { Value } from "../../src/specs.ts";
import { column } from "../support/any-value.ts";

const rows: readonly Value[] = [
  ["a", 1n],
  [null, 2n],
  [null, null],
  ["a", 1n],
  [null, null],
];
const struct = column("item", "struct", {
  nullable: false,
  fields: [
    { name: "k", type: "string", nullable: true },
    { name: "x", type: "int64", nullable: true },
  ],
});

function answer(name: string, options = {}): Value {
  const accumulator = aggregatorNamed(name).accumulator!([struct], options);
  const state = accumulator.create();
  const vector = vectorOf(struct, rows, (value) => value);
  accumulator.add(state, [vector], Int32Array.from(rows.keys()), rows.length);
  const read = accumulator.decode(accumulator.encode(state));
  return accumulator.finish(read, { count: 0 }, 0);
}

test("a struct takes the whole row, nulls included", () => {
  expect(answer("last")).toEqual([null, null]);
  expect(answer("first")).toEqual(["a", 1n]);
});

test("null members are equal under distinct", () => {
  expect(answer("lastN", { n: 5, distinct: true })).toEqual([
    [null, null],
    ["a", 1n],
    [null, 2n],
  ]);
  expect(answer("firstN", { n: 2, distinct: true })).toEqual([
    ["a", 1n],
    [null, 2n],
  ]);
});

const visits = pushSource("visits", {
  columns: { id: string(), k: string().nullable(), x: int64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const others = pushSource("others", {
  columns: { id: string(), y: int64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});

test("wrong structs are refused by name", () => {
  const refused = (make: () => unknown): string => {
    try {
      make();
      return "nothing";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refused(() => last({ "a b": visits.k }))).toContain('"a b" is no name of a member');
  expect(refused(() => last({ k: visits.k, K: visits.x }))).toContain("are one name in SQL");
  expect(refused(() => last({ k: "text" as never }))).toContain("k must be a column of a source");
  expect(refused(() => last({ k: visits.k, y: others.y as never }))).toContain("one source");
  expect(refused(() => maxBy({ k: visits.k }, others.y as never))).toContain(
    'it is about source "others"',
  );
  expect(refused(() => first({} as never))).toContain("it takes a column of a source");
  expect(refused(() => lastN({ k: visits.k }, 2).over("7d"))).toBe("nothing");
});
