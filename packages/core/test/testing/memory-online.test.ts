import { test } from "vitest";
import { memoryOnlineData, memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { onlineStoreConformance } from "../../src/testing/online-conformance.ts";

onlineStoreConformance({
  test,
  make: async () => {
    const data = memoryOnlineData();
    return { store: () => memoryOnlineStore(data) };
  },
});
