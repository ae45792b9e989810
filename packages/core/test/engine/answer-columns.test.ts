/**
 * Answers that splits write by place come back by row, whatever their number, their type and their
 * splits.
 */
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { Random } from "@tidemark/testkit/generate/random";
import { describe, expect, test } from "vitest";
import { answerColumns } from "../../src/engine/answer-columns.ts";
import { answersByRow } from "../../src/engine/answers-by-row.ts";
import type { TypeSpec, Value } from "../../src/specs.ts";
import type { EngineColumn } from "../../src/spi.ts";
import { valueAt } from "../../src/types/vector.ts";

const text: TypeSpec = { type: "string", nullable: true };
const count: TypeSpec = { type: "int64", nullable: false, mode: "number" };
const forms: Readonly<Record<string, TypeSpec>> = {
  float64: { type: "float64", nullable: true },
  int64: count,
  string: text,
  list: { type: "list", nullable: true, element: text },
  map: { type: "map", nullable: true, keys: { ...text, nullable: false }, values: count },
  struct: { type: "struct", nullable: true, fields: [{ ...text, name: "a" }] },
};

function anyOf({ type, nullable }: TypeSpec, random: Random): Value {
  if (nullable && random.chance(0.1)) return null;
  const someText = (): Value => `text ${random.int(50)}`;
  if (type === "float64") return random.int(1000) / 4;
  if (type === "int64") return BigInt(random.int(1000));
  if (type === "string") return someText();
  if (type === "struct") return [random.chance(0.1) ? null : someText()];
  return Array.from({ length: random.int(4) }, (_, i) =>
    type === "list" ? someText() : [`key ${i}`, BigInt(random.int(9))],
  );
}

describe.each(Object.entries(forms))("%s", (_, value) => {
  test.each([0, 1, 1023, 1024, 1025, 3000])("%i answers", (length) => {
    const random = new Random(length);
    const rows = Int32Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const other = random.int(i + 1);
      [rows[i], rows[other]] = [rows[other]!, rows[i]!];
    }
    const columns = [{ name: "x", value: columnNode({ ...value, name: "x", database: "x" }) }];
    const byRow = answersByRow(columns, rows);
    const expected = new Array<Value>(length);
    const cuts = [0, random.int(length + 1), random.int(length + 1), length].toSorted(
      (a, b) => a - b,
    );
    const splits = cuts.slice(1).map((end, i) => ({ first: cuts[i]!, end }));
    // the splits are answered in any order
    for (const { first, end } of random.shuffled(splits)) {
      const [column] = answerColumns(columns, end - first, false);
      for (let place = first; place < end; place++) {
        const answer = anyOf(value, random);
        expected[rows[place]!] = answer;
        column!.put(place - first, answer, place % 3, place);
      }
      byRow.put(first, [column!.finish()]);
    }
    const [{ values, statuses, times }] = byRow.finish() as [EngineColumn];
    expect(Array.from(rows, (_, row) => valueAt(values, row))).toStrictEqual(expected);
    expect(Array.from(rows, (row) => [statuses[row], times[row]])).toStrictEqual(
      Array.from(rows, (_, place) => [place % 3, place]),
    );
  });
});
