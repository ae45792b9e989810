/** The state of `topKBy` and `bottomKBy`: the rows whose `by` are the largest or smallest. */
import { valueAt } from "../columns/batch.ts";
import type { Value, ValueType } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/** The rows that are listed, in the order of the list. */
interface ValuesBy {
  readonly by: NonNullable<Value>[];
  readonly values: Value[];
}

/**
 * The values of the `k` rows with the smallest (`sign` −1) or largest (`sign` 1) `by`, the best
 * first. The rows come in their order. Of equals the newest comes first, so a row goes before those
 * that are as good.
 */
export function valuesByAccumulator(byType: ValueType, sign: -1 | 1, k: number): Accumulator {
  const { compare } = scalarTypeOf(byType);
  /** How many of the listed rows come before a newer row with this `by`. */
  const better = (listed: readonly NonNullable<Value>[], by: NonNullable<Value>): number => {
    let [from, to] = [0, listed.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compare(listed[middle]!, by) * sign > 0) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  const put = (state: ValuesBy, by: NonNullable<Value>, value: Value): void => {
    const place = better(state.by, by);
    if (place === k) return;
    state.by.splice(place, 0, by);
    // No answer holds −0 (law 3).
    state.values.splice(place, 0, value === 0 ? 0 : value);
    if (state.by.length <= k) return;
    state.by.pop();
    state.values.pop();
  };
  const accumulator: Accumulator<ValuesBy> = {
    create: () => ({ by: [], values: [] }),
    clear(state) {
      state.by.length = 0;
      state.values.length = 0;
    },
    add(state, vectors, rows, length) {
      const [values, keys] = [vectors[0]!, vectors[1]!];
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        // A row counts only if every argument is there.
        if (values.valid !== null && values.valid[row] === 0) continue;
        const by = valueAt(keys, row);
        if (by !== null) put(state, by, valueAt(values, row));
      }
    },
    merge(state, { by, values }) {
      // The later rows are newer. Of those that are equal, the last is put first.
      for (let i = by.length - 1; i >= 0; i--) put(state, by[i]!, values[i]!);
    },
    encode: ({ by, values }) =>
      encoded((writer) => {
        writeValue(writer, by);
        writeValue(writer, values);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const by = readValue(reader) as NonNullable<Value>[];
        return { by: [...by], values: [...(readValue(reader) as readonly Value[])] };
      }),
    finish: ({ values }) => [...values],
  };
  return accumulator as Accumulator;
}
