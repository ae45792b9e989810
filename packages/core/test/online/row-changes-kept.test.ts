import { withChange } from "../../src/online/row-cells.ts";
import type { RowChange } from "../../src/rows/row-change.ts";
import { expect, test } from "vitest";

const change = (
  order: number,
  unavailable: readonly number[] = [],
  more: Partial<RowChange> = {},
): RowChange => ({
  order: BigInt(order),
  offset: order,
  orderInherited: false,
  committed: order,
  loggedCommitTime: order,
  values: [1n, "text"],
  unavailable,
  undeclaredUnavailable: [],
  undecodable: null,
  invalidColumns: [],
  ...more,
});
const orders = (changes: readonly RowChange[]): number[] => changes.map((one) => Number(one.order));
const after = (changes: readonly RowChange[], keepsVersions = false): readonly RowChange[] =>
  changes.reduce<readonly RowChange[]>((stored, one) => withChange(stored, one, keepsVersions), []);

test("a row stores only its newest change if that has every column", () => {
  expect(orders(after([change(1), change(2), change(3)]))).toEqual([3]);
});

test("beside the newest change, only the one that supplies a TOASTed column is stored", () => {
  expect(
    orders(after([change(1), ...Array.from({ length: 500 }, (_, i) => change(i + 2, [1]))])),
  ).toEqual([1, 501]);
});

test("a late change replaces the one that supplied the column before", () => {
  expect(orders(after([change(1), change(9, [1]), change(5)]))).toEqual([5, 9]);
  expect(orders(after([change(5), change(9, [1]), change(1)]))).toEqual([5, 9]);
});

test("a delete in between removes the value", () => {
  expect(orders(after([change(1), change(9, [1]), change(5, [], { values: null })]))).toEqual([
    5, 9,
  ]);
});

test("each column has its own supplying change", () => {
  expect(orders(after([change(1), change(3, [0]), change(4, [0, 1]), change(9, [0, 1])]))).toEqual([
    1, 3, 9,
  ]);
});

test("a dimension stores every change", () => {
  expect(orders(after([change(2), change(1), change(3, [1])], true))).toEqual([1, 2, 3]);
});

test(
  "the stored commit time never falls, so a set-back clock looks like no restored " + "database",
  () => {
    expect(
      after([change(1, [], { loggedCommitTime: 100 }), change(2, [], { loggedCommitTime: 90 })]).at(
        -1,
      )!.loggedCommitTime,
    ).toBe(100);
  },
);
