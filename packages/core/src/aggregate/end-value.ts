/** The state of `first` and `last`: the value nearest to one end of the rows. */
import { valueAt } from "../columns/batch.ts";
import type { Value } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/** The first or the last value of rows in their order; null over nothing. */
export function endValue(end: "first" | "last"): Accumulator {
  const isFirst = end === "first";
  const accumulator: Accumulator<{ value: Value }> = {
    create: () => ({ value: null }),
    clear(state) {
      state.value = null;
    },
    add(state, vectors, rows, length) {
      if (isFirst && state.value !== null) return;
      const vector = vectors[0]!;
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector, rows[isFirst ? i : length - 1 - i]!);
        if (value === null) continue;
        state.value = value;
        return;
      }
    },
    merge(state, { value }) {
      if (value !== null && !(isFirst && state.value !== null)) state.value = value;
    },
    encode: ({ value }) => encoded((writer) => writeValue(writer, value)),
    decode: (bytes) => decoded(bytes, (reader) => ({ value: readValue(reader) })),
    // No answer is −0 (law 3).
    finish: ({ value }) => (value === 0 ? 0 : value),
  };
  return accumulator as Accumulator;
}
