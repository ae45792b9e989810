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
  undecodable: null,
  invalidColumns: [],
  ...more,
});
const orders = (changes: readonly RowChange[]): number[] => changes.map((one) => Number(one.order));
const after = (changes: readonly RowChange[], keepsVersions = false): readonly RowChange[] =>
  changes.reduce<readonly RowChange[]>((stored, one) => withChange(stored, one, keepsVersions), []);

test("a row keeps its newest change alone when that tells every column", () => {
  expect(orders(after([change(1), change(2), change(3)]))).toEqual([3]);
});

test("however often a column is left out, only the change that tells it is kept beside the newest", () => {
  expect(
    orders(after([change(1), ...Array.from({ length: 500 }, (_, i) => change(i + 2, [1]))])),
  ).toEqual([1, 501]);
});

test("a change that comes late takes the place of the one that told the column before it", () => {
  expect(orders(after([change(1), change(9, [1]), change(5)]))).toEqual([5, 9]);
  expect(orders(after([change(5), change(9, [1]), change(1)]))).toEqual([5, 9]);
});

test("a delete in between tells that the value is gone", () => {
  expect(orders(after([change(1), change(9, [1]), change(5, [], { values: null })]))).toEqual([
    5, 9,
  ]);
});

test("each column has its own teller", () => {
  expect(orders(after([change(1), change(3, [0]), change(4, [0, 1]), change(9, [0, 1])]))).toEqual([
    1, 3, 9,
  ]);
});

test("a dimension keeps every change", () => {
  expect(orders(after([change(2), change(1), change(3, [1])], true))).toEqual([1, 2, 3]);
});

test(
  "the commit time that is remembered never falls, so a clock set back does not look like a " +
    "restored database",
  () => {
    expect(
      after([change(1, [], { loggedCommitTime: 100 }), change(2, [], { loggedCommitTime: 90 })]).at(
        -1,
      )!.loggedCommitTime,
    ).toBe(100);
  },
);
