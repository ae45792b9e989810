export { TidemarkError, isRetryable, isTidemarkError } from "./errors.ts";
export type { ErrorCode } from "./error-codes.ts";
export type { ValueType, Value } from "./specs.ts";
export { avg, count, countDistinct, latest, max, min, sum } from "./define/aggregations.ts";
export type {
  Aggregation,
  Computed,
  Latest,
  NullableAggregation,
  NullableWindowAggregation,
  WindowAggregation,
} from "./define/aggregations.ts";
export { collectDefinitions, type Definitions } from "./define/collect-definitions.ts";
export {
  boolean,
  bytes,
  date,
  decimal,
  float64,
  int32,
  int64,
  json,
  string,
  timestamp,
} from "./define/columns.ts";
export type { DecimalOptions, NumberMode, TimestampOptions } from "./define/columns.ts";
export type { Column, ColumnType, Columns, InputOf, InputsOf } from "./define/column-types.ts";
export type { Duration, TimeLimit } from "./define/duration.ts";
export { entity, type Entity } from "./define/entity.ts";
export {
  and,
  eq,
  gt,
  gte,
  inList,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  not,
  or,
  type Condition,
} from "./define/expressions.ts";
export type { Feature } from "./define/feature.ts";
export { featureService, type FeatureService } from "./define/feature-service.ts";
export { featureView, type FeatureView } from "./define/feature-view.ts";
export { selectedFeatures, type NeedsOf, type RowOf, type Selection } from "./define/selection.ts";
export type { Invalid } from "./define/shape.ts";
export {
  pushSource,
  type PushKey,
  type PushRow,
  type PushSource,
  type PushSourceInfo,
} from "./define/push-source.ts";
export {
  commitTime,
  source,
  type CommitTime,
  type Source,
  type SourceInfo,
} from "./define/source.ts";
export { micros, type Micros, type TimeInput } from "./define/time-input.ts";
export { toJson, type Json } from "./define/to-json.ts";
export { toSql } from "./define/to-sql.ts";
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
export { openStore } from "./store/store.ts";
export type { OnlineRequest, ResnapshotOptions, RunOptions, Store } from "./store/store-types.ts";
export type {
  AnswerCacheOptions,
  CommitOptions,
  Keep,
  OfflineOptions,
  OnlineOptions,
  StoreOptions,
} from "./store/store-options.ts";
export type { CatchUpOptions, Pushes, PushOptions, PushResult } from "./push/push-types.ts";
export type { ResnapshotResult, SnapshotEnding } from "./resnapshot/resnapshot.ts";
export type { DefinitionMismatch, OnDefinitionMismatch } from "./registry/definition-mismatch.ts";
export type {
  ApplyOptions,
  ApplyResult,
  PlannedChange,
  RegistryPlan,
} from "./registry/registry.ts";
export type { RunProgress, RunResult } from "./ingest/runner.ts";
export type { StoreBackpressure } from "./ingest/backpressure.ts";
export type { StoreTable } from "./status/store-tables.ts";
export type { QuarantinedRow } from "./status/quarantined-rows.ts";
export type { SourceStatus } from "./status/source-status.ts";
export type {
  MaterializedView,
  MaterializeOptions,
  MaterializeProgress,
  MaterializeResult,
} from "./materialize/types.ts";
