/** The state of an aggregation, and what can be done with it. */
import type { ByteReader } from "../bytes/bytes.ts";
import type { Vector } from "../columns/batch.ts";
import type { Overflows } from "../columns/overflows.ts";
import type { Value } from "../specs.ts";

export type { Overflows };

/**
 * The state of an aggregation over some rows, and what can be done with it. A state may be merged,
 * kept as bytes, and finished again after more rows.
 * Missing values are ignored (law 9: nulls are ignored by aggregates).
 * The order of rows does not matter (law 3: a sum is rounded once, at the end), unless the class is
 * "ordered".
 */
export interface Accumulator<State = unknown> {
  /**
   * What its states hold. Aggregations over equal arguments and rows use one state if its name is
   * equal: `finish` leaves what a state says. A state of more detail serves where less is asked.
   * Omitted: each aggregation has a state of its own.
   */
  readonly holds?: { readonly name: string; readonly detail: number } | undefined;
  /** Makes the state over no rows. */
  create(): State;
  /** Takes all rows away. The state keeps its memory. */
  clear(state: State): void;
  /**
   * Takes rows `rows[0]` to `rows[length − 1]` of the arguments' vectors. If the record says
   * `times`, the vector of event times follows them. Of the class "ordered", the rows come by event
   * time, after all rows that were added before.
   */
  add(state: State, vectors: readonly Vector[], rows: Int32Array, length: number): void;
  /** Takes rows away that were added before. Omitted if the state cannot forget. */
  subtract?(state: State, vectors: readonly Vector[], rows: Int32Array, length: number): void;
  /**
   * Adds the rows of another state, which is left as it is. Of the class "ordered", all of them
   * come after the rows of this state.
   */
  merge(state: State, other: State): void;
  /** Writes a state. States over equal rows have equal bytes. */
  encode(state: State): Uint8Array;
  /**
   * Reads a state.
   *
   * @throws STATE_DAMAGED when the bytes are not those of a state.
   */
  decode(bytes: Uint8Array): State;
  /**
   * Adds the rows of a state that `encode` wrote at the reader's position, as `merge` of `decode`
   * does. Omitted: it would not be faster.
   */
  mergeEncoded?(state: State, reader: ByteReader): void;
  /** Answers at the time `t`, µs. Only a record with `clock` reads the time. */
  finish(state: State, overflows: Overflows, t: number): Value;
}
