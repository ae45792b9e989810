/** The state of `firstN` and `lastN`: the values nearest to one end of the rows. */
import { toHex } from "../bytes/bytes-text.ts";
import { valueAt } from "../columns/batch.ts";
import { dataText } from "../define/data-text.ts";
import type { Value } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/**
 * The values of the first or the last `n` rows that have one. The row at the end comes first.
 * `distinct`: of equal values only the one nearest to the end is listed. A json value is its text.
 */
export function endList(end: "first" | "last", n: number, distinct: boolean): Accumulator {
  const isFirst = end === "first";
  /** The first `n` values of both lists. The nearer ones come first. */
  const joined = (near: readonly Value[], far: readonly Value[]): readonly Value[] => {
    if (near.length === n || far.length === 0) return near;
    if (!distinct) return [...near, ...far.slice(0, n - near.length)];
    const known = new Set(near.map(identity));
    return [...near, ...far.filter((value) => !known.has(identity(value)))].slice(0, n);
  };
  const accumulator: Accumulator<{ values: readonly Value[] }> = {
    create: () => ({ values: [] }),
    clear(state) {
      state.values = [];
    },
    add(state, vectors, rows, length) {
      if (isFirst && state.values.length === n) return;
      const vector = vectors[0]!;
      const added: Value[] = [];
      const known = distinct ? new Set<unknown>() : null;
      for (let i = 0; i < length && added.length < n; i++) {
        const value = valueAt(vector, rows[isFirst ? i : length - 1 - i]!);
        if (value === null) continue;
        if (known !== null) {
          const own = identity(value);
          if (known.has(own)) continue;
          known.add(own);
        }
        // No answer holds −0 (law 3).
        added.push(value === 0 ? 0 : value);
      }
      state.values = isFirst ? joined(state.values, added) : joined(added, state.values);
    },
    merge(state, { values }) {
      state.values = isFirst ? joined(state.values, values) : joined(values, state.values);
    },
    encode: ({ values }) => encoded((writer) => writeValue(writer, values)),
    decode: (bytes) =>
      decoded(bytes, (reader) => ({ values: readValue(reader) as readonly Value[] })),
    finish: ({ values }) => values,
  };
  return accumulator as Accumulator;
}

/** What equal values have in common, for a Set. It compares numbers by value, and −0 is 0. */
function identity(value: Value): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return Array.isArray(value) ? dataText(value) : value;
}
