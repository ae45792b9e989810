import { s3Objects } from "@tidemark/adapter-minio";
import { Coverage, differenceText, seedsFromEnvironment } from "@tidemark/testkit";
import { ownBucket } from "@tidemark/testkit/services/shared";
import { expect, test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { compareReal } from "../src/compare.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 12 });

suiteNeeding(minioServer(), "with the history in a bucket of a real MinIO", () => {
  test(
    "stream, history as corrected and history as known give the oracle's bits",
    { timeout: 300_000 },
    async () => {
      const bucket = await ownBucket();
      const coverage = new Coverage();
      for (let i = 0; i < seeds; i++) {
        const lake = (): ReturnType<typeof s3Objects> =>
          s3Objects({ ...bucket, prefix: `seed-${seed + i}` });
        expect((await compareReal(seed + i, coverage, lake)).map(differenceText)).toEqual([]);
      }
      console.log(`minio: ${seeds} seeds, ${coverage.comparisons} comparisons`);
      expect(coverage.comparisons).toBeGreaterThan(0);
    },
  );
});
