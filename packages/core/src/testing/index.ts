export { memoryOnlineData, memoryOnlineStore } from "./memory-online.ts";
export type { MemoryOnlineData } from "./memory-online.ts";
export { onlineStoreConformance } from "./online-conformance.ts";
export type { OnlineStoreUnderTest } from "./online-conformance.ts";
export { memoryOfflineData, memoryOfflineStore } from "./memory-offline.ts";
export type { MemoryOfflineData } from "./memory-offline.ts";
export { changeSourceConformance } from "./change-source-conformance.ts";
export type { ChangeSourceUnderTest } from "./change-source-conformance.ts";
export { computeEngineConformance } from "./engine-conformance.ts";
export { offlineStoreConformance } from "./offline-conformance.ts";
export type { OfflineStoreUnderTest } from "./offline-conformance.ts";
export { mockStore } from "./mock/mock-store.ts";
export type {
  MockChange,
  MockKey,
  MockQuestion,
  MockRow,
  MockSource,
  MockStore,
} from "./mock/mock-types.ts";
export { jobEngineConformance } from "./job-conformance.ts";
export type { JobEngineUnderTest, JobQuestion } from "./job-conformance.ts";
