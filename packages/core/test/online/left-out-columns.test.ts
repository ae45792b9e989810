/**
 * Rows that lack a column are found whether the definition declares the column or not, in every
 * order of delivery (law 5). So a definition that declares it sees which rows differ (law 11).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { lackedColumnsOf } from "../../src/online/left-out-columns.ts";
import { changeCodec, withChange } from "../../src/online/row-cells.ts";
import { layoutOf } from "../../src/online/source-layout.ts";
import type { RowChange } from "../../src/rows/row-change.ts";
import { deriveVersions } from "../../src/rows/row-versions.ts";
import { delivered, NOTE, rowLog, source } from "../support/row-changes.ts";

const FOREVER = -Infinity;
const withoutNote = { ...source, columns: source.columns.slice(0, NOTE) };
const TIME = 1;

/** The change under the definition that does not declare the note. */
const withUndeclaredNote = (change: RowChange): RowChange => ({
  ...change,
  values: change.values?.slice(0, NOTE) ?? null,
  unavailable: change.unavailable.filter((index) => index !== NOTE),
  undeclaredUnavailable: change.unavailable.includes(NOTE) ? [{ name: "note", image: null }] : [],
});

/** The columns that the newest image of the row lacks, from all changes of the row. */
function lackedIn(changes: readonly RowChange[]): readonly string[] {
  const row = deriveVersions(source, changes, []).at(-1);
  if (row === undefined || row.values === null || row.undecodable !== null) return [];
  if (row.values[TIME] === null) return [];
  return row.unresolved.map((index) => source.columns[index]!.database);
}

const delivery = rowLog.chain((log) => delivered(log));

test("an undeclared column is found missing as a declared one is, after each delivery", () => {
  const lacked = lackedColumnsOf(layoutOf(source, []));
  const lackedUndeclared = lackedColumnsOf(layoutOf(withoutNote, []));
  const { encode, decode } = changeCodec(layoutOf(withoutNote, []));
  let found = 0;
  fc.assert(
    fc.property(delivery, (changes) => {
      let declared: readonly RowChange[] = [];
      let undeclared: readonly RowChange[] = [];
      changes.forEach((change, i) => {
        declared = withChange(declared, change, false);
        undeclared = withChange(undeclared, withUndeclaredNote(change), false);
        const expected = lackedIn(changes.slice(0, i + 1));
        expect(lacked(declared, FOREVER)).toEqual(expected);
        expect([...lackedUndeclared(undeclared, FOREVER)].sort()).toEqual(expected);
        expect([...lackedUndeclared(decode(encode(undeclared, [1])), FOREVER)].sort()).toEqual(
          expected,
        );
        if (expected.includes("note")) found++;
      });
    }),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(100);
});
