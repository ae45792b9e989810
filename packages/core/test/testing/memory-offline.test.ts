import { test } from "vitest";
import { memoryOfflineData, memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { offlineStoreConformance } from "../../src/testing/offline-conformance.ts";

offlineStoreConformance({
  test,
  make: async () => {
    const data = memoryOfflineData();
    return { store: () => memoryOfflineStore(data) };
  },
});
