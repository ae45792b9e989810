import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { batchOf, valueAt, type Batch, type OfflineStore } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { parquetReadObjects } from "hyparquet";
import { describe, test } from "vitest";
import { decompressors } from "../src/parquet/codecs.ts";
import { idsOf, numbers, range, rowsOfNumbers, temporary } from "./lakes.ts";

const SECRET = "row 9999";

/** Takes the rows of these ids out of the table of numbers. */
function takeOut(store: OfflineStore, ...ids: readonly number[]): Promise<"done" | "conflict"> {
  const at = (batch: Batch, name: string) =>
    batch.vectors[batch.columns.findIndex((column) => column.name === name)]!;
  const isOut = (batch: Batch, i: number): boolean =>
    ids.includes(Number(valueAt(at(batch, "id"), i)));
  const rows = (batch: Batch): readonly number[] => range(0, batch.length);
  return store.replaceRows("numbers", {
    columns: ["id"],
    isAffected: (batch) => rows(batch).some((i) => isOut(batch, i)),
    replace: (batch) =>
      batchOf(
        batch.columns,
        rows(batch)
          .filter((i) => !isOut(batch, i))
          .map((i) => batch.vectors.map((vector) => valueAt(vector, i))),
      ),
  });
}

/** The texts of a lake (log entries, statistics in checkpoints), and its data files. */
async function contents(lake: string) {
  const names = (await readdir(join(lake, "numbers"), { recursive: true })).filter((name) =>
    /\.(json|parquet)$|_last/.test(name),
  );
  const texts: string[] = [];
  const files: string[] = [];
  for (const name of names) {
    const path = join(lake, "numbers", name);
    if (!name.endsWith(".parquet")) texts.push(await readFile(path, "utf8"));
    else if (!name.includes("_delta_log")) files.push(name);
    else {
      const bytes = await readFile(path);
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
      const rows = await parquetReadObjects({ file, compressors: decompressors });
      for (const row of rows) texts.push(String((row["add"] as { stats?: string } | null)?.stats));
    }
  }
  return { texts: texts.join("\n"), files };
}

describe("replaceRows", () => {
  test("writes only the files that hold affected rows", async () => {
    const lake = await temporary();
    const store = deltaOfflineStore(localObjects(lake));
    for (let i = 0; i < 5; i++)
      await store.append(numbers, rowsOfNumbers(...range(i * 10, i * 10 + 10)), { positions: [] });
    const before = (await contents(lake)).files;
    assert.equal(await takeOut(store, 12, 47), "done");
    const after = (await contents(lake)).files;
    assert.equal(after.filter((file) => !before.includes(file)).length, 2);
    assert.deepEqual(
      await idsOf(deltaOfflineStore(localObjects(lake))),
      range(0, 50).filter((id) => id !== 12 && id !== 47),
    );
  });

  test("is a conflict if another writer joined the file meanwhile", async () => {
    const lake = await temporary();
    const objects = localObjects(lake);
    const other = deltaOfflineStore(objects);
    for (let i = 0; i < 4; i++) await other.append(numbers, rowsOfNumbers(i), { positions: [] });
    const store = deltaOfflineStore(objects, {
      async failpoint(name) {
        if (name === "parquet-written") await other.optimize("numbers");
      },
    });
    assert.equal(await takeOut(store, 2), "conflict");
    assert.equal((await contents(lake)).files.length, 5);
    assert.deepEqual(await idsOf(store), range(0, 4));
  });
});

describe("forgetReplaced", () => {
  for (const checkpointEvery of [2, 3, 50])
    test(`leaves no value of a row that left; checkpoint every ${checkpointEvery}`, async () => {
      const lake = await temporary();
      const store = deltaOfflineStore(localObjects(lake), { checkpointEvery });
      const reader = deltaOfflineStore(localObjects(lake));
      for (let i = 0; i < 7; i++)
        await store.append(numbers, rowsOfNumbers(i, i === 3 ? 9999 : 10 + i), { positions: [] });
      await reader.state("numbers");
      assert.ok((await contents(lake)).texts.includes(SECRET), "the value is in the statistics");
      await takeOut(store, 9999);
      const left = await contents(lake);
      assert.ok(left.texts.includes(SECRET), "old versions still say it");
      assert.deepEqual(await store.forgetReplaced("numbers", { files: false }), { removed: [] });
      const forgotten = await contents(lake);
      assert.ok(!forgotten.texts.includes(SECRET));
      assert.ok(forgotten.texts.includes("row 6"), "the statistics of other rows stay");
      assert.deepEqual(forgotten.files, left.files, "older versions can still be read");
      assert.equal((await store.state("numbers", { version: 6 }))!.rows, 14);

      const { removed } = await store.forgetReplaced("numbers", { files: true });
      assert.equal(removed.length, 1);
      assert.equal((await contents(lake)).files.length, 7);
      const expected = [...range(0, 7), 10, 11, 12, 14, 15, 16];
      assert.deepEqual(await idsOf(reader), expected, "a reader that was behind goes on");
      await reader.append(numbers, rowsOfNumbers(100), { positions: [] });
      assert.deepEqual(await idsOf(deltaOfflineStore(localObjects(lake))), [...expected, 100]);
    });

  test("keeps the file of a writer that has not committed yet", async () => {
    const lake = await temporary();
    const objects = localObjects(lake);
    const store = deltaOfflineStore(objects);
    await store.append(numbers, rowsOfNumbers(1, 2), { positions: [] });
    await takeOut(store, 2);
    const writer = deltaOfflineStore(objects, {
      async failpoint(name) {
        if (name === "parquet-written") await store.forgetReplaced("numbers", { files: true });
      },
    });
    await writer.append(numbers, rowsOfNumbers(3), { positions: [] });
    assert.deepEqual(await idsOf(deltaOfflineStore(objects)), [1, 3]);
  });
});
