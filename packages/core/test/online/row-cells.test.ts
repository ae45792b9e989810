import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeCodec, withChange } from "../../src/online/row-cells.ts";
import type { RowChange } from "../../src/rows/row-change.ts";
import { deriveVersions } from "../../src/rows/row-versions.ts";
import { layoutOf } from "../../src/online/source-layout.ts";
import {
  delivered,
  deletion,
  NOTE,
  rowLog,
  versionContent,
  source,
  truncates,
  upsert,
} from "../support/row-changes.ts";

const fold = (changes: readonly RowChange[], keepsVersions: boolean): readonly RowChange[] =>
  changes.reduce<readonly RowChange[]>(
    (stored, change) => withChange(stored, change, keepsVersions),
    [],
  );
const newest = (changes: readonly RowChange[]) => {
  const version = deriveVersions(source, changes, []).at(-1);
  return version === undefined
    ? null
    : { values: version.values, unresolved: version.unresolved, undecodable: version.undecodable };
};
const delivery = rowLog.chain((log) => fc.tuple(fc.constant(log), delivered(log)));

describe("law 5: a row's stored changes give the same image in every order of delivery", () => {
  test("the newest image, after every single delivery", () => {
    fc.assert(
      fc.property(delivery, ([log, other]) => {
        let stored: readonly RowChange[] = [];
        other.forEach((change, i) => {
          stored = withChange(stored, change, false);
          expect(newest(stored)).toEqual(newest(other.slice(0, i + 1)));
        });
        expect(newest(stored)).toEqual(newest(log));
      }),
      { numRuns: 2000 },
    );
  });

  test("all versions of a dimension", () => {
    fc.assert(
      fc.property(delivery, truncates, ([log, other], emptied) => {
        expect(deriveVersions(source, fold(other, true), emptied).map(versionContent)).toEqual(
          deriveVersions(source, log, emptied).map(versionContent),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("a change without a log order stands behind the earlier changes of its partition", () => {
    const told = fc.record({ own: fc.boolean(), what: fc.nat(8) });
    const messages = fc.tuple(
      rowLog.filter((log) => log.length > 0),
      fc.array(told, { minLength: 1, maxLength: 12 }),
    );
    fc.assert(
      fc.property(messages, fc.array(fc.nat(12), { maxLength: 3 }), ([log, list], replays) => {
        // One partition: a message repeats a change of the log, or comes from a snapshot and has
        // the highest order so far.
        let highest = 0n;
        const partition = list.map(({ own, what }, offset): RowChange => {
          const change = log[what % log.length]!;
          if (own && change.order > highest) highest = change.order;
          return {
            ...change,
            offset: offset + 1,
            orderInherited: !own,
            order: own ? change.order : highest,
          };
        });
        // read in order, then again from an earlier offset
        const read = [...partition, ...replays.flatMap((from) => partition.slice(from))];
        let stored: readonly RowChange[] = [];
        for (const [i, change] of read.entries()) {
          stored = withChange(stored, change, false);
          expect(newest(stored)).toEqual(newest(read.slice(0, i + 1)));
        }
        expect(deriveVersions(source, fold(read, true), []).map(versionContent)).toEqual(
          deriveVersions(source, partition, []).map(versionContent),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

test("only the changes that the newest image needs are stored", () => {
  expect(fold([upsert(1n, [1, 5, 1, "a"]), upsert(2n, [1, 5, 2, "a"])], false)).toHaveLength(1);
  expect(
    fold(
      [
        upsert(1n, [1, 5, 1, "a"]),
        upsert(2n, [1, 5, 2, null], { unavailable: [NOTE] }),
        upsert(3n, [1, 5, 3, null], { unavailable: [NOTE] }),
      ],
      false,
    ),
  ).toHaveLength(2);
  expect(
    fold([upsert(2n, [1, 5, 2, null], { unavailable: [NOTE] }), deletion(3n)], false),
  ).toHaveLength(1);
});

test("a change delivered again changes nothing, so nothing is written", () => {
  const stored = fold([upsert(1n, [1, 5, 1, "a"])], false);
  expect(withChange(stored, upsert(1n, [1, 5, 1, "a"], { offset: 77 }), false)).toBe(stored);
  expect(withChange(stored, upsert(1n, [1, 5, 1, "a"]), true)).toBe(stored);
});

test("changes come back from their cell equal, with the stored columns", () => {
  const view = {
    name: "v",
    kind: "window" as const,
    entity: { name: "e", keys: [] },
    source,
    keyColumns: [],
    features: [],
    ttl: null,
  };
  const codec = changeCodec(layoutOf(source, [view]));
  fc.assert(
    fc.property(rowLog, (log) => {
      const held = log.map((change) => ({
        ...change,
        values: change.values === null ? null : [change.values[0], change.values[1], null, null],
      }));
      expect(codec.decode(codec.encode(log, [1]))).toEqual(held);
    }),
    { numRuns: 500 },
  );
});
