import assert from "node:assert/strict";
import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, type ObjectStore } from "@tidemark/delta";
import { describe, test } from "vitest";
import { column, idsOf, numbers, range, rowsOfNumbers, temporary, valuesOf } from "./lakes.ts";

const DAY = 86_400_000;
const parted = { ...numbers, partitionBy: ["bucket"] };

async function dataFiles(lake: string, table: string): Promise<string[]> {
  return (await readdir(join(lake, table), { recursive: true }))
    .filter((name) => name.endsWith(".parquet") && !name.includes("_delta_log"))
    .sort();
}

describe("optimize", () => {
  test("joins the small files of each partition, and the rows keep their order", async () => {
    const lake = await temporary();
    const store = deltaOfflineStore(localObjects(lake));
    for (let i = 0; i < 20; i++)
      await store.append(parted, rowsOfNumbers(...range(i * 9, i * 9 + 9)), { positions: [] });
    const before = await valuesOf(
      store.scan("numbers", { columns: ["id", "text", "bucket"], partitions: { bucket: [1] } }),
    );
    assert.deepEqual(await store.optimize("numbers"), { filesRemoved: 60, filesAdded: 3 });
    assert.deepEqual(
      await valuesOf(
        store.scan("numbers", { columns: ["id", "text", "bucket"], partitions: { bucket: [1] } }),
      ),
      before,
    );
    assert.equal((await store.state("numbers"))!.rows, 180);
    assert.deepEqual(await idsOf(deltaOfflineStore(localObjects(lake))), range(0, 180));
    assert.deepEqual(
      await store.optimize("numbers"),
      { filesRemoved: 0, filesAdded: 0 },
      "there is nothing left to join",
    );
    assert.equal((await store.state("numbers"))!.version, 20);
  });

  test("joins only the partitions asked, up to the size asked", async () => {
    const store = deltaOfflineStore(localObjects(await temporary()));
    for (let i = 0; i < 6; i++)
      await store.append(parted, rowsOfNumbers(...range(i * 3, i * 3 + 3)), { positions: [] });
    assert.deepEqual(await store.optimize("numbers", { partitions: { bucket: [0] } }), {
      filesRemoved: 6,
      filesAdded: 1,
    });
    assert.deepEqual(await store.optimize("numbers", { targetBytes: 1 }), {
      filesRemoved: 0,
      filesAdded: 0,
    });
  });

  test("is no change of rows for a rewrite that read before it", async () => {
    const store = deltaOfflineStore(localObjects(await temporary()));
    for (let i = 0; i < 3; i++) await store.append(parted, rowsOfNumbers(i * 3), { positions: [] });
    await store.optimize("numbers");
    assert.equal(
      await store.rewrite(parted, rowsOfNumbers(99), {
        replaced: { bucket: [0] },
        expectedVersion: 2,
        positions: [],
      }),
      "done",
    );
    assert.deepEqual(await idsOf(store), [99]);
  });

  test("skips files that a concurrent rewrite replaced, and appends go on", async () => {
    const lake = await temporary();
    const other = deltaOfflineStore(localObjects(lake));
    let once = true;
    const store = deltaOfflineStore(localObjects(lake), {
      failpoint: async (name) => {
        if (name !== "parquet-written" || !once) return;
        once = false;
        await other.rewrite(parted, rowsOfNumbers(99), {
          replaced: { bucket: [0] },
          expectedVersion: 3,
          positions: [],
        });
        await other.append(parted, rowsOfNumbers(100), { positions: [] });
      },
    });
    for (let i = 0; i < 4; i++) {
      await other.append(parted, rowsOfNumbers(i * 3, i * 3 + 1), { positions: [] });
    }
    assert.deepEqual(await store.optimize("numbers"), { filesRemoved: 4, filesAdded: 1 });
    assert.deepEqual(await idsOf(store), [1, 4, 7, 10, 99, 100]);
  });

  test("keeps columns that files are too old to have, and every kind", async () => {
    const store = deltaOfflineStore(localObjects(await temporary()));
    await store.append(numbers, rowsOfNumbers(1), { positions: [] });
    const wider = {
      ...numbers,
      columns: [
        ...numbers.columns,
        column("price", "decimal", { precision: 38, scale: 9 }),
        column("raw", "bytes"),
        column("time", "timestamp"),
      ],
    };
    await store.append(
      wider,
      [batchOf(wider.columns, [[2, 2n, "two", 10n ** 37n, new Uint8Array([1]), -1]])],
      { positions: [] },
    );
    const before = await valuesOf(
      store.scan("numbers", { columns: ["id", "price", "raw", "time"] }),
    );
    await store.optimize("numbers");
    assert.deepEqual(
      await valuesOf(store.scan("numbers", { columns: ["id", "price", "raw", "time"] })),
      before,
    );
  });
});

describe("vacuum", () => {
  test("removes only files and orphans that are older than the retention", async () => {
    const lake = await temporary();
    let now = Date.now();
    const store = deltaOfflineStore(localObjects(lake), { clock: () => now, checkpointEvery: 2 });
    for (let i = 0; i < 4; i++)
      await store.append(parted, rowsOfNumbers(...range(i * 3, i * 3 + 3)), { positions: [] });
    await store.append({ ...numbers, name: "numbers/inner" }, rowsOfNumbers(1), { positions: [] });
    await store.optimize("numbers");
    const all = await dataFiles(lake, "numbers");
    await writeFile(join(lake, "numbers", "bucket=0", "part-orphan.parquet"), "never committed");
    await writeFile(join(lake, "numbers", "notes.txt"), "not ours");
    assert.deepEqual(
      (await store.vacuum("numbers")).removed,
      [],
      "all is younger than the retention",
    );

    now += 6 * DAY;
    await store.rewrite(parted, rowsOfNumbers(99), {
      replaced: { bucket: [1] },
      expectedVersion: 4,
      positions: [],
    });
    now += 2 * DAY;
    await utimes(join(lake, "numbers", "notes.txt"), 0, 0);
    const dry = await store.vacuum("numbers", { dryRun: true });
    assert.deepEqual(await dataFiles(lake, "numbers"), [...(await dataFiles(lake, "numbers"))]);
    const { removed } = await store.vacuum("numbers");
    assert.deepEqual(removed, dry.removed);
    assert.equal(
      removed.length,
      12 + 1,
      "the twelve that optimize joined and the orphan; the file rewritten two days ago stays",
    );
    assert.ok(removed.includes("numbers/bucket=0/part-orphan.parquet"));
    assert.equal((await dataFiles(lake, "numbers")).length, all.length - 12 + 1);
    assert.deepEqual(
      await idsOf(deltaOfflineStore(localObjects(lake))),
      [0, 2, 3, 5, 6, 8, 9, 11, 99],
    );
    assert.deepEqual(
      await idsOf(store, "numbers", { version: 4 }),
      range(0, 12),
      "version 4 still has its files",
    );
    assert.deepEqual(
      await idsOf(store, "numbers/inner"),
      [1],
      "a table below is none of its business",
    );
    await assert.rejects(idsOf(store, "numbers", { version: 3 }), (error) =>
      isTidemarkError(error, "OBJECT_MISSING"),
    );
  });

  test("files of a rewrite that may be resumed stay, and those of an older one go", async () => {
    const lake = await temporary();
    let now = Date.now();
    const store = deltaOfflineStore(localObjects(lake), { clock: () => now });
    await store.append(parted, rowsOfNumbers(1), { positions: [] });
    await store.staging!.write(parted, rowsOfNumbers(5, 7, 9), { rewrite: "a", name: "1" });
    assert.deepEqual((await store.vacuum("numbers", { retention: "0s" })).removed, []);
    assert.equal((await store.staging!.list("numbers")).length, 1);
    now += 3 * DAY;
    assert.deepEqual(await store.staging!.list("numbers"), [], "too old to be resumed");
    assert.deepEqual((await store.vacuum("numbers")).removed, [], "a writer may commit them yet");
    now += 5 * DAY;
    const { removed } = await store.vacuum("numbers");
    assert.equal(removed.length, 3 + 1, "the files, and the object that names them");
    assert.equal((await dataFiles(lake, "numbers")).length, 1);
    assert.deepEqual(await readdir(join(lake, "_tidemark", "staged", "numbers", "a")), []);
    assert.deepEqual(await idsOf(store), [1]);
  });

  test("a short retention makes a rewrite too old sooner; lost files are not taken", async () => {
    const lake = await temporary();
    let now = Date.now();
    const options = { clock: () => now, retention: "1h" } as const;
    const store = deltaOfflineStore(localObjects(lake), options);
    await store.append(parted, rowsOfNumbers(1), { positions: [] });
    await store.staging!.write(parted, rowsOfNumbers(5), { rewrite: "a", name: "1" });
    now += 40 * 60_000;
    assert.deepEqual(await store.staging!.list("numbers"), []);
    now -= 40 * 60_000;
    assert.equal((await store.staging!.list("numbers")).length, 1);
    for (const file of await dataFiles(lake, "numbers"))
      if (file.startsWith("bucket=2")) await rm(join(lake, "numbers", file));
    assert.deepEqual(await store.staging!.list("numbers"), []);
    await assert.rejects(
      store.rewrite(parted, [], {
        replaced: {},
        expectedVersion: 0,
        positions: [],
        staged: { rewrite: "a", names: ["1"] },
      }),
      (error) => isTidemarkError(error, "STAGED_ROWS_MISSING"),
    );
    assert.deepEqual(await idsOf(store), [1]);
  });

  test("a file that is being committed while vacuum looks stays", async () => {
    const lake = await temporary();
    const store = deltaOfflineStore(localObjects(lake));
    await store.append(numbers, rowsOfNumbers(1), { positions: [] });
    const inner = localObjects(lake);
    // The listing is read before the log: a commit in between names a file that the listing lacks.
    const objects: ObjectStore = {
      ...inner,
      async *list(prefix, options) {
        yield* inner.list(prefix, options);
        if (prefix === "numbers/") await store.append(numbers, rowsOfNumbers(2), { positions: [] });
      },
    };
    await deltaOfflineStore(objects, { clock: () => Date.now() + 9 * DAY }).vacuum("numbers");
    assert.deepEqual(await idsOf(store), [1, 2]);
  });
});
