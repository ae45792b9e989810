/** The input and the output of the kernels: rows by entity and event time, and result columns. */
import type { Batch } from "../columns/batch.ts";
import type { ResultColumns, Status } from "../spi.ts";
import type { Value } from "../specs.ts";

/**
 * Rows of one or more entities, sorted by event time within each.
 * The number of rows is that of `columns`; the other arrays may be longer.
 */
export interface TimedRows {
  /** Event time, µs. */
  readonly time: Float64Array;
  /** Known from and known to, µs. null: every row is seen at every time. */
  readonly from: Float64Array | null;
  readonly to: Float64Array | null;
  readonly columns: Batch;
}

/** Result columns that a kernel writes, one set per column of the plan. */
export interface ResultWriter extends ResultColumns {
  readonly values: Value[];
  readonly statuses: Status[];
  readonly times: Float64Array;
}

/** A result column that takes the value of any place. Each place is written once. */
export interface AnswerColumn {
  /** `status` is an index of `ENGINE_STATUSES`. `time` is NaN if there is none. */
  put(place: number, value: Value, status: number, time: number): void;
}

export function resultWriters(columns: readonly unknown[], length: number): ResultWriter[] {
  return columns.map(() => ({
    values: new Array<Value>(length).fill(null),
    statuses: new Array<Status>(length).fill("NOT_FOUND"),
    times: new Float64Array(length).fill(NaN),
  }));
}

/**
 * Replaces null by the column's default (law 7: a default replaces any null, and the status stays).
 */
export function withDefault(column: { readonly default?: Value | undefined }, value: Value): Value {
  return value === null && column.default !== undefined ? column.default : value;
}
