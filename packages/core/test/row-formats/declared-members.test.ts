import { int64, source, string, timestamp } from "@tidemark/core";
import { specOfSource } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { declaredMembers } from "../../src/row-formats/declared-members.ts";

const spec = specOfSource(
  source("customers", {
    table: "public.customers",
    columns: { id: int64("id"), segment: string("The segment"), time: timestamp("time") },
    primaryKey: ["id"],
    eventTime: "time",
    undeclared: "drop",
  }),
);
const kept = (row: string): string | null =>
  declaredMembers(spec)({ row, key: null, oldKey: null, format: "{}" }).row;

test("undeclared columns go, and every digit of the others stays", () => {
  expect(
    kept(
      ' { "id" : 9223372036854775807 , "name":"A \\"quoted\\" } name", "The segment":"x,}",' +
        '"address":{"street":["}"]},"time":1.50,"__op":"u"}',
    ),
  ).toBe('{"id" : 9223372036854775807,"The segment":"x,}","time":1.50,"__op":"u"}');
  expect(kept('{"name":1}')).toBe("{}");
  expect(kept("{}")).toBe("{}");
});

test("the members of a key that only the row repeats stay", () => {
  const format = JSON.stringify({ format: "debezium", keyMembers: ["no", "id"] });
  const logged = { row: '{"no":"a","id":7,"name":"x"}', key: null, oldKey: null, format };
  const keep = declaredMembers(spec);
  expect(keep(logged).row).toBe('{"no":"a","id":7}');
  expect(keep({ ...logged, key: '{"no":"a","id":7}' }).row).toBe('{"id":7}');
});

test("a name with escapes is compared by its characters", () => {
  expect(kept('{"\\u0069d":1,"n\\u0061me":2}')).toBe('{"\\u0069d":1}');
});

test("what is no object is left out", () => {
  for (const text of ["", "[1]", '{"id":1', '{"id" 1}', '"id"', "null"])
    expect(kept(text)).toBe(null);
});

test("an option of another value is refused", () => {
  expect(() =>
    source("customers", {
      table: "t",
      columns: { id: int64("id"), time: timestamp("time") },
      primaryKey: ["id"],
      eventTime: "time",
      undeclared: "no" as "drop",
    }),
  ).toThrow('undeclared is "keep" or "drop"');
});
