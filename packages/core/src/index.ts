export { TidemarkError, isRetryable, isTidemarkError } from "./errors.ts";
export type { ErrorCode } from "./error-codes.ts";
export type { ValueType, Value } from "./specs.ts";
export { all } from "./aggregate/all.ts";
export { any } from "./aggregate/any.ts";
export { approxCountDistinct } from "./aggregate/approx-count-distinct.ts";
export { approxQuantile } from "./aggregate/approx-quantile.ts";
export { avg } from "./aggregate/avg.ts";
export { changes } from "./aggregate/changes.ts";
export { bottomK } from "./aggregate/bottom-k.ts";
export { bottomKBy } from "./aggregate/bottom-k-by.ts";
export { correlation } from "./aggregate/correlation.ts";
export { count } from "./aggregate/count.ts";
export { countDistinct } from "./aggregate/count-distinct.ts";
export { covariance } from "./aggregate/covariance.ts";
export { currentStreak } from "./aggregate/current-streak.ts";
export { decayedAvg } from "./aggregate/decayed-avg.ts";
export { decayedCount } from "./aggregate/decayed-count.ts";
export type { Decay } from "./aggregate/decay-state.ts";
export { decayedSum } from "./aggregate/decayed-sum.ts";
export { drawdown } from "./aggregate/drawdown.ts";
export { distinctValues } from "./aggregate/distinct-values.ts";
export { entropy } from "./aggregate/entropy.ts";
export { first } from "./aggregate/first.ts";
export { firstN } from "./aggregate/first-n.ts";
export { histogram } from "./aggregate/histogram.ts";
export { kurtosis } from "./aggregate/kurtosis.ts";
export { last } from "./aggregate/last.ts";
export { lastN } from "./aggregate/last-n.ts";
export { latest } from "./aggregate/latest.ts";
export { longestStreak } from "./aggregate/longest-streak.ts";
export { max } from "./aggregate/max.ts";
export { maxBy } from "./aggregate/max-by.ts";
export { maxGap } from "./aggregate/max-gap.ts";
export { maxSession } from "./aggregate/max-session.ts";
export { meanGap } from "./aggregate/mean-gap.ts";
export { meanSession } from "./aggregate/mean-session.ts";
export { median } from "./aggregate/median.ts";
export { min } from "./aggregate/min.ts";
export { minBy } from "./aggregate/min-by.ts";
export { minGap } from "./aggregate/min-gap.ts";
export { mode } from "./aggregate/mode.ts";
export { mostFrequent } from "./aggregate/most-frequent.ts";
export { quantile } from "./aggregate/quantile.ts";
export { sessionCount } from "./aggregate/session-count.ts";
export { quantiles } from "./aggregate/quantiles.ts";
export { share } from "./aggregate/share.ts";
export { skewness } from "./aggregate/skewness.ts";
export { slope } from "./aggregate/slope.ts";
export { stddev } from "./aggregate/stddev.ts";
export { sum } from "./aggregate/sum.ts";
export { timeSinceFirst } from "./aggregate/time-since-first.ts";
export { timeSinceLast } from "./aggregate/time-since-last.ts";
export { trend } from "./aggregate/trend.ts";
export { topK } from "./aggregate/top-k.ts";
export { topKBy } from "./aggregate/top-k-by.ts";
export { variance, type Estimator } from "./aggregate/variance.ts";
export { vectorAvg } from "./aggregate/vector-avg.ts";
export { vectorSum } from "./aggregate/vector-sum.ts";
export type {
  Aggregation,
  Computed,
  Latest,
  LatestWithDefault,
  NullableAggregation,
  NullableWindowAggregation,
  Ratio,
  RatioWithDefault,
  Renamed,
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
  oneOf,
  string,
  timestamp,
} from "./define/columns.ts";
export type {
  BytesOptions,
  DecimalOptions,
  NumberMode,
  TimestampOptions,
} from "./define/columns.ts";
export type {
  CategoryMapType,
  CategoryStructType,
  Column,
  ColumnType,
  Columns,
  InputOf,
  InputsOf,
  ListType,
  MapType,
  StructType,
} from "./define/column-types.ts";
export { list, struct, type PartsType } from "./define/parts-types.ts";
export { derivedSource } from "./define/derived-source.ts";
export { from, unionSource, type Part } from "./define/union-source.ts";
export { explodedSource } from "./define/exploded-source.ts";
export { enrichedSource } from "./define/enriched-source.ts";
export type { Duration, TimeLimit } from "./define/duration.ts";
export { entity, type Entity } from "./define/entity.ts";
export type { AnyExpr, Expr, Literal, Term } from "./define/expression-types.ts";
export { add, div, mod, mul, sub } from "./define/functions/arithmetic.ts";
export { and, isNotNull, isNull, not, or, type Condition } from "./define/functions/boolean.ts";
export { between, eq, gt, gte, inList, lt, lte, ne } from "./define/functions/comparison.ts";
export {
  caseWhen,
  clamp,
  coalesce,
  greatest,
  least,
  nullIf,
  when,
  type When,
} from "./define/functions/conditional.ts";
export { cast, hashBucket, jsonPath } from "./define/functions/conversion.ts";
export {
  avgOf,
  maxOf,
  minOf,
  quantileOf,
  slopeOf,
  stddevOf,
  sumOf,
} from "./define/functions/lists.ts";
export {
  abs,
  binOf,
  ceil,
  exp,
  floor,
  log,
  log1p,
  neg,
  power,
  round,
  sign,
  sqrt,
} from "./define/functions/numbers.ts";
export { contains, elementOf, member, valueAt } from "./define/functions/parts.ts";
export {
  concat,
  endsWith,
  length,
  like,
  lower,
  matches,
  splitPart,
  startsWith,
  substring,
  trim,
  upper,
} from "./define/functions/text.ts";
export {
  asOf,
  dateOf,
  dayOfMonth,
  dayOfWeek,
  daysBetween,
  elapsed,
  hourOf,
  isWeekend,
  minuteOfDay,
  monthOf,
  yearOf,
} from "./define/functions/time.ts";
export type { Feature } from "./define/feature.ts";
export { featureService, type FeatureService } from "./define/feature-service.ts";
export { derivedView, type DerivedView } from "./define/derived-view.ts";
export {
  transform,
  type TransformAnswers,
  type TransformArguments,
  type TransformDefinition,
  type TransformInputs,
  type TransformOutputs,
} from "./define/transform.ts";
export { fresh, holds, unique, volume, type Expectation } from "./define/expectations.ts";
export { quality, type Quality } from "./define/quality.ts";
export { requestData, type RequestColumn, type RequestData } from "./define/request-data.ts";
export { featureView, type FeatureView } from "./define/feature-view.ts";
export { feature, type FunctionFeature } from "./define/function-feature.ts";
export { ratio } from "./define/ratio.ts";
export type { Deprecation, Metadata, Sensitivity } from "./metadata.ts";
export { select, type SelectOptions } from "./define/select.ts";
export { selectedFeatures, type NeedsOf, type RowOf, type Selection } from "./define/selection.ts";
export type { Invalid } from "./define/shape.ts";
export { explainPlan } from "./plan/explain.ts";
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
export type { DurationUnit } from "./time/duration-unit.ts";
export type { TimeUnit } from "./time/time-unit.ts";
export { toJson, type Json } from "./define/to-json.ts";
export { toSql } from "./define/to-sql.ts";
export {
  calendarSeries,
  current,
  lastRows,
  lifetime,
  previous,
  series,
  window,
  type NewestRows,
  type Series,
  type Window,
} from "./define/windows.ts";
export type {
  Answer,
  BeforeHistory,
  EntityColumns,
  FeatureReads,
  Knowledge,
  MissingAsNull,
  OnlineAnswer,
  OnlineColumns,
  OnMissing,
  RequestedEntities,
  TrainingSet,
} from "./request/request-types.ts";
export type { BackfillOptions, BackfillProgress, BackfillResult } from "./online/backfill.ts";
export type {
  ErasedCells,
  EraseOptions,
  EraseProgress,
  ErasureReceipt,
} from "./erase/erase-types.ts";
export type { ErasedRows } from "./erase/edit-rows.ts";
export { openStore } from "./store/store.ts";
export type { RetryResult } from "./retry/retry.ts";
export type {
  OnlineRequest,
  ResnapshotOptions,
  RetryOptions,
  RunOptions,
  StatusOptions,
  Store,
  StoreServingLog,
} from "./store/store-types.ts";
export type {
  AnswerCacheOptions,
  CommitOptions,
  Keep,
  OfflineOptions,
  OnlineOptions,
  StoreOptions,
} from "./store/store-options.ts";
export type { CatchUpOptions, Pushes, PushOptions, PushResult } from "./push/push-types.ts";
export { restoreBackup } from "./backup/restore.ts";
export type { RestoreOptions, RestoreResult } from "./backup/restore.ts";
export type { BackupOptions, BackupStep } from "./backup/backup.ts";
export type { BackupFile, BackupManifest, BackupSource, BackupTable } from "./backup/manifest.ts";
export type { PairProblemCode } from "./pairing/pair-problem.ts";
export type {
  ColumnDrift,
  DriftHistoryOptions,
  DriftMeasure,
  DriftOptions,
  DriftReference,
  DriftReport,
  DriftThresholds,
  MeasuredDrift,
  SharedProfiles,
} from "./drift/drift-types.ts";
export type {
  ColumnProfile,
  DayProfile,
  FrequentValue,
  ProfiledRows,
  ProfileHistogram,
  ProfileOptions,
  ProfileProgress,
  ProfileQuantiles,
  ProfileReference,
  ProfileReport,
} from "./profile/profile-types.ts";
export type {
  ExplainedAnswer,
  ExplainedLookup,
  ExplainedPart,
  ExplainedRow,
  ExplainedStep,
  ExplainedVersion,
  ExplainFrom,
  ExplainRequest,
  Explanation,
} from "./explain/explain-types.ts";
export type { JsonRow, JsonValue } from "./explain/exact-json.ts";
export type { RowReason } from "./explain/seen-rows.ts";
export type { ExpectationResult, QualityOptions, QualityReport } from "./quality/quality-types.ts";
export type {
  AuditAction,
  AuditCaller,
  AuditCounts,
  AuditedAction,
  AuditEntry,
  AuditOutcome,
  AuditsOptions,
  AuditStatus,
  StoreAudit,
} from "./audit/audit-types.ts";
export type { ServingLogOptions } from "./serving-log/serving-log-options.ts";
export type { ServingLogStatus } from "./serving-log/serving-log-status.ts";
export type {
  FeatureSkew,
  SkewCount,
  SkewedValue,
  SkewExample,
  SkewKind,
  SkewOptions,
  SkewReport,
} from "./skew/skew-types.ts";
export type { ResnapshotResult, SnapshotEnding } from "./resnapshot/resnapshot.ts";
export type { DefinitionMismatch, OnDefinitionMismatch } from "./registry/definition-mismatch.ts";
export type { AppliedChange, AppliedVersion } from "./registry/apply-log.ts";
export type { NotTaken } from "./ingest/not-taken.ts";
export type { SourceMismatch } from "./ingest/source-fit.ts";
export type { ApplyResult, PlannedChange, RegistryPlan } from "./registry/plan-types.ts";
export type { ApplyOptions } from "./registry/registry.ts";
export type { RuntimeDifference } from "./registry/runtime-data.ts";
export type { LoweredSensitivity, MetadataChange } from "./registry/metadata-changes.ts";
export type { ReusedVersion } from "./registry/transform-versions.ts";
export type { RewriteProgress, RewrittenVersions } from "./offline/rewrite-versions.ts";
export type { ServingStatus } from "./registry/serving.ts";
export type { KeptRows } from "./registry/kept-rows.ts";
export type { PlannedMaterialization } from "./registry/materialized-work.ts";
export type { PlannedBackfill, SourceWork, WorkEstimate } from "./registry/source-work.ts";
export type { RateBasis } from "./registry/work-rates.ts";
export type { ChangesProgress, RunProgress, RunResult } from "./ingest/runner.ts";
export type { StoreBackpressure } from "./ingest/backpressure.ts";
export type {
  FeatureTimeline,
  Timeline,
  TimelinePoint,
  TimelineRequest,
} from "./timeline/timeline-types.ts";
export type {
  EntityLogStorage,
  HistoryStorage,
  LargeEntity,
  OnlineStorage,
  StorageOptions,
  StoreStorage,
  TableStorage,
} from "./status/storage-types.ts";
export type { StoreTable } from "./status/store-tables.ts";
export type { QuarantinedRow } from "./status/quarantined-rows.ts";
export type { ChangesOptions, LoggedChange } from "./status/newest-changes.ts";
export type { BytesText, MessageBytes } from "./status/message-bytes.ts";
export type { SourceReadiness } from "./status/readiness.ts";
export type { PartitionLagStatus, SourceLag } from "./status/log-lag.ts";
export type { BackfillStatus } from "./status/backfill-status.ts";
export type { ExpectationViolations, SourceStatus } from "./status/source-status.ts";
export type { StatusMismatch } from "./status/status-mismatches.ts";
export type {
  MaterializedView,
  MaterializeOptions,
  MaterializeProgress,
  MaterializeResult,
} from "./materialize/types.ts";
export {
  ENTITY_ROW_BOUNDS,
  type AnswerCounts,
  type EntityRowCounts,
  type FeatureAnswerCounts,
} from "./online/answer-counts.ts";
export type { CheckResults, DriftResult, ExpectationState } from "./status/check-results.ts";
