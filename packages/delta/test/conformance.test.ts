import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { offlineStoreConformance } from "@tidemark/core/testing";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { test } from "vitest";

offlineStoreConformance({
  test,
  make: async () => {
    const directory = await mkdtemp(join(tmpdir(), "tidemark-delta-"));
    return {
      // With few commits between checkpoints, most tests cover states that were read from a
      // checkpoint.
      store: () => deltaOfflineStore(localObjects(directory), { checkpointEvery: 3 }),
      remove: () => rm(directory, { recursive: true }),
    };
  },
});
