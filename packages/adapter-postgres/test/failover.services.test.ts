import { setTimeout as sleep } from "node:timers/promises";
import type { Cell, OnlineStore } from "@tidemark/core/spi";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { type Postgres, startPostgres } from "@tidemark/testkit/services";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { postgresOnlineStore } from "../src/index.ts";
import { counterKeys, countOn, offsetOf, readCounters } from "./support/counters.ts";
import { countUp } from "./support/count-up.ts";
import { tcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

const CELLS = 5;

suiteNeeding(realPostgres(), "a standby takes over", () => {
  let [primary, standby]: Postgres[] = [];
  let proxy: TcpProxy;
  let store: OnlineStore;

  beforeEach(async () => {
    primary = await startPostgres();
    proxy = await tcpProxy(primary.port);
    store = postgresOnlineStore({
      connectionString: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
      connectTimeout: "2s",
    });
    await store.open({ namespace: "default" });
    standby = await startPostgres({ standbyOf: primary });
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await standby?.stop();
    await primary?.stop();
  });

  async function queried(server: Postgres, ...texts: readonly string[]): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: server.url });
    client.on("error", () => undefined);
    await client.connect();
    const rows: unknown[] = [];
    for (const text of texts) rows.push(...(await client.query<object>(text)).rows);
    await client.end();
    return rows;
  }

  async function failOver(): Promise<void> {
    await primary!.halt("SIGKILL");
    proxy.breakAll();
    proxy.target = standby!.port;
    await queried(standby!, "select pg_promote()");
  }

  async function expectWhole(): Promise<number> {
    const offset = await offsetOf(store, "p");
    expect(await readCounters(store, CELLS)).toEqual(new Array(CELLS).fill(offset + 1));
    return offset;
  }

  test("an asynchronous one lacks the last steps, whole, and no version comes again", async () => {
    for (let offset = -1; offset < 2; offset++) await countOn(store, CELLS, "p", offset);
    await untilStandbyHas(2);
    await queried(standby!, "alter system set primary_conninfo = ''", "select pg_reload_conf()");
    await sleep(100);
    const seen = new Map<number, string>();
    for (let offset = 2; offset < 8; offset++) {
      await countOn(store, CELLS, "p", offset);
      for (const { version, value } of await cells()) seen.set(version, textOf(value));
    }
    await failOver();
    await countUp(store, CELLS, 3);
    expect(await expectWhole()).toBe(3);
    // what the lost steps wrote is not taken for what was written in their place
    await countUp(store, CELLS, 20, () => undefined);
    for (const { version, value } of await cells())
      expect(seen.get(version) ?? textOf(value)).toBe(textOf(value));
    expect(await expectWhole()).toBe(20);
  });

  test("a synchronous one has every step that was acknowledged", async () => {
    await queried(
      primary!,
      "alter system set synchronous_standby_names = '*'",
      "select pg_reload_conf()",
    );
    let failing: Promise<void> | null = null;
    let last = -1;
    await countUp(store, CELLS, 60, (offset) => {
      // a step whose outcome was open may be there too
      expect(offset).toBeGreaterThan(last);
      last = offset;
      if (offset === 30) failing = sleep(5).then(failOver);
    });
    await failing;
    expect(proxy.target).toBe(standby!.port);
    expect(await expectWhole()).toBe(60);
  });

  test("a standby takes no step, and answers reads", async () => {
    await countOn(store, CELLS, "p", -1);
    await untilStandbyHas(0);
    const reader = postgresOnlineStore({ connectionString: standby!.url });
    await reader.open({ namespace: "default" });
    expect(await readCounters(reader, CELLS)).toEqual(new Array(CELLS).fill(1));
    await expect(countOn(reader, CELLS, "p", 0)).rejects.toMatchObject({
      code: "ONLINE_STORE_READ_ONLY",
      retryable: true,
      message: expect.stringContaining("standby") as string,
    });
    await reader.close();
  });

  async function untilStandbyHas(offset: number): Promise<void> {
    await expect
      .poll(() => queried(standby!, 'select "offset"::int from tidemark.positions'), {
        timeout: 10_000,
      })
      .toEqual([{ offset }]);
  }

  async function cells(): Promise<Cell[]> {
    return (await store.read(counterKeys(CELLS))) as Cell[];
  }

  const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);
});
