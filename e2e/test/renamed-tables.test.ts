/**
 * Renames a table and its source, with processes of the former and of the next definitions still
 * running (law 11): each path answers what the tables that the asker names say, or it refuses.
 */
import {
  type Answer,
  count,
  entity,
  featureView,
  int64,
  isTidemarkError,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import { memoryOfflineData, memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder } from "../src/real-stores.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const USERS = ["ann", "bob", "cid"];
const AS_OF = new Date("2026-03-01T00:00:00Z");
const TIME = Date.UTC(2026, 1, 20) * 1000;

const user = entity("user", { keys: { user_id: string() } });
const version = (table: string, ...renamedFrom: readonly string[]) => {
  const orders = source("orders", {
    table: `public.${table}`,
    ...(renamedFrom.length === 0 ? {} : { renamedFrom: renamedFrom.map((one) => `public.${one}`) }),
    columns: { id: int64(), user_id: string(), at: timestamp(), amount: int64().nullable() },
    primaryKey: ["id"],
    eventTime: "at",
  });
  const features = { num: count().over("30d"), total: sum(orders.amount).over("30d") };
  const view = featureView("activity", { entity: user, source: orders, features });
  return { tables: [table, ...renamedFrom], view, definitions: { user, orders, view } };
};
const versions = {
  orders: version("orders"),
  purchases: version("purchases", "orders"),
  buys: version("buys", "purchases", "orders"),
  "purchases alone": version("purchases"),
};
type Name = keyof typeof versions;
const NAMES = Object.keys(versions) as Name[];

interface Message {
  readonly table: string;
  readonly id: number;
  readonly after: { readonly user_id: string; readonly amount: number } | null;
}

/** The features of each user, as the messages of the tables say. */
function expectedOf(messages: readonly Message[], { tables }: { tables: readonly string[] }) {
  const rows = new Map<number, NonNullable<Message["after"]>>();
  for (const { table, id, after } of messages) {
    if (!tables.includes(table)) continue;
    if (after === null) rows.delete(id);
    else rows.set(id, after);
  }
  return USERS.map((one) => {
    const own = [...rows.values()].filter(({ user_id }) => user_id === one);
    return `${own.length} ${own.reduce((all, { amount }) => all + amount, 0)}`;
  });
}

function lineOf({ table, id, after }: Message, i: number, offset: number): string {
  const row = after === null ? null : { id, at: TIME, ...after };
  return JSON.stringify({
    topic: `shop.public.${table}`,
    partition: 0,
    offset: String(offset),
    timestamp: String(TIME / 1000 + i),
    key: JSON.stringify({ id }),
    value: JSON.stringify({
      before: null,
      after: row,
      source: { schema: "public", table, lsn: 100 + i, ts_us: TIME + i * 1000 },
      op: row === null ? "d" : "u",
    }),
    headers: {},
  });
}

/** Stores in memory, a log that grows, and processes of any version over them. */
function shop(folder: string, random: Random) {
  const online = memoryOnlineStore();
  const data = memoryOfflineData();
  const messages: Message[] = [];
  const path = join(folder, "topic.jsonl");
  const open = (name: Name): Promise<Store> =>
    openStore({
      definitions: versions[name].definitions,
      online: { store: online, retention: "forever" },
      offline: { store: memoryOfflineStore(data), buckets: 2 },
      onDefinitionMismatch: "ignore",
    });

  return {
    open,
    /** Adds changes of a table to the log. */
    change(table: string, changes: number): void {
      for (let i = 0; i < changes; i++) {
        const after = random.chance(0.2)
          ? null
          : { user_id: random.pick(USERS), amount: random.between(1, 100) };
        messages.push({ table, id: random.int(12), after });
      }
    },
    async run(name: Name): Promise<void> {
      const offsets = new Map<string, number>();
      const lines = messages.map((message, i) => {
        const offset = (offsets.get(message.table) ?? -1) + 1;
        offsets.set(message.table, offset);
        return lineOf(message, i, offset);
      });
      writeFileSync(path, `${lines.join("\n")}\n`);
      const store = await open(name);
      await store.run(recordedTopic(path), { mismatch: "ignore", onNotTaken: () => undefined });
    },
    /** Compares both paths of a process with the log. Returns why the online store refuses. */
    async ask(name: Name): Promise<string | null> {
      const store = await open(name);
      const expected = expectedOf(messages, versions[name]);
      const { view: features } = versions[name];
      const history = await store.getHistoricalFeatures({
        features,
        entities: USERS.map((user_id) => ({ user_id, event_timestamp: AS_OF })),
      });
      const past = (await history.rows()).map(({ num, total }) => `${num} ${total}`);
      expect(past, `history of ${name}`).toEqual(expected);
      const request = { features, entities: USERS.map((user_id) => ({ user_id })), asOf: AS_OF };
      try {
        const rows = await store.getOnlineFeatures(request);
        const now = rows.map(({ num, total }) => `${num} ${total}`);
        expect(now, `online features of ${name}`).toEqual(expected);
        return null;
      } catch (error) {
        if (!isTidemarkError(error, "NEEDS_BACKFILL")) throw error;
        const [row] = (await store
          .getOnlineFeatures({ ...request, onMissing: "null", metadata: true })
          .then(({ rows }) => rows)) as readonly { readonly num: Answer<unknown> }[];
        expect(row!.num.status).toBe("NEEDS_BACKFILL");
        return / needs ([^;,]+)/.exec(error.message)![1]!;
      }
    },
    async backfill(name: Name): Promise<void> {
      await (await open(name)).backfill();
    },
  };
}

test("each process answers for the tables that it names, or refuses", async () => {
  await inFolder(async (folder) => {
    const log = shop(folder, new Random(seed));
    const refusals = async () =>
      Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await log.ask(name)])));
    const other = (table: string) =>
      expect.stringMatching(`^rows of table public.purchases instead of public.${table}`);
    const beyond = (table: string) => expect.stringMatching(`^rows without those of ${table}`);

    log.change("orders", 40);
    await log.run("orders");
    const before = { orders: null, purchases: null, buys: null };
    expect(await refusals()).toEqual({ ...before, "purchases alone": other("orders") });
    // the definitions are renamed first: rows of the former name are those of every version
    log.change("orders", 10);
    await log.run("purchases");
    expect(await refusals()).toMatchObject(before);
    // taken back
    log.change("orders", 10);
    await log.run("orders");
    expect(await refusals()).toMatchObject(before);

    log.change("purchases", 20);
    await log.run("purchases");
    const renamed = { orders: beyond("table public.purchases"), purchases: null, buys: null };
    expect(await refusals()).toMatchObject(renamed);

    // renamed twice, and a new table takes the first name
    log.change("buys", 15);
    await log.run("buys");
    log.change("orders", 15);
    await log.run("buys");
    expect(await refusals()).toMatchObject({
      orders: beyond("table public."),
      purchases: beyond("table public.buys"),
      buys: null,
    });

    // each refusal names a backfill, which helps
    for (const name of [...NAMES, ...NAMES.toReversed()]) {
      await log.backfill(name);
      expect(await log.ask(name), name).toBeNull();
    }
    expect(await refusals()).toMatchObject({
      orders: null,
      purchases: "rows of table public.purchases",
      buys: expect.stringMatching("^rows of table public."),
    });
    log.change("buys", 10);
    await log.run("buys");
    expect(await log.ask("orders")).toMatch(/^rows without those of table public.buys/);
    expect(await log.ask("buys")).not.toBeNull();
    await log.backfill("buys");
    expect(await log.ask("buys")).toBeNull();
  });
});
