/** What is asked of the history of a source. */
import type { NumberOfKey } from "../columns/key-numbers.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { ColumnSpec } from "../specs.ts";
import type { EntityKeyRanges } from "./key-range.ts";

export interface EventsQuery {
  /** The plan's columns, by their names in the definitions. */
  readonly columns: readonly ColumnSpec[];
  readonly keyColumns: readonly string[];
  /** The number of an entity key; −1: the entity is not requested. */
  readonly entityOf: NumberOfKey;
  /** The knowledge of the query. A dimension is always read as known (law 2: "in every mode"). */
  readonly knowledge: Knowledge;
  /** Event times that can matter, µs, both ends included. */
  readonly times: { readonly min: number; readonly max: number };
  /** The first of the requested entity keys. Default: any. */
  readonly keys?: EntityKeyRanges | undefined;
  /** Whether rows count that an expectation of the source quarantines. Default: they do not. */
  readonly withViolations?: boolean | undefined;
  /** The number of threads that may read ahead. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
