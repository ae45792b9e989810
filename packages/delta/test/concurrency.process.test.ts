import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { describe, test } from "vitest";
import { run } from "./children.ts";
import { idsOf, range, temporary, valuesOf } from "./lakes.ts";

describe("several processes", () => {
  test("two racing writers with 200 commits each: every row is stored exactly once", async () => {
    const lake = await temporary();
    const ended = await Promise.all(
      ["a", "b"].map((writer) => run("race-appends.ts", [lake, writer, "200", "free"])),
    );
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0],
    );
    const store = deltaOfflineStore(localObjects(lake));
    const rows = await valuesOf(store.scan("race", { columns: ["writer", "n"] }));
    for (const writer of ["a", "b"])
      assert.deepEqual(
        rows
          .filter((row) => row[0] === writer)
          .map((row) => Number(row[1]))
          .sort((x, y) => x - y),
        range(0, 200),
      );
    const state = (await store.state("race"))!;
    assert.deepEqual([state.rows, state.version], [400, 399]);
  });

  test("two that share a position with 200 commits in all take each offset once", async () => {
    const lake = await temporary();
    const ended = await Promise.all(
      ["a", "b"].map((writer) => run("race-appends.ts", [lake, writer, "100", "shared"])),
    );
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0],
    );
    const store = deltaOfflineStore(localObjects(lake));
    assert.deepEqual(
      (await valuesOf(store.scan("race", { columns: ["n"] })))
        .map(([n]) => Number(n))
        .sort((x, y) => x - y),
      range(0, 200),
    );
    assert.deepEqual((await store.state("race"))!.positions, [{ partition: "log:0", offset: 199 }]);
  });
});

describe("kill -9", () => {
  // The fail points, and the occurrences to kill at: the first, one midway, one during optimize or
  // a checkpoint.
  const points: Readonly<Record<string, readonly number[]>> = {
    "temporary-written": [1, 2, 3, 4, 5, 40],
    "parquet-written": [1, 2, 11, 14],
    "before-commit": [1, 2, 11, 17],
    "after-commit": [1, 6, 11],
    checkpoint: [1, 1, 2],
    "checkpoint-written": [1, 1, 2],
  };
  for (const [point, times] of Object.entries(points)) {
    test(`at ${point} leaves a readable table; no row is lost or doubled`, async () => {
      const lake = await temporary();
      let kills = 0;
      for (const nth of times) {
        const { signal } = await run("append-numbers.ts", [lake, "200", point, String(nth)]);
        if (signal !== "SIGKILL") break;
        kills++;
        // Another reader sees all rows up to the position once, and the checkpoint state of that
        // position.
        const store = deltaOfflineStore(localObjects(lake));
        const state = await store.state("numbers");
        const position = state?.positions[0];
        if (state !== null) {
          assert.deepEqual(await idsOf(store), range(0, (position?.offset ?? -1) + 1));
          assert.equal(position?.checkpoint?.highestOrder, `${position?.offset}`);
        }
      }
      assert.ok(kills >= 3, `${kills} kills`);
      assert.equal((await run("append-numbers.ts", [lake, "300", "none", "0"])).code, 0);
      const store = deltaOfflineStore(localObjects(lake));
      assert.deepEqual(await idsOf(store), range(0, 300));

      // Files of killed writers are no rows of the table, and vacuum removes them.
      const known = (await store.state("numbers"))!;
      const later = deltaOfflineStore(localObjects(lake), {
        clock: () => Date.now() + 8 * 86_400_000,
      });
      const files = (await readdir(join(lake, "numbers"), { recursive: true })).filter(
        (name) => name.endsWith(".parquet") && !name.includes("_delta_log"),
      );
      const { removed } = await later.vacuum("numbers");
      const left = (await readdir(join(lake, "numbers"), { recursive: true })).filter(
        (name) => name.endsWith(".parquet") && !name.includes("_delta_log"),
      );
      assert.equal(files.length - removed.length, left.length);
      assert.deepEqual(await idsOf(deltaOfflineStore(localObjects(lake))), range(0, 300));
      assert.deepEqual(await later.state("numbers"), known);
    });
  }
});
