import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { describe, test } from "vitest";
import { pad } from "../src/log/names.ts";
import { idsOf, numbers, range, rowsOfNumbers, temporary } from "./lakes.ts";

async function lakeOfThree() {
  const lake = await temporary();
  const log = join(lake, numbers.name, "_delta_log");
  const fresh = () => deltaOfflineStore(localObjects(lake), { checkpointEvery: 2 });
  for (let i = 0; i < 3; i++) await fresh().append(numbers, rowsOfNumbers(i), { positions: [] });
  return { lake, log, fresh };
}

const damaged = (says: RegExp) => (error: unknown) =>
  isTidemarkError(error, "DELTA_LOG_DAMAGED") && says.test(error.message);

describe("what lies in a table's log and is no entry", () => {
  for (const name of [
    "99999999999999999999.json",
    "99999999999999999999.checkpoint.parquet",
    "00009007199254740993.json",
    "00000000000000000003.json.crc",
    "00000000000000000003.checkpoint.0000000001.9999999999.parquet",
    ".00000000000000000003.json",
    "3.json",
  ])
    test(`${name} is passed over, also by writers`, async () => {
      const { log, fresh } = await lakeOfThree();
      await writeFile(join(log, name), "{}");
      assert.deepEqual(await idsOf(fresh()), range(0, 3));
      assert.equal(await fresh().append(numbers, rowsOfNumbers(3), { positions: [] }), "done");
      assert.deepEqual(await idsOf(fresh()), range(0, 4));
    });

  test("a _last_checkpoint of the future, or of no number, is passed over", async () => {
    const { log, fresh } = await lakeOfThree();
    for (const version of [100, 1e20, 1e300, -1, 1.5, "2", null, {}]) {
      await writeFile(join(log, "_last_checkpoint"), JSON.stringify({ version, size: 1e9 }));
      assert.deepEqual(await idsOf(fresh()), range(0, 3), String(version));
    }
  });

  test("a directory with the name of the next entry is named, and no writer spins", async () => {
    const { log, fresh } = await lakeOfThree();
    await mkdir(join(log, `${pad(3)}.json`));
    assert.deepEqual(await idsOf(fresh()), range(0, 3));
    await assert.rejects(
      fresh().append(numbers, rowsOfNumbers(3), { positions: [] }),
      damaged(/cannot be made and cannot be read; remove what has its name, such as a directory/),
    );
    await rm(join(log, `${pad(3)}.json`), { recursive: true });
    assert.equal(await fresh().append(numbers, rowsOfNumbers(3), { positions: [] }), "done");
  });

  test("an entry after a gap is named with the missing one", async () => {
    const { log, fresh } = await lakeOfThree();
    await rename(join(log, `${pad(2)}.json`), join(log, `${pad(7)}.json`));
    for (const name of await readdir(log))
      if (name.includes("checkpoint")) await rm(join(log, name));
    await assert.rejects(
      fresh().state(numbers.name),
      damaged(/log entry 2 is gone .*, or remove the entries after it if they are no part of/),
    );
  });

  test("an entry whose lines are no actions is named with its line", async () => {
    const { log, fresh } = await lakeOfThree();
    for (const [line, says] of [
      ["null", /line 1 is no object/],
      ["[]", /line 1 is no object/],
      ["7", /line 1 is no object/],
      ['{"add":7}', /line 1 has a add that is no object/],
      ['{"add":{}}', /line 1 has a add without path/],
      ['{"add":{"path":"x"}}', /line 1 has a add without size/],
      ['{"remove":{"path":null}}', /line 1 has a remove without path/],
      ['{"txn":{"appId":"a"}}', /line 1 has a txn without version/],
      ['{"txn":{"appId":"a","version":1e30}}', /line 1 has a txn without version/],
      ['{"metaData":{}}', /line 1 has a metaData without schemaString/],
      ['{"metaData":{"schemaString":"x"}}', /a schema that cannot be read/],
      ['{"metaData":{"schemaString":"{}"}}', /a schema that cannot be read/],
      ['{"add":{"path":"%","size":1}}', /names the file "%", which is no encoded path/],
      [" \n", /is empty/],
      ["\0\0\0", /line 1 is no JSON/],
    ] as const) {
      await writeFile(join(log, `${pad(3)}.json`), line);
      await assert.rejects(idsOf(fresh()), damaged(says), line);
    }
  });

  test("an entry that is too large is named, and nothing waits for it", async () => {
    const { log, fresh } = await lakeOfThree();
    const entry = join(log, `${pad(3)}.json`);
    await writeFile(entry, "");
    await truncate(entry, 257 * 2 ** 20);
    await assert.rejects(idsOf(fresh()), damaged(/has 269484032 bytes, and at most 268435456 are/));
    await truncate(entry, 5 * 2 ** 30);
    await assert.rejects(idsOf(fresh()), (error) => isTidemarkError(error, "OBJECTS_FAILED"));
  });

  test("a checkpoint that is none is passed over while the entries are there", async () => {
    const { log, fresh } = await lakeOfThree();
    const name = `${pad(2)}.checkpoint.parquet`;
    const whole = await readFile(join(log, name));
    for (const content of ["", "PAR1", "x".repeat(5000), whole.subarray(0, 100)]) {
      await writeFile(join(log, name), content);
      assert.deepEqual(await idsOf(fresh()), range(0, 3));
    }
    await rm(join(log, `${pad(0)}.json`));
    await assert.rejects(fresh().state(numbers.name), damaged(/checkpoint .* cannot be read/));
  });
});

test("a registry's entry of a number that no registry reaches is passed over", async () => {
  const lake = await temporary();
  const { registry } = deltaOfflineStore(localObjects(lake));
  assert.equal(await registry!.save("one", { namespace: "a", expected: null }), "done");
  const folder = join(lake, "_tidemark/registry/a");
  await writeFile(join(folder, "99999999999999999999.json"), "junk");
  assert.deepEqual(await registry!.load({ namespace: "a" }), { snapshot: "one", etag: "0" });
  assert.equal(await registry!.save("two", { namespace: "a", expected: "0" }), "done");
});
