import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { deltaOfflineStore } from "@tidemark/delta";
import { onTestFinished, test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { minioBuckets } from "./buckets.ts";

const program = fileURLToPath(new URL("programs/apply-definitions.ts", import.meta.url));

suiteNeeding(minioServer(), "on a real MinIO, processes that apply at the same time", () => {
  const buckets = minioBuckets();

  test("one is done, and every other is told who was", async () => {
    const bucket = await buckets.make();
    const racers = ["ann", "bob", "cid", "dan"].map((name) => {
      const child = spawn(
        process.execPath,
        ["--conditions=@tidemark/source", program, JSON.stringify(buckets.options(bucket)), name],
        { stdio: ["pipe", "pipe", "inherit"] },
      );
      onTestFinished(() => {
        child.kill("SIGKILL");
      });
      return { name, child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
    });
    assert.deepEqual(
      await Promise.all(racers.map(async ({ lines }) => (await lines.next()).value)),
      racers.map(() => "ready"),
    );
    for (const { child } of racers) child.stdin.write("go\n");
    const said = await Promise.all(
      racers.map(async ({ lines }) => String((await lines.next()).value)),
    );
    const winners = racers.filter((_, i) => said[i] === "applied as 1");
    assert.equal(winners.length, 1, said.join("\n"));
    const { name } = winners[0]!;
    for (const text of said)
      assert.match(
        text,
        new RegExp(
          "^applied as 1$|^REGISTRY_CONFLICT: delta offline store in .*: " +
            `the registry of namespace "default": ${name} applied version 1 at .*, ` +
            "while this was planned on an empty one; nothing of yours was applied",
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
