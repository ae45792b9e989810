import assert from "node:assert/strict";
import { join } from "node:path";
import { valueAt } from "@tidemark/core/spi";
import { deltaOfflineStore } from "@tidemark/delta";
import { startNode } from "@tidemark/testkit/child-process";
import { test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { keysOf, minioBuckets } from "./buckets.ts";
import { proxyTo } from "./proxy.ts";

const program = join(import.meta.dirname, "programs/race-appends.ts");

suiteNeeding(minioServer(), "on a real MinIO, many writers", () => {
  const buckets = minioBuckets();
  const PROCESSES = 4;
  const EACH = 4;
  const COMMITS = 8;

  async function race(bucket: string, options: object): Promise<void> {
    const writers = Array.from({ length: PROCESSES }, (_, p) =>
      Array.from({ length: EACH }, (_, i) => `writer ${p}.${i}`),
    );
    const racers = writers.map((names) =>
      startNode(program, [JSON.stringify(options), names.join(","), COMMITS], { stdin: "pipe" }),
    );
    await Promise.all(racers.map((racer) => racer.line()));
    const started = performance.now();
    for (const racer of racers) racer.write("go\n");
    await Promise.all(racers.map((racer) => racer.succeeded()));
    console.log(
      `minio: ${PROCESSES * EACH} writers in ${PROCESSES} processes, ` +
        `${PROCESSES * EACH * COMMITS} commits in ${Math.round(performance.now() - started)} ms`,
    );

    const store = deltaOfflineStore(buckets.objects(bucket));
    const found: string[] = [];
    for await (const { length, vectors } of store.scan("race", { columns: ["writer", "n"] })) {
      for (let i = 0; i < length; i++)
        found.push(`${String(valueAt(vectors[0]!, i))} ${String(valueAt(vectors[1]!, i))}`);
    }
    const all = writers.flat();
    assert.deepEqual(
      found.sort(),
      all.flatMap((name) => Array.from({ length: COMMITS }, (_, n) => `${name} ${n}`)).sort(),
    );
    const state = (await store.state("race"))!;
    assert.deepEqual([state.rows, state.version], [found.length, found.length - 1]);
    assert.deepEqual(
      state.positions.map(({ partition, offset }) => `${partition} ${offset}`).sort(),
      all.map((name) => `of ${name} ${COMMITS - 1}`).sort(),
    );
    assert.equal(
      (await keysOf(buckets.objects(bucket), "race/")).filter((key) =>
        /^race\/_delta_log\/\d{20}\.json$/.test(key),
      ).length,
      found.length,
    );
  }

  test(
    "sixteen in four processes race on one table: every append is there exactly once",
    { timeout: 300_000 },
    async () => {
      const bucket = await buckets.make();
      await race(bucket, buckets.options(bucket));
    },
  );

  test(
    "so it is where every ninth answer is lost and every thirteenth request refused",
    { timeout: 300_000 },
    async () => {
      const bucket = await buckets.make();
      let count = 0;
      // Of many thousand requests one would meet a fault at each of its attempts, and fail.
      const proxy = await proxyTo(buckets.minio.endpoint, ({ headers }) => {
        const attempt = /^attempt=(\d+)/.exec(String(headers["amz-sdk-request"]))![1];
        if (Number(attempt) > 4) return "pass";
        return ++count % 9 === 0 ? "lose the answer" : count % 13 === 0 ? 503 : "pass";
      });
      await race(bucket, { ...buckets.options(bucket), endpoint: proxy.endpoint });
    },
  );
});
