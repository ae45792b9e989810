import { expect, test } from "vitest";
import { rowVersions } from "../../src/oracle/rows.ts";
import {
  amounts,
  change,
  countAnswer,
  customer,
  customers,
  paid,
  payments,
  paymentDeleted,
} from "./small-log.ts";

const late = { partition: 1 };

test("an update replaces", () => {
  expect(amounts([paid(1, { amount: 1 }), paid(2, { amount: 2 })])).toEqual([
    [1, 1, 2],
    [2, 2, Infinity],
  ]);
});

test("a delete removes, and insert-then-delete in one transaction is never", () => {
  expect(amounts([paid(1, {}), paymentDeleted(2)])).toEqual([[1, 1, 2]]);
  expect(amounts([paid(1, {}, { committed: 9 }), paymentDeleted(2, 1n, { committed: 9 })])).toEqual(
    [],
  );
});

test("of several changes of one transaction the last is seen", () => {
  expect(
    amounts([
      paid(1, { amount: 1 }),
      paid(2, { amount: 41 }, { committed: 5 }),
      paid(3, { amount: 42 }, { committed: 5 }),
    ]),
  ).toEqual([
    [1, 1, 5],
    [42, 5, Infinity],
  ]);
});

test("delete and insert of one key in one transaction leaves the new row", () => {
  expect(
    amounts([
      paid(1, { amount: 1 }),
      paymentDeleted(2, 1n, { committed: 5 }),
      paid(3, { amount: 3 }, { committed: 5 }),
    ]),
  ).toEqual([
    [1, 1, 5],
    [3, 5, Infinity],
  ]);
});

test("the newest change wins by LSN, whatever arrives last", () => {
  const [first, second, gone] = [paid(1, { amount: 1 }), paid(2, { amount: 2 }), paymentDeleted(3)];
  const versions = amounts([first, second, gone]);
  expect(amounts([gone, first, second])).toEqual(versions);
  expect(amounts([second, gone, first])).toEqual(versions);
});

test("a delete leaves a tombstone: a late lower LSN does not bring the row back", () => {
  expect(countAnswer([paymentDeleted(3), paid(2, { time: 5 })], 10)).toBe(0n);
});

test("a segment delivered again at new offsets changes nothing", () => {
  const log = [
    paid(1, { amount: 1 }),
    paid(2, { amount: 2 }),
    paymentDeleted(3),
    paid(4, { amount: 4 }),
  ];
  const again = log.map((one, i) => ({ ...one, offset: 1_000_000 + i }));
  expect(amounts([...log, ...again])).toEqual(amounts(log));
  expect(amounts([...log, again[1]!])).toEqual(amounts(log));
});

test("of two changes with one LSN the later offset wins", () => {
  expect(amounts([paid(1, { amount: 1 }), paid(1, { amount: 2 })])).toEqual([[2, 1, Infinity]]);
});

test("without LSNs the offset orders", () => {
  const none = { order: null };
  expect(
    amounts([
      paid(1, { amount: 1 }, none),
      paymentDeleted(2, 1n, none),
      paid(3, { amount: 3 }, none),
    ]),
  ).toEqual([
    [1, 1, 2],
    [3, 3, Infinity],
  ]);
});

test("an incremental-snapshot row without an order follows its partition", () => {
  expect(
    amounts([
      paid(5, { amount: 1 }),
      paid(0, { amount: 2 }, { order: null, committed: 9 }),
      paid(7, { amount: 3 }, { committed: 12 }),
    ]),
  ).toEqual([
    [1, 5, 9],
    [2, 9, 12],
    [3, 12, Infinity],
  ]);
});

test("a truncate empties the table, also of rows that arrive after it with a lower LSN", () => {
  const truncate = change(payments, "truncate", 5, null);
  expect(countAnswer([paid(1, { time: 5 }), truncate], 10)).toBe(0n);
  expect(countAnswer([truncate, paid(1, { time: 5 }, late)], 10)).toBe(0n);
  expect(countAnswer([truncate, paid(6, { time: 5 }, late)], 10)).toBe(1n);
  expect(amounts([truncate, paid(1, {}, late)])).toEqual([[1, 1, 5]]);
});

test("a create with an old key deletes that row at once, before its own delete comes", () => {
  const moved = paid(5, { id: 2n, amount: 7 }, { oldKey: [1n] });
  expect(amounts([paid(1, { amount: 1 }), moved])).toEqual([
    [1, 1, 5],
    [7, 5, Infinity],
  ]);
  expect(amounts([paid(1, { amount: 1 }), moved, paymentDeleted(5)])).toEqual([
    [1, 1, 5],
    [7, 5, Infinity],
  ]);
  expect(amounts([paid(1, { amount: 1 }), paymentDeleted(5), moved])).toEqual([
    [1, 1, 5],
    [7, 5, Infinity],
  ]);
});

test("the old key's row may come back later", () => {
  const log = [
    paid(1, { amount: 1 }),
    paid(5, { id: 2n, amount: 7 }, { oldKey: [1n] }),
    paid(6, { amount: 8 }),
  ];
  expect(amounts(log)).toEqual([
    [1, 1, 5],
    [8, 6, Infinity],
    [7, 5, Infinity],
  ]);
});

test("a placeholder takes the stored value, in the order of the log and not of arrival", () => {
  const note = [4];
  const log = [
    paid(1, { note: "x" }),
    paid(2, { amount: 2 }, { unavailable: note }),
    paid(3, { amount: 3 }, { unavailable: note }),
  ];
  const notes = (changes: typeof log): unknown[] =>
    rowVersions(payments, changes).map((version) => version.values[4]);
  expect(notes(log)).toEqual(["x", "x", "x"]);
  expect(notes([log[2]!, log[1]!, log[0]!])).toEqual(["x", "x", "x"]);
});

test("a TOAST marker without a stored value removes the row from all windows", () => {
  const hidden = paid(1, { time: 5 }, { unavailable: [4] });
  expect(countAnswer([hidden], 10)).toBe(0n);
  expect(countAnswer([hidden, paid(2, { time: 5 }, { unavailable: [4] })], 10)).toBe(0n);
  expect(countAnswer([hidden, paid(2, { time: 5, note: "x" })], 10)).toBe(1n);
  expect(
    countAnswer(
      [paid(1, { note: "x" }), paymentDeleted(2), paid(3, { time: 5 }, { unavailable: [4] })],
      10,
    ),
  ).toBe(0n);
});

test("a placeholder takes the row of its own key, not of the old key", () => {
  expect(
    countAnswer(
      [paid(1, { note: "x" }), paid(2, { id: 2n, time: 5 }, { oldKey: [1n], unavailable: [4] })],
      10,
    ),
  ).toBe(0n);
});

test("an unreadable change takes its row out of all windows until the next readable one", () => {
  const broken = paid(
    2,
    { user: null, time: null, amount: null },
    { undecodable: { reason: "R", message: "m" } },
  );
  const log = [paid(1, { time: 5 }), broken, paid(3, { time: 5 })];
  expect(countAnswer(log.slice(0, 1), 10)).toBe(1n);
  expect(countAnswer(log.slice(0, 2), 10)).toBe(0n);
  expect(countAnswer(log, 10)).toBe(1n);
  expect(
    rowVersions(payments, log).map((version) => [version.from, version.to, version.unknown.length]),
  ).toEqual([
    [1, 2, 0],
    [2, 3, 5],
    [3, Infinity, 0],
  ]);
});

test("a message that says nothing of a row does nothing", () => {
  expect(
    amounts([paid(1, {}), change(payments, "none", 2, null, { order: null, committed: null })]),
  ).toEqual([[1, 1, Infinity]]);
});

test("an equal upsert makes no version, and does not move what comes after it", () => {
  expect(amounts([paid(1, { amount: 1 }), paid(2, { amount: 1 }), paid(3, { amount: 3 })])).toEqual(
    [
      [1, 1, 3],
      [3, 3, Infinity],
    ],
  );
  expect(
    amounts([
      paid(1, { amount: 1 }),
      paid(2, { amount: 1 }, { committed: 50 }),
      paid(3, { amount: 3 }),
    ]),
  ).toEqual([
    [1, 1, 3],
    [3, 3, Infinity],
  ]);
  expect(amounts([paid(1, { amount: 0 }), paid(2, { amount: -0 })])).toHaveLength(1);
});

test("known from is raised to that of the version it replaces", () => {
  expect(
    amounts([
      paid(1, { amount: 1 }, { committed: 100 }),
      paid(2, { amount: 2 }, { committed: 90 }),
      paid(3, { amount: 3 }, { committed: 95 }),
    ]),
  ).toEqual([[3, 100, Infinity]]);
  expect(
    amounts([
      paid(1, { amount: 1 }, { committed: 100 }),
      paymentDeleted(2, 1n, { committed: 90 }),
      paid(3, { amount: 3 }, { committed: 80 }),
    ]),
  ).toEqual([[3, 100, Infinity]]);
  expect(
    amounts([
      paid(1, { amount: 1 }, { committed: 10 }),
      paymentDeleted(2, 1n, { committed: 90 }),
      paid(3, { amount: 3 }, { committed: 80 }),
    ]),
  ).toEqual([
    [1, 10, 90],
    [3, 90, Infinity],
  ]);
});

test("a snapshot row holds from its since column if nothing ended later", () => {
  const versions = (...log: ReturnType<typeof customer>[]): unknown[] =>
    rowVersions(customers, log).map((version) => [version.values[2], version.from, version.to]);
  const snapshot = { snapshot: true };
  expect(versions(customer(100, "Hanoi", snapshot, { since: 10 }))).toEqual([
    ["Hanoi", 10, Infinity],
  ]);
  expect(versions(customer(100, "Hanoi", snapshot, { since: 200 }))).toEqual([
    ["Hanoi", 100, Infinity],
  ]);
  expect(versions(customer(100, "Hanoi", snapshot, { since: null }))).toEqual([
    ["Hanoi", 100, Infinity],
  ]);
  expect(versions(customer(100, "Hanoi", {}, { since: 10 }))).toEqual([["Hanoi", 100, Infinity]]);
  expect(versions(customer(50, "Hue"), customer(100, "Hanoi", snapshot, { since: 10 }))).toEqual([
    ["Hue", 50, 50],
    ["Hanoi", 50, Infinity],
  ]);
});
