export { memoryOnlineData, memoryOnlineStore } from "./memory-online.ts";
export type { MemoryOnlineData } from "./memory-online.ts";
export { onlineStoreConformance } from "./online-conformance.ts";
export type { OnlineStoreUnderTest } from "./online-conformance.ts";
