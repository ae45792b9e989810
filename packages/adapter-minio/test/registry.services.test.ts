import assert from "node:assert/strict";
import { join } from "node:path";
import { deltaOfflineStore } from "@tidemark/delta";
import { startNode } from "@tidemark/testkit/child-process";
import { test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { minioBuckets } from "./buckets.ts";

const program = join(import.meta.dirname, "programs/apply-definitions.ts");

suiteNeeding(minioServer(), "on a real MinIO, processes that apply at the same time", () => {
  const buckets = minioBuckets();

  test("one is done, and every other is told who was", async () => {
    const bucket = await buckets.make();
    const options = JSON.stringify(buckets.options(bucket));
    const racers = ["ann", "bob", "cid", "dan"].map((name) => ({
      name,
      child: startNode(program, [options, name], { stdin: "pipe" }),
    }));
    await Promise.all(racers.map(({ child }) => child.line("ready")));
    for (const { child } of racers) child.write("go\n");
    const said = await Promise.all(racers.map(({ child }) => child.line()));
    const winners = racers.filter((_, i) => said[i] === "applied as 1");
    assert.equal(winners.length, 1, said.join("\n"));
    const { name } = winners[0]!;
    for (const text of said)
      assert.match(
        text,
        new RegExp(
          "^applied as 1$|^REGISTRY_CONFLICT: delta offline store in .*: " +
            `the registry of namespace "default": ${name} applied version 1 at .*, ` +
            "while this was planned on an empty registry; none of your changes was applied",
        ),
      );
    const there = await deltaOfflineStore(buckets.objects(bucket)).registry!.load({
      namespace: "default",
    });
    assert.deepEqual(
      (JSON.parse(there!.snapshot) as { objects: { name: string }[] }).objects.map(
        (one) => one.name,
      ),
      [name],
    );
  });
});
