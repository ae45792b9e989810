/** The conformance tests of staged rows. A store without staging passes them. */
import assert from "node:assert/strict";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import { isTidemarkError } from "../errors.ts";
import type { Value } from "../specs.ts";
import type { OfflineStaging, OfflineStore, StagedRows, TableSpec } from "../spi.ts";

/** Declares the tests. `table` has the columns `id` and `name`, and `scan` reads them. */
export function stagingConformance(
  check: (name: string, run: (newHandle: () => OfflineStore) => Promise<void>) => void,
  table: TableSpec,
  scan: (store: OfflineStore) => Promise<readonly (readonly Value[])[]>,
): void {
  const rows = (...ids: readonly number[]): readonly Batch[] => [
    batchOf(
      table.columns,
      ids.map((id) => [BigInt(id), `row ${id}`]),
    ),
  ];
  const ids = async (store: OfflineStore): Promise<readonly number[]> =>
    (await scan(store)).map(([id]) => Number(id)).sort((a, b) => a - b);
  const write = (staging: OfflineStaging, rewrite: string, name: string, ...of: number[]) =>
    staging.write(table, rows(...of), { rewrite, name });
  const sorted = (staged: readonly StagedRows[]): readonly string[] =>
    staged.map(({ rewrite, name }) => `${rewrite} ${name}`).sort();
  const commit = (
    store: OfflineStore,
    expectedVersion: number,
    rewrite: string,
    ...names: readonly string[]
  ) =>
    store.rewrite(table, [], {
      replaced: {},
      expectedVersion,
      positions: [],
      staged: { rewrite, names },
    });

  check("staged rows are no rows of the table before their commit", async (newHandle) => {
    const [store, other] = [newHandle(), newHandle()];
    if (store.staging === undefined) return;
    await store.append(table, rows(1), { positions: [] });
    const { version } = (await store.state(table.name))!;
    await write(store.staging, "a", "1", 2, 3);
    await write(other.staging!, "a", "2", 4);
    await write(other.staging!, "b", "1", 9);
    assert.deepEqual(await ids(store), [1]);
    assert.equal((await store.state(table.name))!.version, version);
    assert.deepEqual(sorted(await store.staging.list(table.name)), ["a 1", "a 2", "b 1"]);
    assert.deepEqual(await store.staging.list("other"), []);
    assert.equal(await commit(newHandle(), version, "a", "1", "2"), "done");
    for (const handle of [store, other, newHandle()])
      assert.deepEqual(await ids(handle), [2, 3, 4]);
    assert.deepEqual(sorted(await store.staging.list(table.name)), ["b 1"]);
    assert.equal((await newHandle().state(table.name))!.rows, 3);
  });

  check("rows that are staged under a name again replace those before", async (newHandle) => {
    const store = newHandle();
    if (store.staging === undefined) return;
    await store.append(table, rows(1), { positions: [] });
    await write(store.staging, "a/1 %", "x y", 2);
    await write(newHandle().staging!, "a/1 %", "x y", 3);
    assert.deepEqual(await store.staging.list(table.name), [{ rewrite: "a/1 %", name: "x y" }]);
    assert.equal(await commit(store, 0, "a/1 %", "x y"), "done");
    assert.deepEqual(await ids(store), [3]);
  });

  check(
    "staged rows outlive a conflict, and are committed by the next attempt",
    async (newHandle) => {
      const store = newHandle();
      if (store.staging === undefined) return;
      await store.append(table, rows(1), { positions: [] });
      await write(store.staging, "a", "1", 2);
      await newHandle().append(table, rows(5), { positions: [] });
      assert.equal(await commit(store, 0, "a", "1"), "conflict");
      assert.deepEqual(await ids(store), [1, 5]);
      assert.deepEqual(sorted(await newHandle().staging!.list(table.name)), ["a 1"]);
      assert.equal(await commit(newHandle(), 1, "a", "1"), "done");
      assert.deepEqual(await ids(store), [2]);
    },
  );

  check("discarded or committed rows cannot be committed", async (newHandle) => {
    const store = newHandle();
    if (store.staging === undefined) return;
    await store.append(table, rows(1), { positions: [] });
    await write(store.staging, "a", "1", 2);
    await write(store.staging, "b", "1", 3);
    await write(store.staging, "b", "2", 4);
    await newHandle().staging!.discard(table.name, { isDiscarded: (rewrite) => rewrite === "b" });
    assert.deepEqual(sorted(await store.staging.list(table.name)), ["a 1"]);
    const isMissing = (error: unknown): boolean => isTidemarkError(error, "STAGED_ROWS_MISSING");
    await assert.rejects(commit(store, 0, "b", "1"), isMissing);
    await assert.rejects(commit(store, 0, "a", "1", "2"), isMissing);
    assert.deepEqual(await ids(store), [1]);
    assert.equal(await commit(store, 0, "a", "1"), "done");
    await assert.rejects(commit(store, 1, "a", "1"), isMissing);
    assert.deepEqual(await ids(newHandle()), [2]);
  });

  check("staged rows are read by partition, in written order", async (newHandle) => {
    const store = newHandle();
    if (store.staging === undefined) return;
    const byName: TableSpec = { ...table, name: `${table.name}-read`, partitionBy: ["name"] };
    const batchesOf = (...of: readonly (readonly [number, string])[]): Batch =>
      batchOf(
        byName.columns,
        of.map(([id, name]) => [BigInt(id), name]),
      );
    async function* stream(): AsyncIterable<Batch> {
      yield batchesOf([3, "a"], [9, "b"], [1, "a"]);
      yield batchesOf([2, "a"], [8, "c"]);
    }
    await store.staging.write(byName, stream(), { rewrite: "a", name: "1" });
    await store.staging.write(byName, [], { rewrite: "a", name: "2" });
    const read = async (handle: OfflineStore, name: string, ...names: readonly string[]) => {
      const found: (readonly Value[])[] = [];
      const partitions = { name: names };
      const of = { rewrite: "a", name, partitions };
      for await (const { length, columns, vectors } of handle.staging!.read(byName, of)) {
        assert.deepEqual(
          columns.map((column) => column.name),
          byName.columns.map((column) => column.name),
        );
        for (let i = 0; i < length; i++) found.push(vectors.map((vector) => valueAt(vector, i)));
      }
      return found;
    };
    for (const handle of [store, newHandle()]) {
      assert.deepEqual(await read(handle, "1", "a"), [
        [3n, "a"],
        [1n, "a"],
        [2n, "a"],
      ]);
      assert.deepEqual(await read(handle, "1", "c"), [[8n, "c"]]);
      assert.deepEqual(await read(handle, "1", "d"), []);
      assert.deepEqual(await read(handle, "2", "a"), []);
    }
    const isMissing = (error: unknown): boolean => isTidemarkError(error, "STAGED_ROWS_MISSING");
    await assert.rejects(read(store, "3", "a"), isMissing);
    await newHandle().staging!.discard(byName.name, { isDiscarded: () => true });
    await assert.rejects(read(store, "1", "a"), isMissing);
  });

  check("a failure in staged rows stages nothing", async (newHandle) => {
    const store = newHandle();
    if (store.staging === undefined) return;
    await store.append(table, rows(1), { positions: [] });
    async function* failing(): AsyncIterable<Batch> {
      yield* rows(2);
      throw new Error("no more");
    }
    await assert.rejects(
      store.staging.write(table, failing(), { rewrite: "a", name: "1" }),
      /no more/,
    );
    assert.deepEqual(await store.staging.list(table.name), []);
  });
}
