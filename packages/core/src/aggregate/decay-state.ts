/** The state of `decayedSum`, `decayedCount` and `decayedAvg`: the times and values of rows. */
import { valueAt, vectorOfKind, type Vector } from "../columns/batch.ts";
import { durationMicros } from "../define/duration.ts";
import type { AggregateOptions, TypeSpec, Value } from "../specs.ts";
import type { Accumulator, Overflows } from "./aggregator.ts";
import { weightOf } from "./half-life.ts";
import { decimalToDouble } from "../statistics/rational.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";

/** How a user writes how fast rows lose their weight. */
export interface Decay<H> {
  /** After this time a row has half of its weight, such as `"7d"`. */
  readonly halfLife: H;
}

/**
 * Reads the options of a user.
 *
 * @throws DURATION_INVALID when the half-life is no duration.
 */
export function decayOptions(name: string, decay: Decay<unknown>): { readonly halfLife: number } {
  // A caller without types may leave the options out.
  const given = decay as Decay<unknown> | undefined;
  return { halfLife: durationMicros(`${name}(): halfLife`, given?.halfLife) };
}

/** Rows by their index. Neither list has more than the other. */
interface Rows {
  readonly times: number[];
  readonly values: number[];
}

/**
 * Takes the product of a row's value and its weight, and the weight. The product is one operation.
 */
export type TakeWeighted = (product: number, weight: number) => void;

/**
 * Makes the accumulator of decayed rows. Without a form each row has the value 1. `begin` makes
 * what takes the rows, and their answer. What it made before is void.
 */
export function decayAccumulator(
  form: TypeSpec | null,
  options: AggregateOptions,
  begin: (overflows: Overflows) => { readonly take: TakeWeighted; readonly answer: () => Value },
): Accumulator {
  const halfLife = options["halfLife"] as number;
  const accumulator: Accumulator<Rows> = {
    holds: { name: "decayed rows", detail: 0 },
    create: () => ({ times: [], values: [] }),
    clear(state) {
      state.times.length = 0;
      state.values.length = 0;
    },
    add(state, vectors, rows, length) {
      const times = vectorOfKind(vectors.at(-1)!, "float64").values;
      if (form?.type === "float64") {
        const { values, valid } = vectorOfKind(vectors[0]!, "float64");
        for (let i = 0; i < length; i++) {
          const row = rows[i]!;
          if (valid !== null && valid[row] === 0) continue;
          state.times.push(times[row]!);
          // −0 + 0 is 0.
          state.values.push(values[row]! + 0);
        }
        return;
      }
      const doubleAt = form === null ? () => 1 : doubles(form, vectors[0]!);
      for (let i = 0; i < length; i++) {
        const value = doubleAt(rows[i]!);
        if (value === null) continue;
        state.times.push(times[rows[i]!]!);
        state.values.push(value === 0 ? 0 : value);
      }
    },
    merge(state, other) {
      for (const time of other.times) state.times.push(time);
      for (const value of other.values) state.values.push(value);
    },
    encode: ({ times, values }) =>
      encoded((writer) => {
        const sorted = times
          .map((_, i) => i)
          .sort((a, b) => times[a]! - times[b]! || values[a]! - values[b]!);
        writer.varint(sorted.length);
        for (const i of sorted) {
          writer.float64(times[i]!);
          writer.float64(values[i]!);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state: Rows = { times: [], values: [] };
        for (let left = reader.itemCount(); left > 0; left--) {
          state.times.push(reader.float64());
          state.values.push(reader.float64());
        }
        return state;
      }),
    finish({ times, values }, overflows, t) {
      const { take, answer } = begin(overflows);
      for (let i = 0; i < times.length; i++) {
        const weight = weightOf(t - times[i]!, halfLife);
        take(values[i]! * weight, weight);
      }
      return answer();
    },
  };
  return accumulator as Accumulator;
}

/** Reads the numbers of a vector as doubles, each the nearest one. */
function doubles({ type, scale = 0 }: TypeSpec, vector: Vector): (row: number) => number | null {
  if (type === "decimal")
    return (row) => {
      const value = valueAt(vector, row);
      return value === null ? null : decimalToDouble(value as bigint, scale);
    };
  return (row) => {
    const value = valueAt(vector, row);
    return value === null ? null : Number(value);
  };
}
