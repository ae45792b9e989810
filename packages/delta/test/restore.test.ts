import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { deltaOfflineStore, localObjects, type DeltaOfflineStore } from "@tidemark/delta";
import { describe, test } from "vitest";
import { checkpointOf } from "../src/log/checkpoint.ts";
import { loadTable } from "../src/log/log.ts";
import { pad } from "../src/log/names.ts";
import type { Action } from "../src/log/actions.ts";
import type { TableLog } from "../src/log/state.ts";
import { idsOf, numbers, range, rowsOfNumbers, temporary } from "./lakes.ts";

/** A lake with commit i (from 0) of rows [10·i, 10·i + 10) and offset i. */
async function lakeOf(commits: number, checkpointEvery = 1000) {
  const lake = await temporary();
  const store = deltaOfflineStore(localObjects(lake), { checkpointEvery });
  for (let i = 0; i < commits; i++) await commitOne(store, i);
  return { lake, store };
}

async function commitOne(store: DeltaOfflineStore, i: number): Promise<void> {
  const step = { expected: i === 0 ? null : i - 1, next: i };
  const metadata = {
    key: "count",
    expected: i === 0 ? null : `commit ${i - 1}`,
    next: `commit ${i}`,
  };
  assert.equal(
    await store.append(numbers, rowsOfNumbers(...range(10 * i, 10 * i + 10)), {
      positions: [
        { partition: "t:0", ...step, checkpoint: { message: { offset: i, fingerprint: `f${i}` } } },
        ...(i >= 4 ? [{ partition: "t:1", expected: i === 4 ? null : i - 1, next: i }] : []),
      ],
      metadata: [metadata],
    }),
    "done",
  );
}

const logOf = (lake: string): string => join(lake, numbers.name, "_delta_log");

async function entriesOf(lake: string): Promise<Action[][]> {
  const names = (await readdir(logOf(lake))).filter((name) => /^\d{20}\.json$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) =>
      (await readFile(join(logOf(lake), name), "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Action),
    ),
  );
}

/** Writes the entry that delta-rs writes for RESTORE. */
async function restore(
  lake: string,
  version: number,
  parameters: Record<string, string> = { version: String(version) },
  change: (add: NonNullable<Action["add"]>) => boolean = () => true,
): Promise<void> {
  const objects = localObjects(lake);
  const [now, then] = await Promise.all([
    loadTable(objects, numbers.name, undefined, undefined),
    loadTable(objects, numbers.name, version, undefined),
  ]);
  const actions: unknown[] = [
    { commitInfo: { timestamp: 1, operation: "RESTORE", operationParameters: parameters } },
    { protocol: then!.protocol },
    { metaData: then!.metaData },
  ];
  for (const { add } of then!.files.values())
    if (!now!.files.has(add.path) && change(add))
      actions.push({ add: { ...add, dataChange: true } });
  for (const { add } of now!.files.values())
    if (!then!.files.has(add.path))
      actions.push({ remove: { path: add.path, deletionTimestamp: 1, dataChange: true } });
  await foreignEntry(lake, actions);
}

async function foreignEntry(lake: string, actions: readonly unknown[]): Promise<void> {
  const next = (await entriesOf(lake)).length;
  const text = actions.map((action) => JSON.stringify(action)).join("\n");
  await writeFile(join(logOf(lake), `${pad(next)}.json`), text);
}

/** Writes a checkpoint as another tool does, from what the log says without knowing Tidemark. */
async function foreignCheckpoint(lake: string): Promise<void> {
  const { TableLog } = await import("../src/log/state.ts");
  const log: TableLog = new TableLog(numbers.name);
  for (const [version, actions] of (await entriesOf(lake)).entries()) log.apply(version, actions);
  const { bytes, version } = checkpointOf(log, 0);
  await writeFile(join(logOf(lake), `${pad(version)}.checkpoint.parquet`), bytes);
  await writeFile(join(logOf(lake), "_last_checkpoint"), JSON.stringify({ version, size: 1 }));
}

async function shownBy(store: DeltaOfflineStore) {
  const { positions, metadata, rows } = (await store.state(numbers.name))!;
  return {
    rows,
    ids: (await idsOf(store)).length,
    offsets: Object.fromEntries(positions.map(({ partition, offset }) => [partition, offset])),
    fingerprint: positions[0]?.checkpoint?.message?.fingerprint,
    metadata: metadata.get("count"),
  };
}

const afterCommit = (i: number) => ({
  rows: 10 * i + 10,
  ids: 10 * i + 10,
  offsets: i >= 4 ? { "t:0": i, "t:1": i } : { "t:0": i },
  fingerprint: `f${i}`,
  metadata: `commit ${i}`,
});

describe("a table that another tool restored", () => {
  test("has the positions and metadata of its rows, in every reader and after writes", async () => {
    for (const parameters of [{ version: "2" }, { datetime: "1" }, { version: "99" }]) {
      const { lake, store } = await lakeOf(7);
      await restore(lake, 2, parameters as never);
      const fresh = (): DeltaOfflineStore => deltaOfflineStore(localObjects(lake));
      assert.deepEqual(await shownBy(store), afterCommit(2), "the store that was open");
      assert.deepEqual(await shownBy(fresh()), afterCommit(2));
      assert.equal(
        await fresh().append(numbers, [], {
          positions: [{ partition: "t:0", expected: 6, next: 7 }],
        }),
        "conflict",
        "a writer from before the RESTORE does not go on",
      );
      await commitOne(store, 3);
      for (const reader of [store, fresh()])
        assert.deepEqual(await shownBy(reader), afterCommit(3));
      await foreignCheckpoint(lake);
      assert.deepEqual(await shownBy(fresh()), afterCommit(3), "from another tool's checkpoint");
      for (let i = 4; i < 7; i++) await commitOne(fresh(), i);
      for (const reader of [store, fresh()])
        assert.deepEqual(await shownBy(reader), afterCommit(6));
    }
  });

  test("is told from one that another tool made a checkpoint of", async () => {
    const { lake, store } = await lakeOf(7);
    await restore(lake, 1);
    await foreignCheckpoint(lake);
    const fresh = deltaOfflineStore(localObjects(lake));
    assert.deepEqual(await shownBy(fresh), afterCommit(1));
    // without the entries nobody knows what the other tool did
    for (const name of await readdir(logOf(lake)))
      if (name.endsWith(".json")) await rm(join(logOf(lake), name));
    await assert.rejects(deltaOfflineStore(localObjects(lake)).state(numbers.name), (error) =>
      isTidemarkError(error, "DELTA_RESTORED"),
    );
    await store.close();
  });

  test("restored twice, and back again, has the positions of its rows", async () => {
    const { lake, store } = await lakeOf(7, 3);
    await restore(lake, 2);
    await restore(lake, 5, { datetime: "1" });
    assert.deepEqual(await shownBy(store), afterCommit(5));
    await restore(lake, 7, {});
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), afterCommit(2));
    await commitOne(store, 3);
    await restore(lake, 6);
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), afterCommit(6));
    assert.deepEqual(await shownBy(store), afterCommit(6));
  });

  test("restored in part is refused by name", async () => {
    const { lake } = await lakeOf(4);
    await store4(lake);
    let n = 0;
    await restore(lake, 3, { version: "3" }, () => n++ > 0);
    await assert.rejects(
      deltaOfflineStore(localObjects(lake)).state(numbers.name),
      (error) =>
        isTidemarkError(error, "DELTA_RESTORED") &&
        /restored table "numbers" at version 5, and no version .* the next run begins it anew/.test(
          error.message,
        ),
    );
    // the advice is followed: restored to a whole version
    const entries = await entriesOf(lake);
    await rm(join(logOf(lake), `${pad(entries.length - 1)}.json`));
    await restore(lake, 3);
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), afterCommit(3));
  });
});

/** Replaces all rows, so that a RESTORE brings files back. */
async function store4(lake: string): Promise<void> {
  const written = await deltaOfflineStore(localObjects(lake)).rewrite(numbers, rowsOfNumbers(1), {
    replaced: {},
    expectedVersion: 3,
    positions: [{ partition: "t:0", expected: 3, next: 4 }],
  });
  assert.equal(written, "done");
}

describe("what other tools do besides RESTORE leaves the positions", () => {
  test("OPTIMIZE, with a checkpoint and without its entries", async () => {
    const { lake, store } = await lakeOf(3);
    const entries = await entriesOf(lake);
    const adds = entries.flat().flatMap(({ add }) => add ?? []);
    const [first, second] = adds;
    const remove = { path: second!.path, deletionTimestamp: 1, dataChange: false };
    // the rows of two files in one: here the same file twice as large by its statistics
    const path = "joined.parquet";
    await writeFile(
      join(lake, numbers.name, path),
      await readFile(join(lake, numbers.name, second!.path)),
    );
    await foreignEntry(lake, [
      { commitInfo: { timestamp: 1, operation: "OPTIMIZE", operationParameters: {} } },
      { remove },
      { add: { ...second, path, dataChange: false } },
    ]);
    assert.equal(adds.length, 3);
    assert.notEqual(first!.path, second!.path);
    assert.deepEqual(await shownBy(store), afterCommit(2));
    await foreignCheckpoint(lake);
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), afterCommit(2));
    for (const name of await readdir(logOf(lake)))
      if (name.endsWith(".json")) await rm(join(logOf(lake), name));
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), afterCommit(2));
  });

  test("DELETE: the rows stay deleted, and are not taken again", async () => {
    const { lake, store } = await lakeOf(3);
    const [add] = (await entriesOf(lake))[1]!.flatMap((action) => action.add ?? []);
    await foreignEntry(lake, [
      { commitInfo: { timestamp: 1, operation: "DELETE", operationParameters: {} } },
      { remove: { path: add!.path, deletionTimestamp: 1, dataChange: true } },
    ]);
    const left = { ...afterCommit(2), rows: 20, ids: 20 };
    assert.deepEqual(await shownBy(store), left);
    await foreignCheckpoint(lake);
    assert.deepEqual(await shownBy(deltaOfflineStore(localObjects(lake))), left);
    await commitOne(deltaOfflineStore(localObjects(lake)), 3);
    assert.deepEqual(await shownBy(store), { ...afterCommit(3), rows: 30, ids: 30 });
  });
});
