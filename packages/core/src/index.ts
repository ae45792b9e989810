export { TidemarkError, isRetryable, isTidemarkError } from "./errors.ts";
export type { ErrorCode } from "./error-codes.ts";
export { didYouMean } from "./did-you-mean.ts";
export { durationText } from "./define/duration.ts";
export type { ValueType, Value } from "./specs.ts";
export { batchOf, valueAt } from "./columns/batch.ts";
export { formatDate, formatTime, parseDate, parseTime } from "./time/parse-time.ts";
export * from "./define/index.ts";
export type {
  Answer,
  BeforeHistory,
  EntityColumns,
  FeatureReads,
  Knowledge,
  OnlineAnswer,
  OnlineColumns,
  RequestedEntities,
  TrainingSet,
} from "./request/request-types.ts";
export type { BackfillOptions, BackfillResult } from "./online/backfill.ts";
export { keyReader, keysNeeded, type KeyReader } from "./request/entity-keys.ts";
export { answerOf, requestedKeys, type OnlineRequestInput } from "./request/online-request.ts";
export {
  openStore,
  type OnlineRequest,
  type ResnapshotOptions,
  type RunOptions,
  type Store,
  type StoreOptions,
} from "./store/store.ts";
export type { CatchUpOptions, Pushes, PushOptions, PushResult } from "./push/push-types.ts";
export type { ResnapshotResult, SnapshotEnding } from "./resnapshot/resnapshot.ts";
export {
  definitionMismatchText,
  type DefinitionMismatch,
  type OnDefinitionMismatch,
} from "./registry/definition-mismatch.ts";
export type {
  ApplyOptions,
  ApplyResult,
  PlannedChange,
  RegistryPlan,
} from "./registry/registry.ts";
export type { RunProgress, RunResult } from "./ingest/runner.ts";
export { backpressureText, type StoreBackpressure } from "./ingest/backpressure.ts";
export type { StoreTable } from "./store/store-tables.ts";
export type { QuarantinedRow, SourceStatus } from "./store/source-status.ts";
export type {
  MaterializedView,
  MaterializeOptions,
  MaterializeProgress,
  MaterializeResult,
} from "./materialize/types.ts";
