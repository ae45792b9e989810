import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { localObjects, writeParquet, type ObjectStore } from "@tidemark/delta";
import { objectStoreConformance } from "@tidemark/delta/testing";
import { describe, onTestFinished, test } from "vitest";
import { objectError } from "../src/local-objects.ts";
import { run } from "./children.ts";

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-objects-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function keysOf(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list("")) keys.push(key);
  return keys;
}

describe("objects in a local directory", () => {
  objectStoreConformance({
    test,
    make: async () => {
      const directory = await temporary();
      return { objects: () => localObjects(join(directory, "made", "at first write")) };
    },
  });

  test("a killed writer's temporary file is not listed, and later removed", async () => {
    const directory = await temporary();
    assert.equal((await run("kill-objects.ts", [directory])).signal, "SIGKILL");
    const objects = localObjects(directory);
    assert.equal((await readdir(join(directory, ".tmp"))).length, 1);
    assert.equal(await objects.size("log/0.json"), null);
    assert.equal(
      await objects.createIfAbsent("log/0.json", new Uint8Array(1)),
      true,
      "the name is not blocked",
    );
    assert.deepEqual(await readdir(join(directory, ".tmp")), []);

    // a file of another machine may be of a writer that lives, until it is old
    const foreign = join(directory, ".tmp", `1-${"0".repeat(12)}-of-another-machine`);
    await writeFile(foreign, "");
    await localObjects(directory).put("other", new Uint8Array(1));
    assert.equal((await readdir(join(directory, ".tmp"))).length, 1);
    await utimes(foreign, new Date(), new Date(Date.now() - 2 * 3_600_000));
    await localObjects(directory).put("other", new Uint8Array(1));
    assert.deepEqual(await readdir(join(directory, ".tmp")), []);
    assert.deepEqual(await keysOf(objects), ["log/0.json", "other"]);
  });

  test.skipIf(process.platform === "win32")(
    "files and directories are for their user alone, unless told otherwise",
    async () => {
      const directory = join(await temporary(), "lake");
      const modeOf = async (path: string): Promise<string> =>
        ((await stat(join(directory, path))).mode & 0o777).toString(8);
      const objects = localObjects(directory);
      await objects.put("table/a", new Uint8Array(1));
      await objects.createIfAbsent("table/_delta_log/0.json", new Uint8Array(1));
      assert.deepEqual(await Promise.all([".", "table", "table/_delta_log", ".tmp"].map(modeOf)), [
        "700",
        "700",
        "700",
        "700",
      ]);
      assert.deepEqual(await Promise.all(["table/a", "table/_delta_log/0.json"].map(modeOf)), [
        "600",
        "600",
      ]);
      const shared = localObjects(directory, { fileMode: 0o640, directoryMode: 0o750 });
      await shared.put("other/a", new Uint8Array(1));
      assert.deepEqual(await Promise.all(["other", "other/a"].map(modeOf)), ["750", "640"]);
      const columns = [{ name: "a", database: "a", type: "int32", nullable: true }] as const;
      const batches = [batchOf(columns, [[1]])];
      await writeParquet(join(directory, "out.parquet"), { columns, batches });
      assert.equal(await modeOf("out.parquet"), "600");
    },
  );

  test("a file where a directory should be is named", async () => {
    const directory = await temporary();
    await writeFile(join(directory, "file"), "x");
    await assert.rejects(
      localObjects(join(directory, "file")).put("a", new Uint8Array(1)),
      (error) => isTidemarkError(error, "OBJECTS_BAD_KEY"),
    );
    await assert.rejects(
      localObjects(directory).createIfAbsent("file/b", new Uint8Array(1)),
      (error) => isTidemarkError(error, "OBJECTS_BAD_KEY"),
    );
    await assert.rejects(localObjects(directory).put("x".repeat(300), new Uint8Array(1)), (error) =>
      isTidemarkError(error, "OBJECTS_BAD_KEY"),
    );
  });

  test("a directory that may not be written says so, and what to do", async () => {
    const directory = await temporary();
    await mkdir(join(directory, "lake"), { mode: 0o555 });
    const { stdout } = await run("refused-objects.ts", [join(directory, "lake"), "as nobody"]);
    assert.match(stdout, /^OBJECTS_READ_ONLY: .* may not write .*\(EACCES/);
    assert.deepEqual(await readdir(join(directory, "lake")), []);
  });

  test.skipIf(process.platform === "win32")(
    "a full disk says so, and nothing is half-written",
    async () => {
      const directory = await temporary();
      const { stdout } = await run("refused-objects.ts", [directory], { fileBlocks: 8 });
      assert.match(stdout, /^OBJECTS_FULL: .* no space is left/);
      assert.deepEqual(await keysOf(localObjects(directory)), []);
      assert.deepEqual(await readdir(join(directory, ".tmp")), []);
    },
  );

  test("what the system says becomes a code and a next step", () => {
    for (const [system, code] of [
      ["EROFS", "OBJECTS_READ_ONLY"],
      ["EACCES", "OBJECTS_READ_ONLY"],
      ["EPERM", "OBJECTS_READ_ONLY"],
      ["ENOSPC", "OBJECTS_FULL"],
      ["EDQUOT", "OBJECTS_FULL"],
      ["EIO", "OBJECTS_FAILED"],
      ["EMFILE", "OBJECTS_FAILED"],
    ] as const) {
      const error = objectError(
        "local directory x",
        "a/b",
        Object.assign(new Error(system), { code: system }),
      );
      assert.ok(
        isTidemarkError(error, code) && error.message.includes("a/b") && error.cause !== undefined,
      );
    }
    const own = new TypeError("not the system's");
    assert.equal(objectError("local directory x", "a/b", own), own);
  });
});
