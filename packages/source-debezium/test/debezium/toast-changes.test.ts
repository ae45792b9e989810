/**
 * Law 11 and TOAST: a row that lacks a column is in no window, but only of a definition that
 * declares the column. A definition that changes whether it does is refused until a backfill.
 */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  timestamp,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tidemark-toast-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const T = 1_749_114_000_000_000;
const client = entity("client", { keys: { client_id: string() } });
const columns = { id: int64("id"), client_id: string("client_id"), paid_at: timestamp("paid_at") };
const payments = { table: "public.payments", primaryKey: ["id"], eventTime: "paid_at" } as const;
const plain = source("payments", { ...payments, columns });
const noted = source("payments", {
  ...payments,
  columns: { ...columns, note: string().nullable() },
});
const viewOf = (of: typeof plain | typeof noted) =>
  featureView("weekly", { entity: client, source: of, features: { num: count().over("7d") } });
const withoutNote = viewOf(plain);
const withNote = viewOf(noted);
type View = typeof withNote;

/** A payment of ann; the note `null` is left out by the log. */
const payment = (op: "c" | "u", id: number, lsn: number, note: string | null): object => ({
  before: null,
  after: { id, client_id: "ann", paid_at: T, note: note ?? "__debezium_unavailable_value" },
  source: {
    connector: "postgresql",
    name: "bank",
    db: "bank",
    schema: "public",
    table: "payments",
    lsn,
    ts_us: T + lsn,
  },
  op,
});
/** Nothing has carried the note of row 2. */
const lacking = [payment("c", 1, 1, "rent"), payment("u", 2, 2, null)];
/** The note of row 2 was carried before it was left out. */
const whole = [payment("c", 1, 1, "rent"), payment("c", 2, 2, "food"), payment("u", 2, 3, null)];

function bank(messages: readonly object[]) {
  const path = join(folder, `${Math.random()}.jsonl`);
  let offset = 0;
  const deliver = (values: readonly object[]): void => {
    for (const value of values) {
      const message = { topic: "bank.public.payments", partition: 0, offset: offset++, key: null };
      appendFileSync(path, `${JSON.stringify({ ...message, value })}\n`);
    }
  };
  deliver(messages);
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (view: View | typeof withoutNote): Promise<Store> =>
    openStore({
      definitions: { view },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: { store: memoryOfflineStore(offline), buckets: 1 },
      clock: () => new Date(T / 1000 + 60_000),
    });
  const run = (store: Store) => store.run(recordedTopic(path), { mismatch: "ignore" });
  const num = async (store: Store, view: View | typeof withoutNote): Promise<unknown> => {
    const asked = { features: view as View, entities: [{ client_id: "ann" }] };
    try {
      return (await store.getOnlineFeatures(asked))[0]!.num;
    } catch (error) {
      return (error as Error).message;
    }
  };
  return { open, run, num, deliver };
}

const refused = (what: string): string =>
  `memory online store: feature weekly.num needs rows by a definition ${what} the column "note", ` +
  "which the log left out of 1 of them, which the store does not hold: fill it from the history " +
  "with `tidemark backfill` (store.backfill), and leave the feature out until then, or ask with " +
  'onMissing: "null"';

describe("a column that the log left out of a row, and no message has carried", () => {
  test.each([
    ["declared later", withoutNote, withNote, 2, 1, "with"],
    ["dropped", withNote, withoutNote, 1, 2, "without"],
  ] as const)("%s, needs a backfill of its source", async (_, before, after, was, is, what) => {
    const { open, run, num } = bank(lacking);
    const former = await open(before);
    await run(former);
    expect(await num(former, before)).toBe(was);
    const store = await open(after);
    expect(await num(store, after)).toBe(refused(what));
    await store.backfill();
    expect(await num(store, after)).toBe(is);
    expect(await num(former, before)).toMatch(/needs rows by a definition/);
  });

  test("a run under the other definition stores the rows as the stored one says", async () => {
    const { open, run, num, deliver } = bank(lacking);
    const former = await open(withNote);
    await run(former);
    deliver([payment("u", 3, 4, null), payment("c", 4, 5, "books")]);
    await run(await open(withoutNote));
    expect(await num(former, withNote)).toBe(2);
  });
});

test("a column of which every row has had a value is declared or dropped at no cost", async () => {
  for (const [before, after] of [
    [withoutNote, withNote],
    [withNote, withoutNote],
  ] as const) {
    const { open, run, num } = bank(whole);
    await run(await open(before));
    expect(await num(await open(after), after)).toBe(2);
  }
});
