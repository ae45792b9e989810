import { Random } from "@tidemark/testkit";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { postgresOnlineStore, type PostgresOnlineOptions } from "../src/index.ts";

const write = (key: Uint8Array) => ({
  source: "s",
  cells: [{ key, value: key, expected: undefined, expires: null }],
  positions: [],
});

suiteNeeding(realPostgres(), "a schema", () => {
  let url: string;
  let client: pg.Client;
  const stores: ReturnType<typeof postgresOnlineStore>[] = [];

  beforeEach(async () => {
    ({ url } = await ownDatabase());
    client = new pg.Client({ connectionString: url });
    await client.connect();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await client.end();
  });

  async function opened(options: PostgresOnlineOptions = {}) {
    const store = postgresOnlineStore({ connectionString: url, ...options });
    stores.push(store);
    await store.open({ namespace: "default" });
    return store;
  }

  test("tables of another program are left as they are", async () => {
    await client.query("create table orders (id int)");
    await expect(opened({ schema: "public" })).rejects.toMatchObject({
      code: "STATE_NOT_TIDEMARK",
      message: expect.stringContaining("(schema public)") as string,
    });
    const { rows } = await client.query(
      "select tablename from pg_tables where schemaname='public'",
    );
    expect(rows).toEqual([{ tablename: "orders" }]);
  });

  test.each([
    [0, "STATE_OLDER_FORMAT"],
    [2, "STATE_NEWER_FORMAT"],
  ])("format %i is %s", async (format, code) => {
    await opened();
    await client.query("update tidemark.tidemark_format set version = $1", [format]);
    await expect(opened()).rejects.toMatchObject({ code, retryable: false });
    await expect(opened({ readOnly: true })).rejects.toMatchObject({ code });
  });

  test("a reader needs the tables, and the right to read them only", async () => {
    await expect(opened({ readOnly: true })).rejects.toMatchObject({
      code: "ONLINE_STORE_MISSING",
    });
    const store = await opened();
    const key = Buffer.from("k");
    await store.write(write(key));
    const role = `reader_${new URL(url).pathname.slice(3)}`;
    await client.query(`create role ${role} login`);
    try {
      await expect(opened({ readOnly: true, user: role, ...addressOf(url) })).rejects.toMatchObject(
        { code: "ONLINE_STORE_DENIED", retryable: false },
      );
      await client.query(`grant usage on schema tidemark to ${role}`);
      await client.query(`grant select on all tables in schema tidemark to ${role}`);
      const reader = await opened({ readOnly: true, user: role, ...addressOf(url) });
      expect((await reader.read([key]))[0]!.value).toEqual(key);
      expect(await reader.scan({ prefix: key, limit: 2, cursor: null })).toMatchObject({
        cursor: null,
      });
      await expect(reader.write(write(key))).rejects.toMatchObject({
        code: "ONLINE_STORE_READ_ONLY",
      });
      const writer = await opened({ user: role, ...addressOf(url) });
      await expect(writer.write(write(key))).rejects.toMatchObject({ code: "ONLINE_STORE_DENIED" });
      await reader.close();
      await writer.close();
    } finally {
      await client.query(`drop owned by ${role}`);
      await client.query(`drop role ${role}`);
    }
  });

  test("a role that owns an empty schema makes the tables in it", async () => {
    const role = `owner_${new URL(url).pathname.slice(3)}`;
    await client.query(`create role ${role} login`);
    try {
      const asOwner = { user: role, schema: "features", ...addressOf(url) };
      await expect(opened(asOwner)).rejects.toMatchObject({ code: "ONLINE_STORE_DENIED" });
      await client.query(`create schema features authorization ${role}`);
      const store = await opened(asOwner);
      expect(await store.write(write(Buffer.from("k")))).toBe("done");
      expect(await store.size!()).toMatchObject({ cells: 1 });
      expect(await store.purge!()).toBe(true);
      await store.close();
    } finally {
      await client.query(`drop owned by ${role} cascade`);
      await client.query(`drop role ${role}`);
    }
  });

  test("keys that no index holds are read, listed by prefix, and removed", async () => {
    const random = new Random(5);
    const prefix = Uint8Array.from({ length: 2500 }, () => random.int(256));
    const keys = [1990, 2000, 2001, 2499, 2500].map((length) => prefix.slice(0, length));
    for (const end of [0, 1, 255]) keys.push(Buffer.concat([prefix, Buffer.of(end), prefix]));
    const store = await opened();
    for (const key of keys) expect(await store.write(write(key))).toBe("done");
    const cells = await store.read(keys);
    keys.forEach((key, i) => expect(Buffer.from(key).equals(cells[i]!.value)).toBe(true));
    for (const length of [0, 1980, 2000, 2400, 2501]) {
      const asked = length > 2500 ? keys.at(-1)!.slice(0, length) : prefix.slice(0, length);
      const found: string[] = [];
      let cursor: Uint8Array | null = null;
      do {
        const step = await store.scan({ prefix: asked, limit: 2, cursor });
        for (const { key, value } of step.cells) {
          expect(Buffer.from(value).equals(key)).toBe(true);
          found.push(Buffer.from(key).toString("hex"));
        }
        ({ cursor } = step);
      } while (cursor !== null);
      const expected = keys
        .filter((key) => Buffer.from(key.slice(0, length)).equals(asked))
        .map((key) => Buffer.from(key).toString("hex"));
      expect(found.sort()).toEqual(expected.sort());
    }
    expect(await store.deleteCells({ prefix, limit: 10, cursor: null })).toEqual({
      removed: 4,
      cursor: null,
    });
    expect(await store.size!()).toMatchObject({ cells: 4 });
  });

  test("a purge says whether a reader kept what was removed", async () => {
    const store = await opened();
    const secret = Buffer.from("a secret that is removed");
    await store.write(write(secret));
    await client.query("begin isolation level repeatable read; select 1");
    await store.write({
      source: "s",
      cells: [{ key: secret, value: null, expected: undefined, expires: null }],
      positions: [],
    });
    expect(await store.purge!()).toBe(false);
    expect(await isInFile(secret)).toBe(true);
    await client.query("commit");
    expect(await store.purge!()).toBe(true);
    expect(await isInFile(secret)).toBe(false);
  });

  /** Whether the file of the cells holds these bytes. */
  async function isInFile(bytes: Buffer): Promise<boolean> {
    await client.query("checkpoint");
    const { rows } = await client.query<{ readonly content: Buffer }>(
      "select pg_read_binary_file(pg_relation_filepath('tidemark.cells')) as content",
    );
    return rows[0]!.content.includes(bytes);
  }
});

/** The address of the server, without the user. */
function addressOf(url: string): PostgresOnlineOptions {
  const { hostname, port, pathname } = new URL(url);
  return {
    connectionString: undefined,
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
  };
}
