/** Tests that keys have the numbers of their texts, however many are looked up at once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { keyText } from "../../src/columns/key-bytes.ts";
import { keyNumbers, knownKeys } from "../../src/columns/key-numbers.ts";
import type { ColumnSpec } from "../../src/specs.ts";

const columns: readonly ColumnSpec[] = [
  { name: "user", database: "user", type: "string", nullable: true },
];
const text = fc.oneof(
  fc.constantFrom("", "~", "~~", "a", "b", "z", "\u{ffff}", "\u{10000}"),
  fc.string({ maxLength: 3, unit: "binary" }),
);

test("ascending texts and others have the numbers of one lookup after the other", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(text, { maxLength: 20 }),
      fc.array(fc.option(text), { maxLength: 30 }),
      fc.boolean(),
      (known, asked, ascend) => {
        const texts = known.map((one) => keyText(columns, [one])).sort();
        const rows = ascend ? asked.toSorted((a, b) => ((a ?? "") < (b ?? "") ? -1 : 1)) : asked;
        const { vectors } = batchOf(
          columns,
          rows.map((row) => [row]),
        );
        const numberOf = keyNumbers(
          columns,
          vectors,
          knownKeys(texts, new Map(texts.map((one, i) => [one, i]))),
        );
        rows.forEach((row, i) => {
          expect(numberOf(i)).toBe(row === null ? -1 : texts.indexOf(keyText(columns, [row])));
        });
      },
    ),
  );
});
