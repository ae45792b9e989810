import type { Expr } from "../define/expression-types.ts";
import type { ValueType } from "../specs.ts";
import type { Aggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { int64Count, type Accumulator, type Aggregator } from "./aggregator.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";

/**
 * Counts rows; with an argument, the rows in which it is not null. Never null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 *
 * @example
 * const transactions_l1w = count().over("7d");
 */
export function count<S extends string = never>(
  x?: Expr<S, ValueType, unknown>,
): Aggregation<S, number, "int64"> {
  return makeAggregation(countAggregator, [x]);
}

/** The record of `count`. */
export const countAggregator: Aggregator = {
  name: "count",
  parameters: [{ name: "x", accepts: "any", optional: true }],
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "invertible",
  accumulator: () => rowCount,
  sql: "answer",
  rule: "rows; with an argument, rows in which it is there",
  examples: [
    { call: "count()", arguments: [], answer: 5n },
    { call: "count(x)", arguments: ["x"], answer: 4n },
  ],
};

/** Counts rows; with a vector, those that have a value (law 9: nulls are ignored). */
const rowCount: Accumulator<{ rows: number }> = {
  create: () => ({ rows: 0 }),
  clear(state) {
    state.rows = 0;
  },
  add(state, vectors, rows, length) {
    state.rows += presentRows(vectors[0]?.valid ?? null, rows, length);
  },
  subtract(state, vectors, rows, length) {
    state.rows -= presentRows(vectors[0]?.valid ?? null, rows, length);
  },
  merge(state, other) {
    state.rows += other.rows;
  },
  encode: ({ rows }) => encoded((writer) => writer.varint(rows)),
  decode: (bytes) => decoded(bytes, (reader) => ({ rows: reader.varint() })),
  mergeEncoded(state, reader) {
    state.rows += reader.varint();
  },
  finish: ({ rows }) => int64Count(rows),
};

function presentRows(valid: Uint8Array | null, list: Int32Array, length: number): number {
  if (valid === null) return length;
  let rows = 0;
  for (let i = 0; i < length; i++) rows += valid[list[i]!]!;
  return rows;
}
