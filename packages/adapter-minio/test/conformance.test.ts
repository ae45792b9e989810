import { offlineStoreConformance } from "@tidemark/core/testing";
import { deltaOfflineStore } from "@tidemark/delta";
import { objectStoreConformance } from "@tidemark/delta/testing";
import { describe, test } from "vitest";
import { minioServer, suiteNeeding } from "../../../tools/needs.ts";
import { minioBuckets } from "./buckets.ts";

suiteNeeding(minioServer(), "on a real MinIO", () => {
  const buckets = minioBuckets();

  describe("objects in a bucket", () => {
    objectStoreConformance({ test, make: async () => { const bucket = await buckets.make(); return { objects: () => buckets.objects(bucket) }; } });
  });

  describe("objects under a prefix of a bucket", () => {
    objectStoreConformance({ test, make: async () => { const bucket = await buckets.make(); return { objects: () => buckets.objects(bucket, { prefix: "lakes/a b+c/é" }) }; } });
  });

  describe("Delta tables in a bucket", () => {
    offlineStoreConformance({
      test,
      make: async () => {
        const bucket = await buckets.make();
        return { store: () => deltaOfflineStore(buckets.objects(bucket), { checkpointEvery: 3 }) };
      },
    });
  });
});
