/** The state of `any`, `all` and `share`: in how many rows a condition is true, and false. */
import { vectorOfKind, type Vector } from "../columns/batch.ts";
import type { Value } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";

/** In how many rows a condition is true, and in how many it is false. */
export interface TruthCounts {
  readonly yes: number;
  readonly no: number;
}

/** Makes the accumulator of the counts of true and false. */
export function truthAccumulator(finish: (counts: TruthCounts) => Value): Accumulator {
  const take = (
    state: { yes: number; no: number },
    vector: Vector,
    list: Int32Array,
    length: number,
    sign: 1 | -1,
  ): void => {
    const { values, valid } = vectorOfKind(vector, "boolean");
    let yes = 0;
    let known = 0;
    for (let i = 0; i < length; i++) {
      const row = list[i]!;
      if (valid !== null && valid[row] === 0) continue;
      known++;
      yes += values[row]!;
    }
    state.yes += sign * yes;
    state.no += sign * (known - yes);
  };
  const accumulator: Accumulator<{ yes: number; no: number }> = {
    holds: { name: "truth counts", detail: 0 },
    create: () => ({ yes: 0, no: 0 }),
    clear(state) {
      state.yes = 0;
      state.no = 0;
    },
    add(state, vectors, rows, length) {
      take(state, vectors[0]!, rows, length, 1);
    },
    subtract(state, vectors, rows, length) {
      take(state, vectors[0]!, rows, length, -1);
    },
    merge(state, other) {
      state.yes += other.yes;
      state.no += other.no;
    },
    encode: ({ yes, no }) =>
      encoded((writer) => {
        writer.varint(yes);
        writer.varint(no);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const yes = reader.varint();
        return { yes, no: reader.varint() };
      }),
    finish,
  };
  return accumulator as Accumulator;
}
