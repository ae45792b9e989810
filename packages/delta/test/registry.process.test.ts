/** Tests the registry of a lake with several processes. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { entity, openStore, string } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { describe, test } from "vitest";
import { run } from "./children.ts";
import { temporary } from "./lakes.ts";

const program = "apply-definitions.ts";

async function applied(
  lake: string,
): Promise<{
  readonly version: number;
  readonly by: string;
  readonly names: readonly string[];
} | null> {
  const found = await deltaOfflineStore(localObjects(lake)).registry!.load({
    namespace: "default",
  });
  if (found === null) return null;
  const {
    version,
    applied: { by },
    objects,
  } = JSON.parse(found.snapshot) as {
    version: number;
    applied: { by: string };
    objects: { name: string }[];
  };
  return { version, by, names: objects.map((object) => object.name) };
}

test("of two concurrent applies one succeeds; the other names the winner", async () => {
  for (const round of [1, 2, 3, 4]) {
    const lake = await temporary();
    if (round % 2 === 0)
      assert.equal((await run(program, [lake, "eve", "first"])).stdout, "applied as 1\n");
    const [a, b] = [join(lake, "a.ready"), join(lake, "b.ready")];
    const ended = await Promise.all([
      run(program, [lake, "ann", "left", a, b]),
      run(program, [lake, "bob", "right", b, a]),
    ]);
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0],
    );
    const version = round % 2 === 0 ? 2 : 1;
    const done = ended.findIndex(({ stdout }) => stdout === `applied as ${version}\n`);
    assert.ok(done >= 0, ended.map(({ stdout }) => stdout).join());
    const winner = ["ann", "bob"][done]!;
    assert.match(
      ended[1 - done]!.stdout,
      new RegExp(
        `^REGISTRY_CONFLICT: delta offline store in .*: the registry of namespace "default": ` +
          `${winner} applied version ${version} at \\d{4}-.*Z, ` +
          `while this was planned on ${version === 1 ? "an empty registry" : "version 1"}; ` +
          "none of your changes was applied: run tidemark plan again",
      ),
    );
    const there = (await applied(lake))!;
    assert.deepEqual(
      [there.version, there.by, there.names.filter((name) => name === "left" || name === "right")],
      [version, winner, [done === 0 ? "left" : "right"]],
    );
    // the next attempt is planned on what is stored now
    const again = await run(program, [lake, "again", ["right", "left"][done]!]);
    assert.match(again.stdout, new RegExp(`^applied as ${version + 1}\n$`));
  }
});

describe("kill -9 of an apply", () => {
  for (const [point, survives] of [
    ["before-save", false],
    ["temporary-written", false],
    ["after-save", true],
  ] as const) {
    test(`at ${point} leaves the old or the new registry; apply can repeat`, async () => {
      const lake = await temporary();
      await run(program, [lake, "eve", "first"]);
      const { signal } = await run(program, [lake, "ann", "next", point]);
      assert.equal(signal, "SIGKILL");
      assert.deepEqual((await applied(lake))!.version, survives ? 2 : 1);
      // first is removed, and nothing uses it
      assert.equal((await run(program, [lake, "bob", "next"])).stdout, "applied as 2\n");
      assert.deepEqual(
        [(await applied(lake))!.by, (await applied(lake))!.names],
        [survives ? "ann" : "bob", ["first", "next", "shared"]],
      );
    });
  }
});

test("each apply is one whole entry; a foreign file beside it is harmless", async () => {
  const lake = await temporary();
  const objects = localObjects(lake);
  for (const [n, name] of ["one", "two", "three"].entries()) {
    const store = await openStore({
      definitions: { own: entity(name, { keys: { id: string() } }) },
      offline: deltaOfflineStore(objects),
      namespace: "Bank/eu",
      onDefinitionMismatch: "ignore",
    });
    assert.equal((await store.apply()).version, n + 1);
    await objects.put(`_tidemark/registry/%42ank%2Feu/${n}.copy`, new TextEncoder().encode("{"));
  }
  const directory = join(lake, "_tidemark", "registry", "%42ank%2Feu");
  const entries = (await readdir(directory)).filter((name) => name.endsWith(".json")).toSorted();
  assert.deepEqual(entries, [
    "00000000000000000000.json",
    "00000000000000000001.json",
    "00000000000000000002.json",
  ]);
  for (const [n, entry] of entries.entries())
    assert.equal(
      (JSON.parse(await readFile(join(directory, entry), "utf8")) as { version: number }).version,
      n + 1,
    );
});
