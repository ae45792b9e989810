/** The functions and types that users write definitions with. */
export { avg, count, countDistinct, latest, max, min, sum } from "./aggregations.ts";
export type {
  Aggregation,
  Computed,
  Latest,
  NullableAggregation,
  NullableWindowAggregation,
  WindowAggregation,
} from "./aggregations.ts";
export { collectDefinitions, type Definitions } from "./collect-definitions.ts";
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
} from "./columns.ts";
export type { DecimalOptions, NumberMode, TimestampOptions } from "./columns.ts";
export type { Column, ColumnType, Columns, InputOf, InputsOf } from "./column-types.ts";
export type { Duration } from "./duration.ts";
export { entity, type Entity } from "./entity.ts";
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
} from "./expressions.ts";
export type { Feature } from "./feature.ts";
export { featureService, type FeatureService } from "./feature-service.ts";
export { featureView, type FeatureView } from "./feature-view.ts";
export {
  selectionFrom,
  selectedFeatures,
  type NeedsOf,
  type RowOf,
  type Selection,
} from "./selection.ts";
export type { Invalid } from "./shape.ts";
export {
  pushSource,
  type PushKey,
  type PushRow,
  type PushSource,
  type PushSourceInfo,
} from "./push-source.ts";
export { commitTime, source, type CommitTime, type Source, type SourceInfo } from "./source.ts";
export { specOfEntity, specOfService, specOfSource, specOfView } from "./spec-of.ts";
export { micros, timeOf, type Micros, type TimeInput } from "./time-input.ts";
export { toJson, type Json } from "./to-json.ts";
export { toSql } from "./to-sql.ts";
export { fromUser, toUser } from "./user-values.ts";
