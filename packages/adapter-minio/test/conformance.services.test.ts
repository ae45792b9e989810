import assert from "node:assert/strict";
import { batchOf, valueAt } from "@tidemark/core/spi";
import { offlineStoreConformance } from "@tidemark/core/testing";
import { deltaOfflineStore } from "@tidemark/delta";
import { objectStoreConformance } from "@tidemark/delta/testing";
import { describe, test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { keysOf, minioBuckets } from "./buckets.ts";
import { proxyTo } from "./proxy.ts";

suiteNeeding(minioServer(), "on a real MinIO", () => {
  const buckets = minioBuckets();

  describe("objects in a bucket", () => {
    objectStoreConformance({
      test,
      make: async () => {
        const bucket = await buckets.make();
        return { objects: () => buckets.objects(bucket) };
      },
    });
  });

  describe("objects under a prefix of a bucket", () => {
    objectStoreConformance({
      test,
      make: async () => {
        const bucket = await buckets.make();
        return { objects: () => buckets.objects(bucket, { prefix: "lakes/a b+c/é" }) };
      },
    });
  });

  describe("Delta tables in a bucket", () => {
    offlineStoreConformance({
      test,
      make: async () => {
        const bucket = await buckets.make();
        return { store: () => deltaOfflineStore(buckets.objects(bucket), { checkpointEvery: 3 }) };
      },
    });

    test("are optimized and vacuumed with one delete request; the rows stay", async () => {
      const bucket = await buckets.make();
      const store = deltaOfflineStore(buckets.objects(bucket));
      const columns = [{ name: "n", database: "n", type: "int64", nullable: false }] as const;
      for (let n = 0; n < 12; n++)
        await store.append(
          { name: "t", columns, partitionBy: [] },
          [batchOf(columns, [[BigInt(n)]])],
          { positions: [] },
        );
      await store.optimize("t");
      const proxy = await proxyTo(buckets.minio.endpoint);
      const later = deltaOfflineStore(buckets.objects(bucket, { endpoint: proxy.endpoint }), {
        clock: () => Date.now() + 8 * 86_400_000,
      });
      const { removed } = await later.vacuum("t");
      assert.equal(removed.length, 12);
      assert.deepEqual(
        proxy.seen.filter((line) => !/^(GET|HEAD) /.test(line)).map((line) => line.split(" ")[0]),
        ["POST"],
      );
      assert.equal((await keysOf(buckets.objects(bucket), "t/part-")).length, 1);
      const found: unknown[] = [];
      for await (const { length, vectors } of deltaOfflineStore(buckets.objects(bucket)).scan("t", {
        columns: ["n"],
      }))
        for (let i = 0; i < length; i++) found.push(valueAt(vectors[0]!, i));
      assert.deepEqual(
        found.toSorted(),
        Array.from({ length: 12 }, (_, n) => BigInt(n)).toSorted(),
      );
    });
  });
});
