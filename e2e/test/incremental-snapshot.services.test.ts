/**
 * Transactions of a real PostgreSQL that are open while an incremental snapshot reads their rows.
 * The log writes their changes below the snapshot's place, and commits them after it.
 */
import { seedsFromEnvironment } from "@tidemark/testkit";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { sharedService } from "@tidemark/testkit/services/shared";
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { insertOrders, type OrderLoad, startOrderLoad } from "../src/order-load.ts";
import { compareOrders, openOrders, untilLevel } from "../src/order-stores.ts";
import { orderVersion } from "../src/order-versions.ts";
import { connected } from "../src/pipeline-load.ts";
import { type PipelineFlow, startFlow, startRunner, untilTrue } from "../src/pipeline-run.ts";
import { inFolder } from "../src/real-stores.ts";
import { HISTORY_SQL, recordChanges } from "../src/table-history.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });

const TABLES = `${HISTORY_SQL};
CREATE TABLE public.debezium_signal (id text PRIMARY KEY, type text, data text);
CREATE TABLE public.orders (
  id bigint PRIMARY KEY, user_id text, at timestamptz, amount numeric(12, 2), code text);
${recordChanges("public.orders")}
INSERT INTO public.orders VALUES (-1, 'first', now(), 1, '7')`;

suiteNeeding(realPipeline(), "an incremental snapshot of a real PostgreSQL", () => {
  let flow: PipelineFlow, database: pg.Client, brokers: readonly string[], load: OrderLoad;
  beforeAll(async () => {
    const [postgres, connect, kafka] = await Promise.all([
      sharedService("postgres"),
      sharedService("connect"),
      sharedService("kafka"),
    ]);
    ({ brokers } = kafka);
    const name = `overlap_${randomUUID().slice(0, 8)}`;
    flow = await startFlow({ postgres, connect, inside: { postgres } }, name, {
      sql: TABLES,
      tables: ["public.orders"],
    });
    database = await connected(flow.url);
    await insertOrders(flow.url, seed);
    load = startOrderLoad(flow.url, seed);
  });
  afterAll(async () => {
    await load?.stop();
    await database?.end();
    await flow?.close();
  });

  test("changes of transactions that it does not see are newer than its rows", async () => {
    await inFolder(async (folder) => {
      const version = orderVersion({ scale: 2, code: "text" });
      const store = await openOrders(folder, version);
      const runner = startRunner(store, {
        brokers,
        topics: new RegExp(String.raw`^${flow.name}\.public\.orders$`),
      });
      await untilLevel({ flow, load }, store, runner);
      const open = await connected(flow.url);
      await open.query("BEGIN");
      await open.query("DELETE FROM public.orders WHERE id IN (3, 4)");
      await open.query("UPDATE public.orders SET amount = 1234.56 WHERE id IN (25, 26)");
      await open.query("UPDATE public.orders SET amount = 6543.21 WHERE id = 26");
      await database.query(
        "INSERT INTO public.debezium_signal VALUES ('s1', 'execute-snapshot', " +
          `'{"data-collections":["public.orders"],"type":"incremental"}')`,
      );
      await untilTrue("the snapshot's last window", async () => {
        const { rows } = await database.query(
          "SELECT FROM public.debezium_signal WHERE type = 'snapshot-window-close'",
        );
        return rows.length > 0;
      });
      await flow.waitForReplication();
      await open.query("COMMIT");
      setTimeout(() => {}, 15_000);
      await open.end();
      await untilLevel({ flow, load }, store, runner);
      for (const from of ["log", { table: "public.orders" }] as const)
        expect(await compareOrders(database, store, version, from)).toEqual({
          differences: [],
          refused: [],
        });
      await runner.stop();
      expect([...runner.errors]).toEqual([]);
      await store.close();
    });
  });
});
