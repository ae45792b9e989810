/** The state of `min` and `max`: the smallest or the largest value. */
import { valueAt, vectorOfKind } from "../columns/batch.ts";
import type { Value, ValueType } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";
import type { Accumulator } from "./accumulator.ts";
import { decoded, encoded, readValue, writeValue } from "./state-codec.ts";

/**
 * The smallest (`sign` −1) or largest (`sign` 1) value, or null over nothing (law 3: one order of
 * values).
 */
export function extremeAccumulator(type: ValueType, sign: -1 | 1): Accumulator {
  return (
    scalarTypeOf(type).layout.kind === "float64" ? extremeNumber(sign) : extremeValue(type, sign)
  ) as Accumulator;
}

function extremeNumber(sign: -1 | 1): Accumulator<{ best: number }> {
  const nothing = sign * -Infinity;
  const answer = ({ best }: { best: number }): number | null =>
    best === nothing ? null : best === 0 ? 0 : best;
  return {
    create: () => ({ best: nothing }),
    clear(state) {
      state.best = nothing;
    },
    add(state, vectors, rows, length) {
      const { values, valid } = vectorOfKind(vectors[0]!, "float64");
      // The largest product with the sign: the loop has no branch for the sign.
      let best = sign * state.best;
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        const value = sign * values[row]!;
        if (value > best) best = value;
      }
      state.best = sign * best;
    },
    merge(state, { best }) {
      if (sign < 0 ? best < state.best : best > state.best) state.best = best;
    },
    encode: (state) => encoded((writer) => writeValue(writer, answer(state))),
    decode: (bytes) =>
      decoded(bytes, (reader) => ({ best: (readValue(reader) as number | null) ?? nothing })),
    mergeEncoded(state, reader) {
      const best = readValue(reader) as number | null;
      if (best !== null && (sign < 0 ? best < state.best : best > state.best)) state.best = best;
    },
    finish: answer,
  };
}

function extremeValue(type: ValueType, sign: -1 | 1): Accumulator<{ best: Value }> {
  const { compare } = scalarTypeOf(type);
  const better = (value: Value, best: Value): boolean =>
    value !== null && (best === null || compare(value, best) * sign > 0);
  return {
    create: () => ({ best: null }),
    clear(state) {
      state.best = null;
    },
    add(state, vectors, rows, length) {
      const vector = vectors[0]!;
      let { best } = state;
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector, rows[i]!);
        if (better(value, best)) best = value;
      }
      state.best = best;
    },
    merge(state, { best }) {
      if (better(best, state.best)) state.best = best;
    },
    encode: ({ best }) => encoded((writer) => writeValue(writer, best)),
    decode: (bytes) => decoded(bytes, (reader) => ({ best: readValue(reader) })),
    mergeEncoded(state, reader) {
      const best = readValue(reader);
      if (better(best, state.best)) state.best = best;
    },
    finish: ({ best }) => best,
  };
}
