import { comparedColumn } from "../../src/generate/expressions.ts";
import { expect, test } from "vitest";
import { aggregate } from "../../src/oracle/aggregate.ts";
import type { Value } from "../../../packages/core/src/specs.ts";
import {
  ask,
  column,
  countAnswer,
  feature,
  paid,
  payments,
  paymentDeleted,
  view,
} from "./small-log.ts";

const at = (...times: number[]): ReturnType<typeof paid>[] =>
  times.map((time, i) => paid(i + 1, { id: BigInt(i + 1), time, amount: i + 1 }));

test("a window holds t − w ≤ event time < t", () => {
  expect(countAnswer(at(89), 100)).toBe(0n);
  expect(countAnswer(at(90), 100)).toBe(1n);
  expect(countAnswer(at(91), 100)).toBe(1n);
  expect(countAnswer(at(99), 100)).toBe(1n);
  expect(countAnswer(at(100), 100)).toBe(0n);
});

test("a value decays as the clock moves, and a future event waits for its time", () => {
  expect([0, 1, 10, 11].map((t) => countAnswer(at(0), t))).toEqual([0n, 1n, 1n, 0n]);
});

test("windows before 1970 are windows", () => {
  expect([-10, -9, 0, 1].map((t) => countAnswer(at(-10), t))).toEqual([0n, 1n, 1n, 0n]);
});

test("a row without key or event time is in no window until an update repairs it", () => {
  expect(countAnswer([paid(1, { time: null })], 10)).toBe(0n);
  expect(countAnswer([paid(1, { user: null, time: 5 })], 10)).toBe(0n);
  expect(countAnswer([paid(1, { user: null, time: null }), paid(2, { time: 5 })], 10)).toBe(1n);
});

test("an update that moves a row to another entity or time is a delete and an insert", () => {
  const moved = [paid(1, { time: 5 }), paid(2, { time: 5, user: "b" })];
  expect([countAnswer(moved, 10), countAnswer(moved, 10, "corrected", "b")]).toEqual([0n, 1n]);
  const later = [paid(1, { time: 5 }), paid(2, { time: 50 })];
  expect([countAnswer(later, 10), countAnswer(later, 51)]).toEqual([0n, 1n]);
});

test("as known sees a version while known from < t ≤ known to", () => {
  const log = [
    paid(100, { time: 95, amount: 1 }),
    paid(103, { time: 95, amount: 2 }),
    paymentDeleted(105),
  ];
  const amount = view(payments, [feature("max", "amount", 10)]);
  expect([100, 101, 103, 104, 105].map((t) => ask(log, amount, t, "known").value)).toEqual([
    null,
    1,
    1,
    2,
    2,
  ]);
  expect(countAnswer([paid(100, { time: 99 }), paymentDeleted(103)], 104, "known")).toBe(0n);
  expect(countAnswer([paid(100, { time: 99 })], 99 + 10, "known")).toBe(1n);
});

test("as corrected sees every change that is known now", () => {
  expect(countAnswer([paid(1000, { time: 5 })], 10)).toBe(1n);
  expect(countAnswer([paid(1, { time: 5 }), paymentDeleted(1000)], 10)).toBe(0n);
});

test("the status is NOT_FOUND where the view's longest window holds no event of the entity", () => {
  const both = view(payments, [feature("avg", "amount", 10), feature("count", null, 100)]);
  expect(ask([], both, 50)).toEqual({
    value: null,
    status: "NOT_FOUND",
    eventTime: null,
    overflow: false,
  });
  expect(ask(at(20), both, 50)).toEqual({
    value: null,
    status: "NULL_VALUE",
    eventTime: 20,
    overflow: false,
  });
  expect(ask(at(20, 45), both, 50)).toEqual({
    value: 2,
    status: "PRESENT",
    eventTime: 45,
    overflow: false,
  });
  expect(ask(at(20), both, 121)).toEqual({
    value: null,
    status: "NOT_FOUND",
    eventTime: null,
    overflow: false,
  });
  expect(ask(at(20), both, 120).status).toBe("NULL_VALUE");
});

test("a condition does not decide the status of found rows", () => {
  const large = view(payments, [
    feature("count", null, 10, {
      where: comparedColumn(
        "gt",
        payments.columns.find(({ name }) => name === "amount")!,
        5,
      ),
    }),
  ]);
  expect(ask(at(5), large, 10)).toEqual({
    value: 0n,
    status: "PRESENT",
    eventTime: 5,
    overflow: false,
  });
});

test("an entity never seen and one whose events all left answer alike", () => {
  for (const name of ["count", "sum", "avg", "min", "max", "countDistinct"] as const) {
    const one = view(payments, [feature(name, "amount", 10)]);
    expect(ask(at(5), one, 100)).toEqual(ask(at(5), one, 10, "corrected", "nobody"));
  }
});

test("a default replaces null and leaves the status", () => {
  const one = view(payments, [feature("avg", "amount", 10, { default: 0.5 })]);
  expect(ask([], one, 10)).toMatchObject({ value: 0.5, status: "NOT_FOUND" });
  expect(ask([paid(1, { time: 5, amount: null })], one, 10)).toMatchObject({
    value: 0.5,
    status: "NULL_VALUE",
  });
  expect(ask(at(5), one, 10)).toMatchObject({ value: 1, status: "PRESENT" });
});

const over = (
  name: Parameters<typeof aggregate>[0],
  kind: Parameters<typeof column>[1],
  values: readonly Value[],
  scale?: number,
): Value => aggregate(name, column("c", kind, { scale }), values, null).value;

test("count() counts rows, count(column) values", () => {
  expect(aggregate("count", null, [null, null], null).value).toBe(2n);
  expect(over("count", "string", ["a", null, ""])).toBe(2n);
});

test("what is missing is ignored", () => {
  expect(over("sum", "float64", [1, null, 2])).toBe(3);
  expect(over("avg", "float64", [1, null, 2])).toBe(1.5);
  expect(over("min", "float64", [null, 2])).toBe(2);
  expect(over("countDistinct", "string", [null, "a", "a"])).toBe(1n);
});

test("with nothing in the window count, countDistinct and sum are 0 and the others null", () => {
  expect([
    over("count", "int32", []),
    over("countDistinct", "int32", []),
    over("sum", "int32", []),
    over("sum", "float64", []),
    over("sum", "decimal", [], 4),
  ]).toEqual([0n, 0n, 0n, 0, 0n]);
  expect([over("avg", "int32", []), over("min", "int32", []), over("max", "string", [])]).toEqual([
    null,
    null,
    null,
  ]);
});

test("integers sum to int64 and decimals to decimal(38, s); beyond that they saturate", () => {
  expect(over("sum", "int32", [2147483647, 2147483647])).toBe(4294967294n);
  expect(aggregate("sum", column("c", "int64"), [2n ** 63n - 1n, 1n], null)).toEqual({
    value: 2n ** 63n - 1n,
    overflow: true,
  });
  expect(aggregate("sum", column("c", "int64"), [-(2n ** 63n), -1n], null)).toEqual({
    value: -(2n ** 63n),
    overflow: true,
  });
  expect(aggregate("sum", column("c", "int64"), [2n ** 63n - 1n, 1n, -1n], null)).toEqual({
    value: 2n ** 63n - 1n,
    overflow: false,
  });
  expect(
    aggregate("sum", column("c", "decimal", { scale: 2 }), [10n ** 38n - 1n, 1n], null),
  ).toEqual({ value: 10n ** 38n - 1n, overflow: true });
  expect(
    aggregate("sum", column("c", "decimal", { scale: 2 }), [-(10n ** 38n) + 1n, -1n], null),
  ).toEqual({ value: -(10n ** 38n) + 1n, overflow: true });
});

test("avg is the exact sum rounded to a double, divided once", () => {
  expect(over("avg", "int64", [9007199254740993n, 0n])).toBe(9007199254740992 / 2);
  expect(over("avg", "int64", [2n ** 63n - 1n, 2n ** 63n - 1n])).toBe(2 ** 63);
  expect(over("avg", "decimal", [10n, 20n], 2)).toBe(0.3 / 2);
  expect(over("avg", "float64", [0.1, 0.2, 0.3])).toBe(0.6 / 3);
  expect(aggregate("avg", column("c", "float64"), [1e308, 1e308], null)).toEqual({
    value: Number.MAX_VALUE / 2,
    overflow: true,
  });
});

test("no answer is −0", () => {
  const log = [paid(1, { time: 5, amount: -0 })];
  for (const name of ["sum", "avg", "min", "max"] as const)
    expect(Object.is(ask(log, view(payments, [feature(name, "amount", 10)]), 10).value, 0)).toBe(
      true,
    );
  expect(
    Object.is(ask(log, view(payments, [feature("latest", "amount", null)]), 10).value, 0),
  ).toBe(true);
  expect(
    Object.is(
      ask(
        [paid(1, { time: 5, amount: -5e-324 }), paid(1, { id: 2n, time: 5, amount: 0 })],
        view(payments, [feature("avg", "amount", 10)]),
        10,
      ).value,
      0,
    ),
  ).toBe(true);
});

test("min and max go by code point, byte and value", () => {
  expect(over("max", "string", ["😀", "\uFFFD"])).toBe("😀");
  expect(over("min", "string", ["b", "a", "B", ""])).toBe("");
  expect(over("max", "boolean", [false, true, false])).toBe(true);
  expect(
    over("max", "bytes", [
      new Uint8Array([0x7f]),
      new Uint8Array([0x80]),
      new Uint8Array([0x7f, 1]),
    ]),
  ).toEqual(new Uint8Array([0x80]));
  expect(over("min", "bytes", [new Uint8Array([1]), new Uint8Array([])])).toEqual(
    new Uint8Array([]),
  );
  expect(over("max", "int64", [9n, 10n])).toBe(10n);
  expect(over("min", "date", [-1, 0])).toBe(-1);
});

test("countDistinct compares values", () => {
  expect(over("countDistinct", "float64", [0, -0, 1])).toBe(2n);
  expect(
    over("countDistinct", "bytes", [
      new Uint8Array([1]),
      new Uint8Array([1]),
      new Uint8Array([1, 0]),
    ]),
  ).toBe(2n);
});
