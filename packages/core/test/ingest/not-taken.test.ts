import { openStore, type NotTaken } from "@tidemark/core";
import {
  valueAt,
  type Change,
  type ChangeBatch,
  type ChangeSource,
  type SkippedMessages,
} from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import { definitions, NOON, openShop, rejectionOf, ShopLog } from "../support/shop.ts";

const avro: Partial<Change> = {
  undecodable: { reason: "FORMAT_AVRO", message: "the value looks like Avro; set a converter" },
  original: { key: new Uint8Array([0, 7]), value: new Uint8Array([0, 255]), headers: { a: "b" } },
};

/** Adds messages that cannot be read. */
function unreadable(log: ShopLog, count: number): ShopLog {
  for (let i = 0; i < count; i++) log.add("payments", "none", null, { change: avro });
  return log;
}

function withSkipped(source: ChangeSource, skipped: readonly SkippedMessages[]): ChangeSource {
  return {
    ...source,
    async *changes(options): AsyncIterable<ChangeBatch> {
      for await (const batch of source.changes(options)) yield { ...batch, skipped };
    },
  };
}

const summary = (entries: readonly NotTaken[]): unknown[] =>
  entries.map(({ kind, source, reason, column, count, first }) => [
    kind,
    source,
    reason,
    column,
    count,
    first.offset,
  ]);

describe("the result of a run", () => {
  test("counts messages as taken or told, with the first example of each reason", async () => {
    const { store } = await openShop();
    const log = unreadable(new ShopLog().paid({ id: 1 }), 2)
      .paid({ id: 2, user: null })
      .paid({ id: 3, user: null })
      .paid(
        { id: 4 },
        { change: { invalidColumns: [{ column: "amount", reason: "NOT_A_NUMBER" }] } },
      )
      .paid({ id: 5 }, { change: { nonFinite: 2 } });
    const seen: NotTaken[] = [];
    const result = await store.run(
      withSkipped(log.source(), [
        {
          topic: "t.public.others",
          reason: "TABLE_NOT_DECLARED",
          count: 4,
          first: { partition: 1, offset: 9, message: "no source reads public.others" },
          last: 12,
        },
      ]),
      { onNotTaken: (first) => seen.push(first) },
    );
    expect([result.changes, result.messages]).toEqual([7, 11]);
    const expected = [
      ["undecodable", "payments", "FORMAT_AVRO", null, 2, 1],
      ["quarantined", "payments", "NULL_KEY_OR_TIME", "user_id", 2, 3],
      ["invalid", "payments", "NOT_A_NUMBER", "amount", 1, 5],
      ["invalid", "payments", "NON_FINITE", null, 2, 6],
      ["skipped", null, "TABLE_NOT_DECLARED", null, 4, 9],
    ];
    expect(summary(result.notTaken)).toEqual(expected);
    expect(seen.map(({ reason }) => reason)).toEqual(expected.map(([, , reason]) => reason));
    // The status of the source has the same entries, apart from the messages of no source.
    const [status] = await store.status();
    expect(summary(status!.online!.notTaken)).toEqual(expected.slice(0, 4));
    expect(summary(await store.skipped())).toEqual(expected.slice(4));
  });

  test("counts skipped messages that several runs read once", async () => {
    const { store } = await openShop();
    const log = new ShopLog();
    const skipping = (count: number, last: number): ChangeSource =>
      withSkipped(log.paid({ id: 1 }).source(), [
        {
          topic: "t.public.others",
          reason: "TABLE_NOT_DECLARED",
          count,
          first: { partition: 0, offset: 0, message: "no source reads public.others" },
          last,
        },
      ]);
    for (const [count, last] of [
      [2, 1],
      [3, 4],
      [3, 4],
    ] as const)
      await store.run(skipping(count, last));
    expect(summary(await store.skipped())).toEqual([
      ["skipped", null, "TABLE_NOT_DECLARED", null, 3, 0],
    ]);
  });

  test("of valid messages holds nothing", async () => {
    const { store } = await openShop();
    const result = await store.run(new ShopLog().paid({ id: 1 }).deletePayment(1).source());
    expect(result).toEqual({ changes: 2, messages: 2, notTaken: [] });
  });

  test("counts a change of a source that no definition has", async () => {
    const { store } = await openShop();
    const { notTaken } = await store.run(
      new ShopLog().add("strangers", "upsert", [1n], {}).source(),
    );
    expect(summary(notTaken)).toEqual([["skipped", null, "NOT_DECLARED", null, 1, 0]]);
  });
});

test("a partition with rows of two sources is refused, and nothing of it is applied", async () => {
  const { store } = await openShop();
  const log = new ShopLog().paid({ id: 1 });
  const source = log.source();
  const twice: ChangeSource = {
    ...source,
    async *changes(options): AsyncIterable<ChangeBatch> {
      for await (const batch of source.changes(options))
        yield {
          ...batch,
          changes: batch.changes.flatMap((one) => [
            one,
            { ...one, source: "customers", offset: one.offset + 1 },
          ]),
        };
    },
  };
  expect(await rejectionOf(store.run(twice))).toMatchObject({ code: "PARTITION_OF_TWO_SOURCES" });
  const [status] = await store.status();
  expect(status!.online!.positions).toEqual([]);
});

describe("a source of which no message can be read", () => {
  test("ends the run with SOURCE_UNREADABLE, and the history has the bytes", async () => {
    const { store, offline } = await openShop();
    expect(await rejectionOf(store.run(unreadable(new ShopLog(), 3).source()))).toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringMatching(
        /^source "payments": none of its 3 messages .* offset 0: the value looks like Avro; set a /,
      ) as string,
    });
    const rows: unknown[] = [];
    const columns = ["_offset", "_original_key", "_original_value", "_original_headers"];
    for await (const batch of offline.scan("payments/changes", { columns }))
      for (let i = 0; i < batch.length; i++)
        rows.push(batch.vectors.map((vector) => valueAt(vector, i)));
    expect(rows).toHaveLength(3);
  });

  test("is not ready after further runs and a backfill, until a row can be read", async () => {
    const { store } = await openShop();
    const log = unreadable(new ShopLog(), 3);
    const readiness = async () => (await store.readiness())[0];
    await rejectionOf(store.run(log.source()));
    const notReady = {
      source: "payments",
      isReady: false,
      reason: "NOT_READY",
      message:
        "none of its messages could be read (FORMAT_AVRO): change what the first of them asks " +
        "for, then run tidemark retry and tidemark run",
    };
    expect(await readiness()).toMatchObject(notReady);
    await store.run(log.source());
    expect(await readiness()).toMatchObject(notReady);
    await store.backfill();
    expect(await readiness()).toMatchObject(notReady);
    await store.run(log.paid({ id: 1, time: NOON }).source());
    expect(await readiness()).toMatchObject({ isReady: true, reason: null });
  });

  test("is ready where the change source keeps unreadable messages", async () => {
    const { store } = await openShop();
    await store.run({ ...unreadable(new ShopLog(), 3).source(), unreadable: "keep" });
    expect((await store.readiness())[0]).toMatchObject({ isReady: true, reason: null });
  });

  test("says so where no history keeps the bytes", async () => {
    const store = await openStore({ definitions, online: memoryOnlineStore() });
    expect(await rejectionOf(store.run(unreadable(new ShopLog(), 1).source()))).toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringMatching(
        /its only message cannot be read: .* No history keeps the bytes, .* new online store$/,
      ) as string,
    });
  });

  test("stops the next run after a hundred messages, unless one can be read", async () => {
    const { store } = await openShop();
    const log = unreadable(new ShopLog(), 1);
    expect((await rejectionOf(store.run(log.source()))).code).toBe("SOURCE_UNREADABLE");
    unreadable(log, 99);
    expect(await store.run(log.source())).toMatchObject({ changes: 99 });
    unreadable(log, 100);
    expect((await rejectionOf(store.run(log.source()))).code).toBe("SOURCE_UNREADABLE");
    unreadable(log.paid({ id: 1, time: NOON }), 100);
    expect(await store.run(log.source())).toMatchObject({ changes: 101 });
  });

  test.each([
    ["after ten messages", 50, 4, 3],
    ["after a wait for a message that can be read", 5, 5, 1],
  ])(
    "stops an endless run %s",
    async (_, count, batch, expected) => {
      const store = await openStore({ definitions, online: memoryOnlineStore() });
      const log = unreadable(new ShopLog(), count);
      let batches = 0;
      const endless: ChangeSource = {
        name: "endless log",
        async *changes(options) {
          for await (const one of log.source({ batch }).changes(options)) {
            batches++;
            yield one;
          }
          await new Promise((resolve) => options.signal!.addEventListener("abort", resolve));
        },
      };
      expect((await rejectionOf(store.run(endless))).code).toBe("SOURCE_UNREADABLE");
      expect(batches).toBe(expected);
    },
    20_000,
  );
});

test("messages whose primary key cannot be read are listed with the quarantined rows", async () => {
  const { store } = await openShop();
  const log = unreadable(new ShopLog().paid({ id: 1 }).paid({ id: 2, user: null }), 2);
  await store.run(log.source(), { onNotTaken: () => undefined });
  expect(await store.quarantine("payments")).toMatchObject([
    { key: { id: 2n }, column: "user_id", offset: 1 },
    { key: {}, column: null, reason: "FORMAT_AVRO", topic: "t.public.payments", offset: 2 },
    { key: {}, column: null, reason: "FORMAT_AVRO", topic: "t.public.payments", offset: 3 },
  ]);
});
