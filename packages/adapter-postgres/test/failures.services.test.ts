import { createServer, type AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, rmSync, statSync, chmodSync, chownSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OnlineStore } from "@tidemark/core/spi";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { type Postgres, startPostgres } from "@tidemark/testkit/services";
import { onSmallDisk, remount, smallDisks } from "@tidemark/testkit/small-disk";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { postgresOnlineStore, type PostgresOnlineOptions } from "../src/index.ts";
import { countOn, offsetOf, readCounters } from "./support/counters.ts";
import { countUp } from "./support/count-up.ts";
import { tcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

const CELLS = 5;

suiteNeeding(realPostgres(), "a PostgreSQL that fails", () => {
  let server: Postgres;
  let schemas = 0;
  const stores: OnlineStore[] = [];

  beforeAll(async () => {
    server = await startPostgres({
      settings: { max_connections: "14", superuser_reserved_connections: "0" },
    });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  /** Opens a store in a schema of its own. */
  async function opened(options: PostgresOnlineOptions = {}) {
    const schema = `s${schemas++}`;
    const store = postgresOnlineStore({ connectionString: server.url, schema, ...options });
    stores.push(store);
    await store.open({ namespace: "default" });
    return { store, schema };
  }

  const addressBehind = ({ port }: TcpProxy): PostgresOnlineOptions => ({
    connectionString: server.url.replace(/:\d+\//, `:${port}/`),
  });
  const isCommit = (sent: Buffer): boolean => sent.includes("tidemark commit");

  async function withClient<T>(run: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: server.url });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await run(client);
    } finally {
      await client.end();
    }
  }

  /** Kills the server and starts it again. */
  async function crashed(onCrash: () => void = () => undefined): Promise<void> {
    await server.halt("SIGKILL");
    onCrash();
    // it does not start before its orphaned processes are gone
    await vi.waitFor(() => server.resume(), { timeout: 20_000, interval: 100 });
  }

  async function expectWhole(store: OnlineStore): Promise<number> {
    const offset = await offsetOf(store, "p");
    expect(await readCounters(store, CELLS)).toEqual(new Array(CELLS).fill(offset + 1));
    return offset;
  }

  test("it is killed again and again under a writer: nothing lost, nothing doubled", async () => {
    const { store } = await opened();
    let kills = 0;
    let killing: Promise<void> | null = null;
    const kill = async (): Promise<void> => {
      await sleep(Math.random() * 10);
      await crashed();
      kills++;
    };
    await countUp(store, CELLS, 60, (offset) => {
      if (offset % 15 === 5) killing = kill();
    });
    await killing;
    expect(kills).toBe(4);
    expect(await expectWhole(store)).toBe(60);
  });

  test("a connection that breaks while it commits: the store asks how it ended", async () => {
    const proxy = await tcpProxy(server.port);
    const { store } = await opened(addressBehind(proxy));
    let commits = 0;
    proxy.onSend = (sent) => {
      if (!isCommit(sent)) return;
      commits++;
      // PostgreSQL gets the COMMIT, and its answer does not arrive
      proxy.isDeaf = true;
      setTimeout(() => {
        proxy.isDeaf = false;
        proxy.breakAll();
      }, 30);
    };
    for (let offset = -1; offset < 4; offset++)
      expect(await countOn(store, CELLS, "p", offset)).toBe("done");
    expect(commits).toBe(5);
    expect(await expectWhole(store)).toBe(4);
    proxy.onSend = null;
    await store.close();
    await proxy.close();
  });

  test("a server that is killed while it commits: the outcome is said to be open", async () => {
    const proxy = await tcpProxy(server.port);
    const { store } = await opened(addressBehind(proxy));
    let killed: Promise<void> | null = null;
    proxy.onSend = (sent) => {
      if (!isCommit(sent) || killed !== null) return;
      proxy.isDeaf = true;
      killed = killAfter(30);
    };
    const killAfter = async (ms: number): Promise<void> => {
      await sleep(ms);
      await crashed(() => {
        proxy.breakAll();
        proxy.isDeaf = false;
      });
    };
    const failed: unknown = await countOn(store, CELLS, "p", -1).catch((error: unknown) => error);
    await killed;
    expect(failed).toMatchObject({
      code: "ONLINE_STORE_UNREACHABLE",
      retryable: true,
      message: expect.stringContaining("may be written or not") as string,
    });
    // it is written, and the position keeps it from being written twice
    expect(await countOn(store, CELLS, "p", -1)).toBe("conflict");
    expect(await expectWhole(store)).toBe(0);
    await store.close();
    await proxy.close();
  });

  test("locks and slow statements end in time, and the next step goes on", async () => {
    const { store, schema } = await opened({ lockTimeout: "50ms" });
    const slow = await opened({ statementTimeout: "50ms", schema });
    await countOn(store, CELLS, "p", -1);
    await withClient(async (client) => {
      await client.query(`begin; lock table ${schema}.cells in access exclusive mode`);
      await expect(countOn(store, CELLS, "p", 0)).rejects.toMatchObject({
        code: "ONLINE_STORE_BUSY",
        retryable: true,
        message: expect.stringContaining("lockTimeout") as string,
      });
      await expect(slow.store.read([Buffer.from("k")])).rejects.toMatchObject({
        code: "ONLINE_STORE_BUSY",
        message: expect.stringContaining("statementTimeout") as string,
      });
      await client.query("rollback");
    });
    expect(await countOn(store, CELLS, "p", 0)).toBe("done");
    expect(await slow.store.read([Buffer.from("k")])).toEqual([null]);
    await expectWhole(store);
  });

  test("a server without connections is busy, and serves again when it has some", async () => {
    const clients = Array.from({ length: 14 }, () => new pg.Client(server.url));
    for (const client of clients) client.on("error", () => undefined);
    await Promise.allSettled(clients.map((client) => client.connect()));
    await expect(opened()).rejects.toMatchObject({ code: "ONLINE_STORE_BUSY", retryable: true });
    await Promise.allSettled(clients.map((client) => client.end()));
    const { store } = await opened();
    expect(await countOn(store, CELLS, "p", -1)).toBe("done");
  });

  test("a database that takes no writes is named, and a run may try again", async () => {
    const { store, schema } = await opened();
    await countOn(store, CELLS, "p", -1);
    await withClient(async (client) => {
      await client.query("alter database postgres set default_transaction_read_only = on");
    });
    const other = await opened({ schema });
    await withClient(async (client) => {
      await client.query("set transaction read write");
      await client.query("set default_transaction_read_only = off");
      await expect(countOn(other.store, CELLS, "p", 0)).rejects.toMatchObject({
        code: "ONLINE_STORE_READ_ONLY",
        retryable: true,
      });
      await client.query("alter database postgres reset default_transaction_read_only");
    });
    await expectWhole(store);
  });

  test("tables that are gone are named", async () => {
    const { store, schema } = await opened();
    await withClient((client) => client.query(`drop schema ${schema} cascade`));
    await expect(store.read([Buffer.from("k")])).rejects.toMatchObject({
      code: "ONLINE_STORE_MISSING",
    });
  });

  test("an open that is aborted ends, though the server never answers", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const { port } = silent.address() as AddressInfo;
    const store = postgresOnlineStore({ host: "127.0.0.1", port, connectTimeout: "300ms" });
    const signal = AbortSignal.timeout(50);
    const began = performance.now();
    await expect(store.open({ namespace: "default", signal })).rejects.toThrow(/aborted/);
    expect(performance.now() - began).toBeLessThan(250);
    await expect(store.open({ namespace: "default" })).rejects.toMatchObject({
      code: "ONLINE_STORE_UNREACHABLE",
    });
    silent.close();
  });

  suiteNeeding(smallDisks(), "a full disk", () => {
    test("writes nothing of the step, and takes it when there is room", async () => {
      const folder = mkdtempSync(join(tmpdir(), "tidemark-disk-"));
      try {
        await onSmallDisk(folder, "3m", async () => {
          const place = join(folder, "tables");
          mkdirSync(place);
          chmodSync(folder, 0o755);
          await withClient(async (client) => {
            const { rows } = await client.query<{ data_directory: string }>("show data_directory");
            const { uid, gid } = statSync(rows[0]!.data_directory);
            chownSync(place, uid, gid);
            await client.query(`create tablespace small location '${place}'`);
            await client.query("alter database postgres set default_tablespace = small");
          });
          const { store, schema } = await opened();
          const cells = Array.from({ length: 1000 }, (_, i) => ({
            key: Buffer.from(`filler ${i}`),
            value: Buffer.alloc(5000, i),
            expected: null,
            expires: null,
          }));
          await countOn(store, CELLS, "p", -1);
          const step = {
            source: "s",
            cells,
            positions: [{ partition: "p", expected: 0, next: 1 }],
          };
          await expect(store.write(step)).rejects.toMatchObject({
            code: "ONLINE_STORE_FULL",
            retryable: true,
          });
          expect(await expectWhole(store)).toBe(0);
          remount(folder, "size=64m");
          expect(await store.write(step)).toBe("done");
          expect(await store.size!()).toMatchObject({ cells: CELLS + 1000 });
          await store.close();
          await withClient(async (client) => {
            await client.query("alter database postgres reset default_tablespace");
            await client.query(`drop schema ${schema} cascade`);
            await client.query("drop tablespace small");
          });
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});
