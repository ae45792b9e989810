import { valueAt } from "../columns/batch.ts";
import type { Aggregation, Ordered } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { TypeSpec, Value } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";
import { int64Count, type Accumulator, type Aggregator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/**
 * Counts how often a value differs from the one before it, in the order of rows. Nulls are passed
 * over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const vendor_changes_l1w = changes(transactions.vendor).over("7d");
 */
export function changes<E extends AnyExpr>(x: Ordered<E>): Aggregation<SourceOf<E>, number> {
  return makeAggregation(changesAggregator, [x]);
}

/** The record of `changes`. */
export const changesAggregator: Aggregator = {
  name: "changes",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "ordered",
  order: true,
  accumulator: ([form]) => changeCounter(form!),
  sql: "answer",
  rule: "neighbours that differ, in the order of rows; nulls are passed over",
  examples: [{ call: "changes(k)", arguments: ["k"], answer: 3n }],
};

interface Changes {
  first: Value;
  last: Value;
  count: number;
}

function changeCounter(form: TypeSpec): Accumulator {
  const { compare } = typeOf(form);
  const none: Changes = { first: null, last: null, count: 0 };
  const accumulator: Accumulator<Changes> = {
    create: () => ({ ...none }),
    clear(state) {
      Object.assign(state, none);
    },
    add(state, vectors, rows, length) {
      const vector = vectors[0]!;
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector, rows[i]!);
        if (value === null) continue;
        if (state.last === null) state.first = value;
        else if (compare(state.last, value) !== 0) state.count++;
        state.last = value;
      }
    },
    merge(state, next) {
      if (next.first === null) return;
      if (state.last === null) state.first = next.first;
      else if (compare(state.last, next.first) !== 0) state.count++;
      state.count += next.count;
      state.last = next.last;
    },
    encode: ({ first, last, count }) =>
      encoded((writer) => {
        writeValue(writer, first);
        writeValue(writer, last);
        writer.varint(count);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => ({
        first: readValue(reader),
        last: readValue(reader),
        count: reader.varint(),
      })),
    finish: ({ count }) => int64Count(count),
  };
  return accumulator as Accumulator;
}
