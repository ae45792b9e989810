/**
 * Changes the columns of a table of a real PostgreSQL under load, and the definitions with them. At
 * every moment each answer equals what SQL says over the changes in the log, or is refused.
 */
import { type Store } from "@tidemark/core";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { sharedService } from "@tidemark/testkit/services/shared";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { insertOrders, type OrderLoad, startOrderLoad } from "../src/order-load.ts";
import {
  compareOrders,
  openOrders,
  type OrderComparison,
  untilLevel,
  watchOrders,
} from "../src/order-stores.ts";
import { type OrderColumns, orderVersion } from "../src/order-versions.ts";
import { connected } from "../src/pipeline-load.ts";
import {
  type PipelineFlow,
  type Runner,
  startFlow,
  startRunner,
  untilTrue,
} from "../src/pipeline-run.ts";
import { inFolder } from "../src/real-stores.ts";
import { HISTORY_SQL, recordChanges } from "../src/table-history.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });

const CREATED: OrderColumns = { scale: 2, code: "text" };

/** Each change of the table, the definitions that follow it, and the features that it changes. */
const STEPS: readonly {
  readonly alter: string;
  readonly columns: OrderColumns;
  readonly changed: readonly string[];
}[] = [
  {
    alter: "ADD COLUMN fee numeric(12, 2)",
    columns: { ...CREATED, fee: "fee" },
    changed: ["fees"],
  },
  {
    alter: "ADD COLUMN channel text NOT NULL DEFAULT 'web'",
    columns: { ...CREATED, fee: "fee", channel: true },
    changed: ["channels"],
  },
  {
    alter: "RENAME COLUMN fee TO charge",
    columns: { ...CREATED, fee: "charge", channel: true },
    changed: ["fees"],
  },
  {
    alter: "ALTER COLUMN amount TYPE numeric(12, 3)",
    columns: { scale: 3, code: "text", fee: "charge", channel: true },
    changed: ["total"],
  },
  {
    alter: "ALTER COLUMN code TYPE bigint USING code::bigint",
    columns: { scale: 3, code: "bigint", fee: "charge", channel: true },
    changed: ["codes"],
  },
  { alter: "DROP COLUMN code", columns: { scale: 3, fee: "charge", channel: true }, changed: [] },
];

const WHOLE: OrderComparison = { differences: [], refused: [] };

/** Compares until nothing differs. */
async function untilWhole(what: string, compare: () => Promise<OrderComparison>): Promise<void> {
  let last: OrderComparison | null = null;
  const whole = untilTrue(what, async () => {
    last = await compare();
    return last.differences.length === 0;
  });
  await whole.catch((error: unknown) => {
    throw new Error(`the last comparison: ${JSON.stringify(last)}`, { cause: error });
  });
  expect(last).toEqual(WHOLE);
}

const TABLES = `${HISTORY_SQL};
CREATE TABLE public.debezium_signal (id text PRIMARY KEY, type text, data text);
CREATE TABLE public.orders (
  id bigint PRIMARY KEY, user_id text, at timestamptz, amount numeric(12, 2), code text);
${recordChanges("public.orders")}
INSERT INTO public.orders VALUES (-1, 'first', now(), 1, '7')`;

suiteNeeding(realPipeline(), "a table of a real PostgreSQL that is altered under load", () => {
  let flow: PipelineFlow, database: pg.Client, brokers: readonly string[], load: OrderLoad;
  beforeAll(async () => {
    const [postgres, connect, kafka] = await Promise.all([
      sharedService("postgres"),
      sharedService("connect"),
      sharedService("kafka"),
    ]);
    ({ brokers } = kafka);
    const name = `altered_${randomUUID().slice(0, 8)}`;
    flow = await startFlow({ postgres, connect, inside: { postgres } }, name, {
      sql: TABLES,
      tables: ["public.orders", "public.purchases"],
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

  const run = (store: Store): Runner =>
    startRunner(store, {
      brokers,
      topics: new RegExp(String.raw`^${flow.name}\.public\.(orders|purchases)$`),
    });
  test(
    "answers follow the columns, while a run and a server go on",
    { timeout: 400_000 },
    async () => {
      await inFolder(async (folder) => {
        let version = orderVersion(CREATED);
        let store = await openOrders(folder, version);
        await store.apply();
        let runner = run(store);
        await untilLevel({ flow, load }, store, runner);
        expect(await compareOrders(database, store, version)).toEqual(WHOLE);
        for (const { alter, columns, changed } of STEPS) {
          load.resume();
          const served = watchOrders(store, version);
          await sleep(200);
          await database.query(`ALTER TABLE public.orders ${alter}`);
          // Rows of the new form meet the old definitions.
          await sleep(300);
          const next = orderVersion(columns);
          const nextStore = await openOrders(folder, next);
          const { changes } = await nextStore.plan();
          expect(
            changes.flatMap(({ name, serving }) => (serving?.kind === "backfill" ? [name] : [])),
            alter,
          ).toEqual(changed.map((feature) => `activity.${feature}`));
          const before = watchOrders(nextStore, next);
          await nextStore.apply({ allowDestructive: true });
          await nextStore.backfill();
          await untilLevel({ flow, load }, store, runner);
          // What the new definitions do not touch is served throughout by both. A column that is
          // read otherwise now is served to one of them.
          const old = await compareOrders(database, store, version);
          expect(old.differences, alter).toEqual([]);
          const { refused } = await served.stop();
          for (const feature of [...refused, ...(await before.stop()).refused, ...old.refused])
            expect(changed, alter).toContain(feature);
          for (const { answers } of [served, before]) expect(answers).toBeGreaterThan(10);
          await runner.stop();
          expect([...runner.errors]).toEqual([]);
          runner = run(nextStore);
          await untilLevel({ flow, load }, nextStore, runner);
          expect(await compareOrders(database, nextStore, next), alter).toEqual(WHOLE);
          await store.close();
          [store, version] = [nextStore, next];
          if (columns.scale === 3) load.set({ step: "0.001" });
        }
        // The log has no change for the default of a new column or for a new name. A snapshot has.
        const table = { table: "public.orders" };
        const before = await compareOrders(database, store, version, table);
        expect(before.differences.join("\n")).toMatch(/still, channels: SQL says 1, the store 0/);
        load.resume();
        await database.query(
          "INSERT INTO public.debezium_signal VALUES ('s1', 'execute-snapshot', " +
            `'{"data-collections":["public.orders"],"type":"incremental"}')`,
        );
        await untilWhole("the end of the snapshot", async () => {
          await sleep(300);
          load.resume();
          await untilLevel({ flow, load }, store, runner);
          return compareOrders(database, store, version, table);
        });

        const names = { table: "public.purchases", renamedFrom: "public.orders" };
        const renamed = orderVersion({ scale: 3, fee: "charge", channel: true, table: names });
        const renamedStore = await openOrders(folder, renamed);
        load.resume();
        const served = watchOrders(store, version);
        await database.query("ALTER TABLE public.orders RENAME TO purchases");
        load.set({ table: "public.purchases" });
        await renamedStore.apply();
        await database.query(
          "INSERT INTO public.purchases (id, user_id, at) VALUES (-2, 'x', now())",
        );
        await flow.waitForReplication();
        await runner.stop();
        runner = run(renamedStore);
        await untilLevel({ flow, load }, renamedStore, runner);
        const topics = runner.source.lag().map(({ partition }) => partition.split(":")[0]);
        expect(topics).toContain(`${flow.name}.public.purchases`);
        const purchases = { table: "public.purchases" };
        // A run that has just begun may not have met the new topic yet.
        await untilWhole("the new topic", () =>
          compareOrders(database, renamedStore, renamed, purchases),
        );
        // The former definitions do not name the new table, whose rows are stored now.
        await sleep(200);
        const features = new Set(["num", "total", "fees", "channels"]);
        expect((await served.stop()).refused).toEqual(features);
        expect(served.answers).toBeGreaterThan(10);
        await renamedStore.close();
        await load.stop();
        await runner.stop();
        await store.close();
      });
    },
  );
});
