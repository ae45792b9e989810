export { TidemarkError, isTidemarkError } from "./errors.ts";
export type { Kind, Value } from "./model.ts";
export { valueAt } from "./columns/batch.ts";
export { formatDate, formatTime, parseDate, parseTime } from "./time/parse-time.ts";
export * from "./define/index.ts";
export type { Answer, EntityFrame, FeatureReads, OnlineAnswers, TrainingSet } from "./store/store-types.ts";
export { openStore, type OnlineRequest, type RunOptions, type Store, type StoreOptions } from "./store/store.ts";
export type { RunProgress, RunResult } from "./stream/runner.ts";
export type { QuarantinedRow, SourceStatus } from "./store/source-status.ts";
