import {
  int64,
  openStore,
  source,
  string,
  timestamp,
  type NotTaken,
  type RunOptions,
  type SourceMismatch,
  type Store,
} from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { specOfSource } from "../../src/define/spec-of.ts";
import { toldMismatches } from "../../src/online/told-mismatches.ts";
import {
  HOUR,
  NOON,
  openShop,
  payments as shopPayments,
  rejectionOf,
  ShopLog,
} from "../support/shop.ts";

/** A log of so many payments, of which the first ones have no key of an entity. */
function payments(count: number, unusable: number, log: ShopLog = new ShopLog()): ShopLog {
  const first = log.changes.length;
  for (let id = first; id < first + count; id++)
    log.paid({ id, user: id < first + unusable ? null : "ann", time: NOON });
  return log;
}

async function offsets(store: Store): Promise<unknown> {
  return Object.fromEntries(
    (await store.status()).map(({ source, online, history }) => [
      source,
      [online!.positions.map(({ offset }) => offset), history!.positions.map((one) => one.offset)],
    ]),
  );
}

const quiet: RunOptions = { onNotTaken: () => undefined, onMismatch: () => undefined };

/** The log, which then waits for messages that never come. */
function endless(source: ChangeSource): ChangeSource {
  const { bounded: _, ...rest } = source;
  return {
    ...rest,
    async *changes(options) {
      yield* source.changes(options);
      await new Promise((resolve) => options.signal!.addEventListener("abort", resolve));
    },
  };
}

describe("the first rows of a new source", () => {
  test("of which most cannot be used end the run, and no store has anything of them", async () => {
    const { store } = await openShop();
    const log = payments(2_000, 501).customer(1, "Oslo");
    const error = await rejectionOf(store.run(log.source({ batch: 300 }), quiet));
    expect(error.code).toBe("SOURCE_MISMATCH");
    expect(error.message).toBe(
      'source "payments": 501 of its first 1000 rows cannot be used, so nothing of this source ' +
        'was taken. 501 of them, column "user_id" (NULL_KEY_OR_TIME); the first is ' +
        "t.public.payments, partition 0, offset 0: the row is in no window, because column " +
        '"user_id" has no value (NULL_KEY_OR_TIME). Correct the definition and run again, or ' +
        'take the rows as they are with --mismatch ignore (mismatch: "ignore")',
    );
    expect(await offsets(store)).toEqual({ payments: [[], []], customers: [[], []] });
    expect((await store.status())[0]).toMatchObject({
      online: { quarantinedRows: 0, notTaken: [] },
      history: { changes: 0 },
    });
  });

  test("are taken if half of them can be used", async () => {
    const { store } = await openShop();
    await store.run(payments(2_000, 500).source({ batch: 300 }), quiet);
    expect(await offsets(store)).toMatchObject({ payments: [[1_999], [1_999]] });
  });

  test("are judged at the end of a shorter log, from a hundred rows on", async () => {
    const { store } = await openShop();
    expect((await rejectionOf(store.run(payments(100, 51).source(), quiet))).code).toBe(
      "SOURCE_MISMATCH",
    );
    await store.run(payments(99, 99).source(), quiet);
    expect(await offsets(store)).toMatchObject({ payments: [[98], [98]] });
  });

  test("of another source in the same log are taken", async () => {
    const { store } = await openShop();
    const log = payments(500, 500);
    for (let id = 0; id < 1_100; id++) log.customer(id, "Oslo");
    payments(700, 700, log);
    expect((await rejectionOf(store.run(log.source({ batch: 100 }), quiet))).code).toBe(
      "SOURCE_MISMATCH",
    );
    expect(await offsets(store)).toEqual({ payments: [[], []], customers: [[1_099], [1_099]] });
  });

  test("that cannot be used for a column that no feature reads are taken", async () => {
    const { store } = await openShop();
    const log = new ShopLog();
    const invalid = (column: string) => ({ invalidColumns: [{ column, reason: "NOT_A_NUMBER" }] });
    for (let id = 0; id < 200; id++) log.paid({ id }, { change: invalid("nobody_reads") });
    await store.run(log.source(), quiet);
    for (let id = 0; id < 200; id++) log.paid({ id }, { change: invalid("amount") });
    const { store: another } = await openShop();
    const read = Object.assign(new ShopLog(), { changes: log.changes.slice(200) });
    expect((await rejectionOf(another.run(read.source(), quiet))).code).toBe("SOURCE_MISMATCH");
  });

  test.each([
    ["ignore", 1_000, true],
    [1, 1_000, true],
    [0.9, 900, true],
    [0.9, 901, false],
    [0, 1, false],
  ] as const)(
    "with mismatch %s and %i unusable rows are taken: %s",
    async (mismatch, bad, taken) => {
      const { store } = await openShop();
      const run = store.run(payments(1_000, bad).source(), { ...quiet, mismatch });
      if (taken) await run;
      else expect((await rejectionOf(run)).code).toBe("SOURCE_MISMATCH");
      expect(await offsets(store)).toMatchObject({ payments: taken ? [[999], [999]] : [[], []] });
    },
  );

  test("with another setting of mismatch are refused", async () => {
    const { store } = await openShop();
    for (const mismatch of [-0.1, 1.5, NaN, "never"] as never[])
      expect(await rejectionOf(store.run(new ShopLog().source(), { mismatch }))).toMatchObject({
        code: "OPTION_INVALID",
      });
  });

  test("of an endless log are taken after a second, and later rows only warn", async () => {
    const { store } = await openShop();
    const stop = new AbortController();
    const run = store.run(endless(payments(150, 75).source()), { ...quiet, signal: stop.signal });
    await expect
      .poll(() => offsets(store), { timeout: 10_000 })
      .toMatchObject({ payments: [[149], []] });
    stop.abort();
    await run.catch(() => undefined);
  }, 20_000);

  test("of an endless log end the run after a second", async () => {
    const { store } = await openShop();
    const run = store.run(endless(payments(150, 76).source()), quiet);
    expect((await rejectionOf(run)).code).toBe("SOURCE_MISMATCH");
    expect(await offsets(store)).toMatchObject({ payments: [[], []] });
  }, 20_000);
});

describe("a source that was begun", () => {
  test("warns once of a fault that most rows have, and goes on", async () => {
    const { store } = await openShop();
    const log = payments(10, 0);
    await store.run(log.source(), quiet);
    payments(2_500, 2_500, log);
    const told: SourceMismatch[] = [];
    const { notTaken } = await store.run(log.source(), {
      ...quiet,
      onMismatch: (mismatch) => told.push(mismatch),
    });
    expect(told).toEqual([
      {
        source: "payments",
        column: "user_id",
        reason: "NULL_KEY_OR_TIME",
        rows: 100,
        of: 100,
        first: expect.objectContaining({ offset: 10 }) as NotTaken["first"],
      },
    ]);
    expect(notTaken).toMatchObject([{ kind: "quarantined", count: 2_500 }]);
    expect(await offsets(store)).toMatchObject({ payments: [[2_509], [2_509]] });
  });

  test("warns of a nullable column that none of a hundred rows has", async () => {
    const { store } = await openShop();
    const told: unknown[] = [];
    const log = new ShopLog();
    const absentColumns = [{ column: "vendor", reason: "COLUMN_ABSENT", message: "no column" }];
    for (let id = 0; id < 150; id++) log.paid({ id, vendor: null }, { change: { absentColumns } });
    const { notTaken } = await store.run(log.source(), {
      onMismatch: ({ column, rows, of }) => told.push([column, rows, of]),
    });
    expect([told, notTaken]).toEqual([[["vendor", 100, 100]], []]);
  });
});

describe("the status of a source that a run refused", () => {
  const redefined = source("payments", {
    table: "public.payments",
    columns: {
      id: int64("id"),
      user_id: string("client").nullable(),
      time: timestamp("Time", { zone: "UTC" }).nullable(),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });

  test("has the mismatch with its example, until the definition is another", async () => {
    const { store, online, offline } = await openShop();
    await rejectionOf(store.run(payments(200, 101).source(), quiet));
    expect((await store.status())[0]!.mismatches).toEqual([
      {
        column: "user_id",
        reason: "NULL_KEY_OR_TIME",
        rows: 100,
        of: 100,
        message:
          'the row is in no window, because column "user_id" has no value (NULL_KEY_OR_TIME)',
      },
    ]);
    const corrected = await openStore({ definitions: { redefined }, online, offline });
    expect((await corrected.status())[0]!.mismatches).toEqual([]);
  });

  test("has no mismatch after an erasure, because its example may quote a row", async () => {
    const { store, online } = await openShop();
    const told = () => toldMismatches(online, "default", specOfSource(shopPayments));
    await rejectionOf(store.run(payments(200, 101).source(), quiet));
    await store.run(payments(200, 0).source(), quiet);
    expect(await told()).toHaveLength(1);
    await store.erase({ entity: "user", key: { user_id: "ann" } });
    expect(await told()).toEqual([]);
  });

  test("has no mismatch after its rows were taken", async () => {
    const { store } = await openShop();
    await rejectionOf(store.run(payments(200, 101).source(), quiet));
    const log = payments(200, 101);
    for (let id = 200; id < 400; id++) log.paid({ id, user: "ann", time: NOON });
    await store.run(log.source(), { ...quiet, mismatch: "ignore" });
    expect((await store.status())[0]!.mismatches).toEqual([]);
  });

  test("has the mismatch of a smaller bound", async () => {
    const { store } = await openShop();
    await rejectionOf(store.run(payments(1_000, 200).source(), { ...quiet, mismatch: 0.1 }));
    expect((await store.status())[0]!.mismatches).toMatchObject([
      { column: "user_id", reason: "NULL_KEY_OR_TIME" },
    ]);
  });
});

test("event times long after their commits warn", async () => {
  const { store } = await openShop();
  const log = new ShopLog();
  for (let id = 0; id < 200; id++)
    log.paid({ id, time: NOON + 9 * HOUR }, { committed: NOON + id * 1_000 });
  const told: SourceMismatch[] = [];
  await store.run(log.source(), { ...quiet, onMismatch: (mismatch) => told.push(mismatch) });
  expect(told).toMatchObject([
    {
      column: null,
      reason: "EVENT_TIME_AHEAD",
      rows: 100,
      of: 100,
      first: {
        message:
          "its event time 2026-01-05T21:00:00.000000Z is after its commit at " +
          "2026-01-05T12:00:00.000000Z, and no window has the row before that; correct the zone " +
          "or the unit of the event time, unless the times are planned ones",
      },
    },
  ]);
  expect((await store.status())[0]!.mismatches).toEqual([]);
});
