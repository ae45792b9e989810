/** What `topK` and `bottomK` share: the first of all values in one of two orders. */
import type { AggregateOptions, Value, ValueType } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";

/** Makes the accumulator of the `k` least (`sign` 1) or greatest (`sign` −1) values. */
export function extremesAccumulator(
  type: ValueType,
  sign: -1 | 1,
  { k, distinct }: AggregateOptions,
): Accumulator {
  return multisetAccumulator(type, (values) => {
    const sorted = values.sorted();
    const answer: Value[] = [];
    for (let i = 0; i < sorted.length && answer.length < (k as number); i++) {
      const { value, rows } = sign < 0 ? sorted[sorted.length - 1 - i]! : sorted[i]!;
      const times = distinct === true ? 1 : Math.min(rows, (k as number) - answer.length);
      for (let left = times; left > 0; left--) answer.push(value);
    }
    return answer;
  });
}
