/** The state of `minBy` and `maxBy`: the value of the row whose `by` is the smallest or largest. */
import { valueAt } from "../columns/batch.ts";
import type { Value, ValueType } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

interface ValueBy {
  value: Value;
  /** null: there is no row yet. */
  by: Value;
}

/**
 * The value of the row with the smallest (`sign` −1) or largest (`sign` 1) `by`; null over nothing.
 * The rows come in their order, so that of equals the last one is the newest.
 */
export function valueByAccumulator(byType: ValueType, sign: -1 | 1): Accumulator {
  const { compare } = scalarTypeOf(byType);
  const wins = (by: NonNullable<Value>, best: Value): boolean =>
    best === null || compare(by, best) * sign >= 0;
  const accumulator: Accumulator<ValueBy> = {
    create: () => ({ value: null, by: null }),
    clear(state) {
      state.value = null;
      state.by = null;
    },
    add(state, vectors, rows, length) {
      const [values, keys] = [vectors[0]!, vectors[1]!];
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        // A row counts only if every argument is there.
        if (values.valid !== null && values.valid[row] === 0) continue;
        const by = valueAt(keys, row);
        if (by === null || !wins(by, state.by)) continue;
        state.by = by;
        state.value = valueAt(values, row);
      }
    },
    merge(state, { value, by }) {
      if (by === null || !wins(by, state.by)) return;
      state.by = by;
      state.value = value;
    },
    encode: ({ value, by }) =>
      encoded((writer) => {
        writeValue(writer, by);
        writeValue(writer, value);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const by = readValue(reader);
        return { by, value: readValue(reader) };
      }),
    // No answer is −0 (law 3).
    finish: ({ value }) => (value === 0 ? 0 : value),
  };
  return accumulator as Accumulator;
}
