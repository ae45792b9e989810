import { join } from "node:path";
import { type Child, startNode } from "@tidemark/testkit/child-process";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import pg from "pg";
import { beforeEach, expect, test, vi } from "vitest";
import { postgresOnlineStore } from "../src/index.ts";
import { offsetOf, readCounters } from "./support/counters.ts";

const CELLS = 12;

const startWriter = (...args: readonly (string | number)[]): Child =>
  startNode(join(import.meta.dirname, "children/writer.ts"), args);

suiteNeeding(realPostgres(), "processes over one PostgreSQL", () => {
  let url: string;
  beforeEach(async () => {
    ({ url } = await ownDatabase());
  });

  async function countersAfter(cells: number): Promise<number[]> {
    const store = postgresOnlineStore({ connectionString: url });
    await store.open({ namespace: "test" });
    const counters = await readCounters(store, cells);
    await store.close();
    return counters;
  }

  async function queried(text: string): Promise<readonly unknown[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ readonly [column: string]: unknown }>(text);
    await client.end();
    return rows;
  }

  /** Waits until the server has ended the transactions of processes that were killed. */
  async function serverIsQuiet(): Promise<void> {
    const busy =
      "select pid from pg_stat_activity where datname = current_database() and " +
      "state <> 'idle' and pid <> pg_backend_pid()";
    await vi.waitFor(async () => expect(await queried(busy)).toEqual([]), 5000);
  }

  test("processes that write the same cells lose, double and deadlock nothing", async () => {
    const children = ["a", "b", "c"].map((partition) => startWriter(url, partition, 60, CELLS));
    for (const child of children) expect(await child.ended).toMatchObject({ how: "0", stderr: "" });
    expect(await countersAfter(CELLS)).toEqual(new Array(CELLS).fill(180));
    const deadlocks =
      "select deadlocks::int from pg_stat_database where datname = current_database()";
    expect(await queried(deadlocks)).toEqual([{ deadlocks: 0 }]);
  });

  test("processes that open a new store at once all find it made", async () => {
    const children = Array.from({ length: 4 }, (_, i) => startWriter(url, `p${i}`, 3, 1));
    for (const child of children) expect(await child.ended).toMatchObject({ how: "0", stderr: "" });
    expect(await countersAfter(1)).toEqual([12]);
  });

  test("kill -9 of a writer: cells and positions agree; no written step is lost", async () => {
    const { runs: kills } = seedsFromEnvironment({ runs: 12 });
    const store = postgresOnlineStore({ connectionString: url });
    await store.open({ namespace: "test" });
    let [midway, before] = [0, -1];
    for (let kill = 0; kill < kills; kill++) {
      const child = startWriter(url, "p", 100_000, CELLS);
      // killed at a random step after the first, at a random time within it
      const at = before + 2 + Math.floor(Math.random() * 20);
      child.onLine = (line) => {
        if (line !== `step ${at}`) return;
        setTimeout(() => {
          child.kill();
        }, Math.random() * 8);
      };
      expect(await child.ended).toMatchObject({ how: "SIGKILL", stderr: "" });
      await serverIsQuiet();
      const said = Number(child.lines.at(-1)!.split(" ")[1]);
      before = await offsetOf(store, "p");
      expect(await readCounters(store, CELLS)).toEqual(new Array(CELLS).fill(before + 1));
      expect([said, said + 1]).toContain(before);
      if (before > 0) midway++;
    }
    expect(midway).toBe(kills);
    await store.close();
  });

  test.each([
    ["before-commit", 0],
    ["after-commit", 1],
  ])("killed %s, a step is not half there", async (point, survives) => {
    const store = postgresOnlineStore({ connectionString: url });
    await store.open({ namespace: "test" });
    for (let round = 0; round < 2; round++) {
      const from = await offsetOf(store, "p");
      const child = startWriter(url, "p", 1000, CELLS, `${point}:${from + 3}`);
      expect(await child.ended).toMatchObject({ how: "SIGKILL", stderr: "" });
      await serverIsQuiet();
      expect(await offsetOf(store, "p")).toBe(from + 2 + survives);
      expect(await readCounters(store, CELLS)).toEqual(new Array(CELLS).fill(from + 3 + survives));
    }
    await store.close();
  });
});
