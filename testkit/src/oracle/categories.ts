/** Answers by category, naively: for each value of the key, the answer where the key equals it. */
import type { CategorySpec, Expression, Value } from "../../../packages/core/src/specs.ts";
import { conditionNode, literalNode } from "../generate/expressions.ts";
import type { Aggregated } from "./aggregate.ts";
import type { OracleFault } from "./planted-faults.ts";
import { compare, textOf } from "./values.ts";

/**
 * Answers an aggregation by category. `keys` are the keys of the rows that count, and `answerOf`
 * answers the aggregation over the rows that pass a condition.
 */
export function byCategory(
  { key, each, default: replaced }: CategorySpec,
  where: Expression | null,
  keys: readonly Value[],
  answerOf: (where: Expression) => Aggregated,
  fault: OracleFault | null,
): Aggregated {
  const rowsWith = (value: Value): number =>
    keys.filter((one) => textOf(one) === textOf(value)).length;
  const answers: Aggregated[] = [];
  const answer = (own: Expression): Value => {
    const found = answerOf(where === null ? own : conditionNode("and", where, own));
    answers.push(found);
    if (found.value === null && replaced !== undefined) return replaced.value;
    return Object.is(found.value, -0) && fault !== "negative zero kept" ? 0 : found.value;
  };
  const answerFor = (value: Value): Value =>
    answer(conditionNode("eq", key, literalNode(value, key)));
  const value: Value =
    each === undefined
      ? [
          ...(fault === "null is a category" && rowsWith(null) > 0
            ? [[null, answer(conditionNode("isNull", key))]]
            : []),
          ...kept(
            keys.filter((one, i) => one !== null && keys.findIndex(equals(one)) === i),
            (a, b) => compare(key.type, a, b),
            rowsWith,
          ).map((one) => [one, answerFor(one)]),
        ]
      : each.map((one) =>
          fault === "absent member is null" && rowsWith(one) === 0 ? null : answerFor(one),
        );
  return { value, overflow: answers.some(({ overflow }) => overflow) };
}

function equals(value: Value): (other: Value) => boolean {
  return (other) => textOf(other) === textOf(value);
}

/** The 1,000 categories with most rows, of equals the least, in their order. */
function kept(
  categories: readonly Value[],
  order: (a: Value, b: Value) => number,
  rowsWith: (value: Value) => number,
): readonly Value[] {
  return categories
    .toSorted((a, b) => rowsWith(b) - rowsWith(a) || order(a, b))
    .slice(0, 1000)
    .sort(order);
}
