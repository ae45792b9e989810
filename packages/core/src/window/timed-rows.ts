/** Rows of one or more entities, sorted by event time within each: what the kernels read. */
import type { Batch } from "../columns/batch.ts";
import type { ResultColumns, Status } from "../spi.ts";
import type { FeatureSpec, Value } from "../specs.ts";

/** As many as `columns` says; the arrays may be longer. */
export interface TimedRows {
  /** Event time, µs. */
  readonly time: Float64Array;
  /** Known from and known to, µs; null: seen at every time. */
  readonly from: Float64Array | null;
  readonly to: Float64Array | null;
  readonly columns: Batch;
}

/** Answers that a kernel writes into, one set per feature. */
export interface ResultWriter extends ResultColumns {
  readonly values: Value[];
  readonly statuses: Status[];
  readonly times: Float64Array;
}

export function resultWriters(features: readonly FeatureSpec[], length: number): ResultWriter[] {
  return features.map(() => ({
    values: new Array<Value>(length).fill(null),
    statuses: new Array<Status>(length).fill("NOT_FOUND"),
    times: new Float64Array(length).fill(NaN),
  }));
}

/** A default replaces any null, the status stays (law 7). */
export function withDefault(feature: FeatureSpec, value: Value): Value {
  return value === null && feature.default !== undefined ? feature.default : value;
}
