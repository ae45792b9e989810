/** The conformance tests of backups. A store without backups passes them. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchOf } from "../columns/batch.ts";
import type { OfflineStore, OnlineStore, TableSpec } from "../spi.ts";

type Check<Handle> = (name: string, run: (newHandle: Handle) => Promise<void>) => void;

/** Declares the tests of an online store's backups. */
export function onlineBackupConformance(
  check: Check<(namespace?: string) => Promise<OnlineStore>>,
): void {
  const key = (name: string): Uint8Array => new TextEncoder().encode(name);
  const step = (name: string, expected: number | null, next: number) => ({
    source: "s",
    cells: [{ key: key(name), value: key(`value of ${name}`), expected: undefined, expires: null }],
    positions: [{ partition: "p", expected, next }],
    metadata: [{ key: "k", expected: expected === null ? null : `${expected}`, next: `${next}` }],
  });

  check("a copy has everything of one moment, and the store stays as it is", async (newHandle) => {
    const [store, other] = [await newHandle(), await newHandle("other")];
    if (store.backups === undefined) return;
    await store.write(step("a", null, 1));
    await other.write(step("b", null, 5));
    await inDirectory(async (directory) => {
      const to = join(directory, "copy");
      const seen: number[] = [];
      await store.backups!.write({
        to,
        prepare: async (copy) => {
          await store.write(step("later", 1, 2));
          await copy.open({ namespace: "test" });
          await copy.write(step("prepared", 1, 3));
        },
        onProgress: ({ bytes, total }) => seen.push(bytes / total),
      });
      assert.ok(seen.every((fraction) => fraction >= 0 && fraction <= 1));
      assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 2 }]);
      for (const [namespace, offset, there] of [
        ["test", 3, ["a", "prepared"]],
        ["other", 5, ["b"]],
      ] as const) {
        const copy = store.backups!.open(to);
        await copy.open({ namespace });
        const cells = await copy.read(["a", "b", "later", "prepared"].map(key));
        assert.deepEqual(
          cells.flatMap((cell) => (cell === null ? [] : [new TextDecoder().decode(cell.value)])),
          there.map((name) => `value of ${name}`),
        );
        assert.deepEqual(await copy.positions("s"), [{ partition: "p", offset }]);
        assert.equal((await copy.metadata("s")).get("k"), `${offset}`);
        await copy.close();
      }
    });
  });

  check("a copy replaces a store that nobody has open", async (newHandle) => {
    const store = await newHandle();
    if (store.backups === undefined) return;
    await store.write(step("a", null, 1));
    await inDirectory(async (directory) => {
      const from = join(directory, "copy");
      await store.backups!.write({ to: from, prepare: async () => undefined });
      await store.write(step("later", 1, 2));
      const restore = async (replace: boolean): Promise<void> =>
        store.backups!.restore({ from, replace });
      const check = async (replace: boolean): Promise<void> => store.backups!.check({ replace });
      await assert.rejects(check(false), { code: "ONLINE_STORE_NOT_EMPTY" });
      await assert.rejects(check(true), { code: "ONLINE_STORE_BUSY" });
      await assert.rejects(restore(false), { code: "ONLINE_STORE_NOT_EMPTY" });
      await assert.rejects(restore(true), { code: "ONLINE_STORE_BUSY" });
      assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 2 }]);
      await store.close();
      await check(true);
      await restore(true);
      const again = await newHandle();
      assert.deepEqual(await again.positions("s"), [{ partition: "p", offset: 1 }]);
      const [a, later] = await again.read([key("a"), key("later")]);
      assert.ok(a !== null && later === null);
    });
  });

  check("a copy that is aborted throws the reason", async (newHandle) => {
    const store = await newHandle();
    if (store.backups === undefined) return;
    await store.write(step("a", null, 1));
    await inDirectory(async (directory) => {
      const reason = new Error("stopped");
      await assert.rejects(
        store.backups!.write({
          to: join(directory, "copy"),
          prepare: async () => undefined,
          signal: AbortSignal.abort(reason),
        }),
        reason,
      );
    });
    assert.deepEqual(await store.positions("s"), [{ partition: "p", offset: 1 }]);
  });
}

/** Declares the tests of an offline store's backups. */
export function offlineBackupConformance(
  check: Check<() => OfflineStore>,
  table: TableSpec,
  rowsOf: (store: OfflineStore) => Promise<unknown>,
): void {
  const append = (store: OfflineStore, id: bigint, expected: number | null, next: number) =>
    store.append(table, [batchOf(table.columns, [[id, `name ${id}`]])], {
      positions: [{ partition: "p", expected, next }],
      metadata: [{ key: "k", expected: expected === null ? null : `${expected}`, next: `${next}` }],
    });

  check(
    "a version is copied and put back, with rows, positions and metadata",
    async (newHandle) => {
      const store = newHandle();
      const { backups } = store;
      if (backups === undefined) return;
      await append(store, 1n, null, 1);
      await append(store, 2n, 1, 2);
      const { version, ...state } = (await store.state(table.name))!;
      const rows = await rowsOf(store);
      await append(store, 3n, 2, 3);
      await inDirectory(async (directory) => {
        await backups.copy(table.name, version, { to: directory });
        const restore = async (replace: boolean): Promise<void> =>
          newHandle().backups!.restore(table.name, { from: directory, replace });
        await assert.rejects(restore(false), { code: "HISTORY_NOT_EMPTY" });
        assert.equal((await newHandle().state(table.name))!.rows, 3);
        await restore(true);
      });
      const again = newHandle();
      assert.deepEqual(await again.state(table.name), { version, ...state });
      assert.deepEqual(await rowsOf(again), rows);
      assert.equal(await append(again, 4n, 2, 9), "done");
      assert.equal((await newHandle().state(table.name))!.rows, 3);
    },
  );

  check(
    "a pinned version is there after a vacuum, and one that is not is missing",
    async (newHandle) => {
      const store = newHandle();
      const { backups } = store;
      if (backups === undefined || store.vacuum === undefined) return;
      await append(store, 1n, null, 1);
      const { version } = (await store.state(table.name))!;
      const until = Date.now() * 1000 + 3600e6;
      await backups.pin({ id: "a/b", until, tables: [{ name: table.name, version }] });
      await store.rewrite(table, [], { replaced: {}, expectedVersion: version, positions: [] });
      await store.vacuum(table.name, { retention: "0s" });
      assert.deepEqual(await newHandle().backups!.missing(table.name, version), []);
      await backups.pin({ id: "a/b", until: 0, tables: [{ name: table.name, version }] });
      await store.vacuum(table.name, { retention: "0s" });
      assert.equal((await newHandle().backups!.missing(table.name, version)).length, 1);
      assert.equal((await newHandle().backups!.missing(table.name, version + 7)).length, 1);
    },
  );
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-backup-"));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
