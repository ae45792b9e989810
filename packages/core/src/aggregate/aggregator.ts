/** The record of an aggregator: everything that Tidemark knows of one aggregation. */
import type { Vector } from "../columns/batch.ts";
import type { AggregationKind } from "../define/aggregation-kind.ts";
import type { AggregateOptions, TypeSpec, Value } from "../specs.ts";
import type { Overflows } from "../columns/overflows.ts";
import type { Accumulator } from "../statistics/accumulator.ts";
import type { WindowQueue } from "./window-queue.ts";

export type { Accumulator, Overflows };

/**
 * What Tidemark knows of one aggregation. Definitions, kernels, generators, tests and the page of
 * aggregations read this record.
 */
export interface Aggregator extends AggregationKind {
  /** Returns the answer over nothing. `result` is the form of its values. */
  readonly empty: (result: TypeSpec, options: AggregateOptions) => Value;
  readonly class: StateClass;
  /**
   * True if the order of rows of one event time matters: `createdAt`, then primary key. Omitted: it
   * does not.
   */
  readonly order?: true | undefined;
  /** True if it reads event times: a vector of type timestamp follows those of the arguments. */
  readonly times?: true | undefined;
  /** True if a state is larger than the rows of a small window. */
  readonly large?: true | undefined;
  /** True if the answer moves with t although no row enters or leaves a window. */
  readonly clock?: true | undefined;
  /**
   * Makes the accumulator of arguments of these forms. null: a fact, which has no window.
   * The forms are looked at here, once for a column, and not at each value.
   */
  readonly accumulator:
    | ((arguments_: readonly TypeSpec[], options: AggregateOptions) => Accumulator)
    | null;
  /**
   * Makes a faster kernel for arguments of these forms; null: the accumulator is as fast. It
   * answers alike and knows no merge.
   */
  readonly kernel?: ((arguments_: readonly TypeSpec[]) => Kernel | null) | undefined;
  /**
   * Makes a queue for windows whose rows enter and leave in the order of time; null: there is none
   * for arguments of these forms. It answers as the accumulator does.
   */
  readonly queue?: ((arguments_: readonly TypeSpec[]) => WindowQueue | null) | undefined;
  /** How SQL computes it with the same bits. Omitted: it is computed in core only. */
  readonly sql?: SqlSupport | undefined;
  /** What it answers, in a few words for the page of aggregations. */
  readonly rule: string;
  readonly examples: readonly AggregatorExample[];
}

/**
 * How SQL computes an aggregation with the same bits. "answer": SQL gives the answer. "partial":
 * SQL gives exact partial results, such as sums of floats by blocks of exponents, and one rounding
 * is left.
 */
export type SqlSupport = "answer" | "partial";

/**
 * What a state is good for if rows come and go.
 * "invertible": of a bounded size; what leaves is subtracted exactly.
 * "multiset": counts of values; what leaves is subtracted exactly.
 * "mergeable": it merges, and nothing can be subtracted.
 * "ordered": it merges with the state of the rows that come next in their order.
 * "rows": it keeps what it needs of each row.
 * "fact": there is no state.
 */
export type StateClass = "invertible" | "multiset" | "mergeable" | "ordered" | "rows" | "fact";

/** A kernel over the rows of one set of vectors after another, whose memory is allocated once. */
export interface Kernel {
  /** Sets the arguments' vectors whose rows come next. Rows that were added before are void. */
  bind(vectors: readonly Vector[]): void;
  reset(): void;
  /** Takes rows `rows[0]` to `rows[length − 1]` of the vectors. */
  add(rows: Int32Array, length: number): void;
  /** Takes rows away that were added before. Omitted if the state cannot forget. */
  subtract?(rows: Int32Array, length: number): void;
  /** Answers at `t`, µs. It may be called again after more calls of `add`, until `reset`. */
  finish(t: number): Value;
}

/** A column of the rows of the page of aggregations. */
type ExampleColumn = "x" | "k" | "ok" | "hour" | "v";

/** An example over the rows of the page of aggregations. */
export interface AggregatorExample {
  /** How it is written: `sum(x)`. */
  readonly call: string;
  /** The columns of the rows that are its arguments; an object is a struct of them. */
  readonly arguments: readonly (ExampleColumn | { readonly [member: string]: ExampleColumn })[];
  readonly options?: AggregateOptions | undefined;
  readonly answer: Value;
}

const SMALL_COUNTS: readonly bigint[] = Array.from({ length: 1024 }, (_, n) => BigInt(n));

/** A count as an int64. Small counts are shared, because each new bigint is an object. */
export function int64Count(rows: number): bigint {
  return SMALL_COUNTS[rows] ?? BigInt(rows);
}
