import type { Latest, PresentValue } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";

/**
 * Takes a value of the entity's newest row, null included.
 * It has no window: the view's `ttl` says how long a row holds.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 *
 * @example
 * const city = latest(customers.city).default("unknown");
 */
export function latest<E extends AnyExpr>(x: E): Latest<SourceOf<E>, PresentValue<E>, TypeOf<E>> {
  return makeAggregation(latestAggregator, [x]);
}

/** The record of `latest`, which the point-in-time join computes. */
export const latestAggregator: Aggregator = {
  name: "latest",
  parameters: [{ name: "x", accepts: "any" }],
  result: ([form]) => ({ ...form!, nullable: true }),
  isFact: true,
  empty: () => null,
  class: "fact",
  order: true,
  accumulator: null,
  sql: "answer",
  rule: "the value of the newest row, null included; it has no window",
  examples: [{ call: "latest(k)", arguments: ["k"], answer: null }],
};
