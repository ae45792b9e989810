import { expect, test } from "vitest";
import { createOracle } from "../../src/oracle/oracle.ts";
import type { EntitySpec, SourceSpec, ViewSpec } from "../../../packages/core/src/specs.ts";
import {
  ask,
  change,
  column,
  customer,
  customers,
  feature,
  paid,
  payments,
  paymentDeleted,
  view,
} from "./small-log.ts";

const latest = (ttl: number | null = null): ViewSpec =>
  view(payments, [feature("latest", "amount", null)], ttl);

test("a fact holds from its stamp to its ttl, both ends in", () => {
  const log = [paid(1, { time: 100, amount: 7 })];
  expect(ask(log, latest(10), 99)).toEqual({
    value: null,
    status: "NOT_FOUND",
    eventTime: null,
    overflow: false,
  });
  expect(ask(log, latest(10), 100)).toEqual({
    value: 7,
    status: "PRESENT",
    eventTime: 100,
    overflow: false,
  });
  expect(ask(log, latest(10), 110)).toEqual({
    value: 7,
    status: "PRESENT",
    eventTime: 100,
    overflow: false,
  });
  expect(ask(log, latest(10), 111)).toEqual({
    value: null,
    status: "OUTSIDE_MAX_AGE",
    eventTime: 100,
    overflow: false,
  });
  expect(ask(log, latest(), 1e15).status).toBe("PRESENT");
});

test("the newest row answers, its null included", () => {
  const log = [paid(1, { time: 100, amount: 7 }), paid(2, { id: 2n, time: 101, amount: null })];
  expect(ask(log, latest(), 100).value).toBe(7);
  expect(ask(log, latest(), 101)).toEqual({
    value: null,
    status: "NULL_VALUE",
    eventTime: 101,
    overflow: false,
  });
});

test("a delete uncovers the row before", () => {
  expect(
    ask(
      [
        paid(1, { time: 100, amount: 7 }),
        paid(2, { id: 2n, time: 101, amount: 8 }),
        paymentDeleted(3, 2n),
      ],
      latest(),
      200,
    ).value,
  ).toBe(7);
});

test("ties go to the later created column, then the larger primary key, never arrival", () => {
  const tied = (...rows: [bigint, number | null, number][]): unknown =>
    ask(
      rows.map(([id, created, amount], i) => paid(i + 1, { id, created, amount, time: 100 })),
      latest(),
      100,
    ).value;
  expect(tied([1n, 50, 1], [2n, 40, 2])).toBe(1);
  expect(tied([10n, 50, 1], [9n, 50, 2])).toBe(1);
  expect(tied([2n, null, 1], [1n, null, 2])).toBe(1);
  expect(tied([1n, 0, 1], [2n, null, 2])).toBe(1);
});

test("composite primary keys compare as declared, texts by code point", () => {
  const source: SourceSpec = { ...payments, createdAt: null, primaryKey: ["note", "id"] };
  const row = (note: string, id: bigint, amount: number): ReturnType<typeof change> =>
    change(source, "upsert", 1, [id, "a", 100, amount, note, null]);
  const value = (...rows: ReturnType<typeof row>[]): unknown =>
    ask(rows, view(source, [feature("latest", "amount", null)]), 100).value;
  expect(value(row("b", 1n, 1), row("a", 2n, 2))).toBe(1);
  expect(value(row("a", 10n, 1), row("a", 9n, 2))).toBe(1);
  expect(value(row("😀", 1n, 1), row("\uFFFD", 2n, 2))).toBe(1);
});

test("a default replaces the null of a stale fact, and the status stays", () => {
  const one = view(payments, [feature("latest", "amount", null, { default: 3 })], 10);
  expect(ask([paid(1, { time: 100 })], one, 111)).toMatchObject({
    value: 3,
    status: "OUTSIDE_MAX_AGE",
  });
});

const city = (ttl: number | null = null): ViewSpec =>
  view(customers, [feature("latest", "city", null)], ttl);

test("a dimension's version is seen while known from < t ≤ known to, in every mode", () => {
  const log = [
    customer(100, "Hanoi"),
    customer(200, "Hue"),
    change(customers, "delete", 300, [1n, null, null, null]),
  ];
  for (const mode of ["corrected", "known"] as const) {
    expect([100, 101, 200, 201, 300, 301].map((t) => ask(log, city(), t, mode).value)).toEqual([
      null,
      "Hanoi",
      "Hanoi",
      "Hue",
      "Hue",
      null,
    ]);
    expect(ask(log, city(), 301, mode).status).toBe("NOT_FOUND");
    expect(ask(log, city(), 250, mode).eventTime).toBe(200);
  }
});

test("a repeated image does not make a dimension's fact younger", () => {
  const log = [
    customer(100, "Hanoi"),
    customer(150, "Hanoi"),
    customer(160, "Hanoi", { snapshot: true }),
  ];
  expect(ask(log, city(50), 150)).toMatchObject({ value: "Hanoi", eventTime: 100 });
  expect(ask(log, city(50), 151).status).toBe("OUTSIDE_MAX_AGE");
});

test("of a dimension's rows of one entity the version known last answers", () => {
  const log = [
    customer(100, "Hanoi"),
    customer(200, "Hue", {}, { id: 2n }),
    customer(300, "Hanoi 2"),
  ];
  expect([150, 250, 350].map((t) => ask(log, city(), t).value)).toEqual([
    "Hanoi",
    "Hue",
    "Hanoi 2",
  ]);
});

test("several keys must all match, by the columns that hold them", () => {
  const entity: EntitySpec = {
    name: "pair",
    keys: [column("who", "string"), column("number", "int64")],
  };
  const one: ViewSpec = { ...latest(), entity, keyColumns: ["user", "id"] };
  const oracle = createOracle({
    sources: [payments],
    changes: [
      paid(1, { id: 9007199254740993n, amount: 1 }),
      paid(2, { id: 9007199254740992n, amount: 2 }),
    ],
  });
  const value = (who: string, number: bigint): unknown =>
    oracle.answer(
      [{ view: one, feature: one.features[0]!, as: "f" }],
      { keys: { who, number }, time: 5 },
      "corrected",
    )[0]!.value;
  expect([
    value("a", 9007199254740993n),
    value("a", 9007199254740992n),
    value("b", 9007199254740992n),
  ]).toEqual([1, 2, null]);
});
