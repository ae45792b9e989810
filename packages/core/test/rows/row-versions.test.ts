import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deriveVersions } from "../../src/rows/row-versions.ts";
import {
  delivered,
  deletion,
  NOTE,
  rowLog,
  versionContent,
  shuffled,
  source,
  truncates,
  upsert,
} from "../support/row-changes.ts";

const versionsOf = (
  ...[changes, emptied = []]: [
    Parameters<typeof deriveVersions>[1],
    Parameters<typeof deriveVersions>[2]?,
  ]
) => deriveVersions(source, changes, emptied).map(versionContent);
const row = (amount: number, note: string | null = "a") => [1, 5, amount, note];

describe("any delivery of a row's changes gives the same versions (law 5)", () => {
  test("in any order, any number of times, at other offsets, with truncates among them", () => {
    const logs = rowLog.chain((log) => fc.tuple(fc.constant(log), delivered(log)));
    const emptying = truncates.chain((list) =>
      fc.tuple(fc.constant(list), shuffled([...list, ...list])),
    );
    fc.assert(
      fc.property(logs, emptying, ([log, other], [emptied, again]) => {
        expect(versionsOf(other, again)).toEqual(versionsOf(log, emptied));
      }),
      { numRuns: 3000 },
    );
  });

  test("a log may be cut anywhere, and later changes extend the derived versions", () => {
    fc.assert(
      fc.property(rowLog, fc.nat(9), (log, cut) => {
        const before = deriveVersions(source, log.slice(0, cut), []);
        expect(deriveVersions(source, log.slice(cut), [], before)).toEqual(
          deriveVersions(source, log, []),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

test("versions follow each other without a gap, and the last stands", () => {
  fc.assert(
    fc.property(rowLog, truncates, (log, emptied) => {
      const versions = versionsOf(log, emptied);
      for (const [i, version] of versions.entries()) {
        expect(version.to).toBe(versions[i + 1]?.from ?? Infinity);
        expect(version.from).toBeLessThanOrEqual(version.to);
      }
    }),
    { numRuns: 1000 },
  );
});

test("an upsert replaces, a delete ends, and a later upsert begins again", () => {
  expect(
    versionsOf([upsert(1n, row(1)), upsert(2n, row(2)), deletion(3n), upsert(4n, row(4))]),
  ).toEqual([
    { from: 10, to: 20, values: row(1), unresolved: [], undecodable: null },
    { from: 20, to: 30, values: row(2), unresolved: [], undecodable: null },
    { from: 30, to: 40, values: null, unresolved: [], undecodable: null },
    { from: 40, to: Infinity, values: row(4), unresolved: [], undecodable: null },
  ]);
});

test("known from is raised to that of the version it replaces (law 6)", () => {
  const versions = versionsOf([
    upsert(1n, row(1), { committed: 50 }),
    upsert(2n, row(2), { committed: 40 }),
    upsert(3n, row(3), { committed: 60 }),
  ]);
  expect(versions.map(({ from, to }) => [from, to])).toEqual([
    [50, 50],
    [50, 60],
    [60, Infinity],
  ]);
});

test("an upsert equal to the open version makes none, but −0 is not 0 here", () => {
  expect(versionsOf([upsert(1n, row(1)), upsert(2n, row(1))])).toHaveLength(1);
  expect(versionsOf([upsert(1n, row(0)), upsert(2n, row(-0))])).toHaveLength(2);
});

test("a delete of a row that was never there raises nothing", () => {
  expect(
    versionsOf([deletion(1n, { committed: 99 }), upsert(2n, row(2))]).map(
      ({ from, to, values }) => [from, to, values?.[2]],
    ),
  ).toEqual([
    [-Infinity, 20, undefined],
    [20, Infinity, 2],
  ]);
});

test("insert then delete equals never, whichever is delivered first (law 4)", () => {
  for (const list of [
    [upsert(1n, row(1)), deletion(2n)],
    [deletion(2n), upsert(1n, row(1))],
  ])
    expect(versionsOf(list).at(-1)!.values).toBe(null);
});

describe("columns that the log left out (TOAST)", () => {
  const toast = (order: bigint, amount: number) =>
    upsert(order, row(amount, null), { unavailable: [NOTE] });

  test("have the value of the version before, through any number of changes", () => {
    expect(
      versionsOf([upsert(1n, row(1, "long")), toast(2n, 2), toast(3n, 3)]).map(
        ({ values }) => values,
      ),
    ).toEqual([row(1, "long"), row(2, "long"), row(3, "long")]);
  });

  test("are unresolved after a delete, a truncate or an undecodable change", () => {
    const truncate = [{ order: 2n, offset: 2, committed: 20 }];
    const broken = upsert(2n, [1, null, null, null], { undecodable: "NOT_A_ROW" });
    expect(versionsOf([toast(1n, 1)]).at(-1)!.unresolved).toEqual([NOTE]);
    expect(versionsOf([upsert(1n, row(1)), deletion(2n), toast(3n, 3)]).at(-1)!.unresolved).toEqual(
      [NOTE],
    );
    expect(versionsOf([upsert(1n, row(1)), toast(3n, 3)], truncate).at(-1)!.unresolved).toEqual([
      NOTE,
    ]);
    expect(versionsOf([upsert(1n, row(1)), broken, toast(3n, 3)]).at(-1)!.unresolved).toEqual([
      NOTE,
    ]);
  });

  test("stay unresolved until a change has their value", () => {
    expect(
      versionsOf([toast(1n, 1), toast(2n, 2), upsert(3n, row(3, "told")), toast(4n, 4)]).map(
        ({ unresolved }) => unresolved,
      ),
    ).toEqual([[NOTE], [NOTE], [], []]);
  });

  test("are filled by a change that comes late", () => {
    expect(versionsOf([toast(2n, 2), upsert(1n, row(1, "late"))]).at(-1)!.values).toEqual(
      row(2, "late"),
    );
  });
});

test("a truncate ends every earlier row, and no later one", () => {
  const truncate = [{ order: 2n, offset: 2, committed: 20 }];
  expect(versionsOf([upsert(1n, row(1))], truncate).at(-1)).toMatchObject({
    from: 20,
    values: null,
  });
  expect(versionsOf([upsert(3n, row(3))], truncate)).toHaveLength(1);
});
