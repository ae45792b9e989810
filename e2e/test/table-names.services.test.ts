/**
 * Reads a table of a real PostgreSQL whose rows come under several names: the partitions of a
 * partitioned table, and a table that is renamed. Each answer equals SQL over the changes.
 */
import type { Store } from "@tidemark/core";
import type { KafkaChangesOptions } from "@tidemark/source-debezium";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { sharedService } from "@tidemark/testkit/services/shared";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { insertOrders, type OrderLoad, startOrderLoad } from "../src/order-load.ts";
import { openOrders, compareOrders, untilLevel } from "../src/order-stores.ts";
import { orderVersion } from "../src/order-versions.ts";
import { connected } from "../src/pipeline-load.ts";
import { type PipelineFlow, type Runner, startFlow, startRunner } from "../src/pipeline-run.ts";
import { inFolder } from "../src/real-stores.ts";
import { HISTORY_SQL, recordChanges } from "../src/table-history.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });

const TABLES = `${HISTORY_SQL};
CREATE TABLE public.orders (id bigint, user_id text, at timestamptz, amount numeric(12, 2),
  code text, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE public.orders_eu PARTITION OF public.orders FOR VALUES IN ('eu');
CREATE TABLE public.orders_us PARTITION OF public.orders FOR VALUES IN ('us');
${recordChanges("public.orders")}
INSERT INTO public.orders VALUES
  (-1, 'first', now(), 1, '7', 'eu'), (-2, 'first', now(), 1, '7', 'us')`;

const unwanted = String.raw`public\.history`;

suiteNeeding(realPipeline(), "a table of a real PostgreSQL under several names", () => {
  let flow: PipelineFlow, database: pg.Client, brokers: readonly string[], name: string;
  let load: OrderLoad;
  beforeAll(async () => {
    const [postgres, connect, kafka] = await Promise.all([
      sharedService("postgres"),
      sharedService("connect"),
      sharedService("kafka"),
    ]);
    ({ brokers } = kafka);
    name = `named_${randomUUID().slice(0, 8)}`;
    // Without a list of tables the publication has every table, also those that are made later.
    flow = await startFlow({ postgres, connect, inside: { postgres } }, name, {
      sql: TABLES,
      tables: null,
      connectors: {
        [`${name}_leaf`]: { "table.exclude.list": unwanted },
        [`${name}_root`]: { "table.exclude.list": unwanted, "publish.via.partition.root": "true" },
      },
    });
    database = await connected(flow.url);
    await insertOrders(flow.url, seed);
    load = startOrderLoad(flow.url, seed, { moves: true });
  });
  afterAll(async () => {
    await load?.stop();
    await database?.end();
    await flow?.close();
  });

  const columns = { scale: 2, code: "text", region: true } as const;
  const version = orderVersion(columns);
  const anchored = (topics: string): RegExp => new RegExp(`^${name}_${topics}$`);
  const run = (store: Store, options: Pick<KafkaChangesOptions, "topics" | "tables">): Runner =>
    startRunner(store, { brokers, ...options });

  /** Waits until the topics of the rows so far exist, because a run reads those that exist. */
  const newTopic = async (insert: string): Promise<void> => {
    await database.query(insert);
    await flow.waitForReplication();
  };

  async function expectSql(store: Store, runner: Runner, asked = version): Promise<void> {
    await untilLevel({ flow, load }, store, runner);
    expect([...runner.errors]).toEqual([]);
    // A run that has just begun may not have met a new topic yet.
    let compared = await compareOrders(database, store, asked);
    for (let waited = 0; compared.differences.length > 0 && waited < 100; waited++) {
      await sleep(100);
      compared = await compareOrders(database, store, asked);
    }
    expect(compared).toEqual({ differences: [], refused: [] });
    load.resume();
  }

  test("partitions with topics of their own are one table, a new one too", async () => {
    const options = {
      topics: anchored(String.raw`leaf\.public\.orders_\w+`),
      tables: { [String.raw`/\.public\.orders_\w+$/`]: "public.orders" },
    };
    await inFolder(async (folder) => {
      const store = await openOrders(folder, version);
      const first = run(store, options);
      await expectSql(store, first);
      await database.query(
        "CREATE TABLE public.orders_asia PARTITION OF public.orders FOR VALUES IN ('asia')",
      );
      load.set({ regions: ["eu", "us", "asia"] });
      await newTopic("INSERT INTO public.orders VALUES (-3, 'first', now(), 1, '7', 'asia')");
      await first.stop();
      const second = run(store, options);
      await expectSql(store, second);
      await second.stop();
      await store.close();
    });
  });

  test("a renamed table, whose partitions have one topic, goes on by renamedFrom", async () => {
    const old = anchored(String.raw`root\.public\.orders`);
    await inFolder(async (folder) => {
      const store = await openOrders(folder, version);
      await store.apply();
      const first = run(store, { topics: old });
      await expectSql(store, first);
      await database.query("ALTER TABLE public.orders RENAME TO purchases");
      load.set({ table: "public.purchases" });
      await newTopic("INSERT INTO public.purchases VALUES (-4, 'first', now(), 1, '7', 'us')");
      const renamedVersion = orderVersion({
        ...columns,
        table: { table: "public.purchases", renamedFrom: "public.orders" },
      });
      const renamed = await openOrders(folder, renamedVersion);
      const { changes } = await renamed.plan();
      expect(changes.map(({ kind, action, destructive }) => [kind, action, destructive])).toEqual([
        ["source", "changed", null],
      ]);
      await renamed.apply();
      await first.stop();
      const second = run(renamed, {
        topics: anchored(String.raw`root\.public\.(orders|purchases)`),
      });
      await expectSql(renamed, second, renamedVersion);
      await second.stop();
      await store.close();
      await renamed.close();
    });
  });
});
