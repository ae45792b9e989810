/**
 * Messages that could not be read are taken later. The reference is a store whose decoder could
 * read every message from the start.
 */
import type { Change, ChangeSource, KeptMessage } from "@tidemark/core/spi";
import { seedsFromEnvironment } from "@tidemark/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  date,
  everything,
  HOUR,
  NOON,
  openShop,
  rejectionOf,
  SECOND,
  ShopLog,
  type ShopStores,
} from "../support/shop.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 100, least: 10 });

const at = ({ topic, partition, offset }: Pick<Change, "topic" | "partition" | "offset">): string =>
  `${topic}:${partition}:${offset}`;

/** The log as a decoder sees it that cannot read these changes. `keyed`: it reads their keys. */
function unread(
  log: ShopLog,
  hidden: readonly number[],
  { keyed = false, ordered = false } = {},
): ShopLog {
  const seen = new ShopLog();
  for (const [i, change] of log.changes.entries())
    seen.changes.push(
      !hidden.includes(i)
        ? change
        : {
            ...change,
            kind: keyed && change.kind === "upsert" ? "upsert" : "none",
            values:
              keyed && change.kind === "upsert"
                ? change.values!.map((value, c) => (c === 0 ? value : null))
                : null,
            order: ordered ? change.order : null,
            undecodable: { reason: "FORMAT_AVRO", message: "looks like Avro" },
            original: { key: null, value: new TextEncoder().encode(at(change)), headers: {} },
          },
    );
  return seen;
}

/** A change source with a decoder that reads the kept messages, but for those it cannot read. */
function decoding(log: ShopLog, unreadable: readonly number[] = []): ChangeSource {
  const changes = new Map(log.changes.map((change, i) => [at(change), { change, i }]));
  return {
    ...new ShopLog().source(),
    decodeKept: (messages: readonly KeptMessage[]) =>
      messages.map((message): Change => {
        const place = new TextDecoder().decode(message.value!);
        expect(place).toBe(at(message));
        const { change, i } = changes.get(place)!;
        if (!unreadable.includes(i)) return change;
        const undecodable = { reason: "STILL_AVRO", message: "still Avro" };
        return { ...change, kind: "none", values: null, undecodable };
      }),
  };
}

async function answers({ store }: Pick<ShopStores, "store">): Promise<unknown> {
  const entities = ["ann", "bob"].map((user_id) => ({ user_id }));
  const asOf = date(NOON + HOUR);
  const training = await store.getHistoricalFeatures({
    features: everything,
    entities: entities.map((entity) => ({ ...entity, event_timestamp: asOf })),
  });
  return [
    await store.getOnlineFeatures({ features: everything, entities, asOf }),
    await training.rows(),
  ];
}

function shopLog(): ShopLog {
  return new ShopLog()
    .paid({ id: 1, time: NOON - 3 * HOUR })
    .paid({ id: 2, time: NOON - 2 * HOUR, user: "bob", amount: 5 })
    .paid({ id: 1, time: NOON - 3 * HOUR, amount: 7 }, { committed: NOON - 2 * HOUR + SECOND })
    .deletePayment(2)
    .customer(1, "Oslo", { committed: NOON - HOUR });
}

describe("retry", () => {
  test("takes messages whose decoder can read them now", async () => {
    const log = shopLog();
    const shop = await openShop();
    await shop.store.run(unread(log, [1, 2]).source());
    const before = (await shop.store.status())[0]!.online!;
    expect([before.notTaken.map(({ count }) => count), before.takenLater]).toEqual([[2], 0]);

    expect(await shop.store.retry(decoding(log), { dryRun: true })).toEqual({
      messages: 2,
      taken: 2,
      notTaken: [],
    });
    expect(await shop.store.retry(decoding(log))).toEqual({ messages: 2, taken: 2, notTaken: [] });
    const reference = await openShop();
    await reference.store.run(log.source());
    expect(await answers(shop)).toEqual(await answers(reference));
    expect((await shop.store.status())[0]!.online!.takenLater).toBe(2);
    // Nothing waits any more, and the log goes on from its own positions.
    expect(await shop.store.retry(decoding(log))).toEqual({ messages: 0, taken: 0, notTaken: [] });
    log.paid({ id: 3, time: NOON });
    expect(await shop.store.run(log.source())).toMatchObject({ changes: 1 });
  });

  test("tells what still cannot be read, and takes it with the next setting", async () => {
    const log = shopLog();
    const shop = await openShop();
    await shop.store.run(unread(log, [0, 1, 3]).source());
    expect(await shop.store.retry(decoding(log, [0]))).toMatchObject({
      messages: 3,
      taken: 2,
      notTaken: [{ kind: "undecodable", reason: "STILL_AVRO", count: 1, first: { offset: 0 } }],
    });
    expect(await shop.store.retry(decoding(log))).toMatchObject({ messages: 1, taken: 1 });
    const reference = await openShop();
    await reference.store.run(log.source());
    expect(await answers(shop)).toEqual(await answers(reference));
  });

  test("leaves a message that the online store has not reached", async () => {
    const log = shopLog();
    const shop = await openShop();
    const behind = await shop.reopened({ online: undefined });
    await behind.run(unread(log, [1]).source());
    expect(await shop.store.retry(decoding(log))).toMatchObject({
      messages: 1,
      taken: 0,
      notTaken: [{ reason: "ONLINE_STORE_BEHIND", count: 1 }],
    });
    await shop.store.backfill();
    expect(await shop.store.retry(decoding(log))).toMatchObject({ messages: 1, taken: 1 });
    const reference = await openShop();
    await reference.store.run(log.source());
    expect(await answers(shop)).toEqual(await answers(reference));
  });

  test("with a change source that cannot decode is RETRY_UNSUPPORTED", async () => {
    const { store } = await openShop();
    expect((await rejectionOf(store.retry(new ShopLog().source()))).code).toBe("RETRY_UNSUPPORTED");
  });

  test("ends in the same bits as a log that could be read, killed between the stores", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            id: fc.integer({ min: 1, max: 3 }),
            who: fc.constantFrom("ann", "bob"),
            amount: fc.integer({ min: 1, max: 9 }),
            hours: fc.integer({ min: 0, max: 30 }),
            deleted: fc.boolean(),
            partition: fc.integer({ min: 0, max: 1 }),
            again: fc.boolean(),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.array(fc.nat({ max: 23 })),
        fc.record({ keyed: fc.boolean(), ordered: fc.boolean() }),
        fc.integer({ min: 0, max: 6 }),
        async (rows, hidden, decodes, faultAt) => {
          const log = new ShopLog();
          for (const [i, { id, who, amount, hours, deleted, partition }] of rows.entries()) {
            const place = { partition, committed: NOON + i * SECOND };
            if (deleted) log.deletePayment(id, place);
            else log.paid({ id, user: who, amount, time: NOON - hours * HOUR }, place);
          }
          // Connect delivers some changes again, at new offsets.
          for (const [i, { again }] of rows.entries()) {
            const { partition, order, committed, kind, values } = log.changes[i]!;
            if (again)
              log.add("payments", kind, values, { partition, lsn: order, committed: committed! });
          }
          const shop = await openShop();
          // A readable message keeps the source from being unreadable as a whole.
          const readable = new ShopLog().customer(1, "Oslo");
          await shop.store.run(readable.source());
          await shop.store.run(unread(log, hidden, decodes).source()).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "SOURCE_UNREADABLE" });
          });
          let writes = 0;
          const failing = await shop.reopened({
            online: {
              store: {
                ...shop.online,
                write: async (step) => {
                  if (writes++ === faultAt) throw new Error("killed");
                  return shop.online.write(step);
                },
              },
              retention: "forever",
            },
          });
          await failing.retry(decoding(log)).catch((error: unknown) => {
            expect(error).toMatchObject({ message: "killed" });
          });
          await shop.store.retry(decoding(log));
          const reference = await openShop();
          await reference.store.run(readable.source());
          await reference.store.run(log.source());
          expect(await answers(shop)).toEqual(await answers(reference));
        },
      ),
      { numRuns: runs, seed },
    );
  });
});
