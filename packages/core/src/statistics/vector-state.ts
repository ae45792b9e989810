/** Sums of lists of numbers, element by element. */
import { vectorOfKind, type Vector } from "../columns/batch.ts";
import type { TypeSpec, Value } from "../specs.ts";
import type { Accumulator } from "./accumulator.ts";
import { decoded, encoded } from "./state-codec.ts";
import { sumAccumulator, type SumEnds } from "./sum-state.ts";

interface VectorState {
  rows: number;
  /** The sum of each element. Empty until the first list comes. */
  readonly sums: unknown[];
}

/**
 * Makes the accumulator of sums of the elements of lists of this length. A list of another length,
 * or with a missing element, is passed over.
 */
export function vectorAccumulator(
  list: TypeSpec,
  length: number,
  endsOf: (element: TypeSpec) => SumEnds,
): Accumulator {
  const element = list.element!;
  const own = sumAccumulator(element.type, endsOf(element));
  const elements = Array.from({ length }, (_, e) => e);
  const sumsOf = (state: VectorState): unknown[] => {
    if (state.sums.length === 0) for (const _ of elements) state.sums.push(own.create());
    return state.sums;
  };
  /** Adds or subtracts the elements of the lists that count. */
  const take = (
    state: VectorState,
    vector: Vector,
    rows: Int32Array,
    count: number,
    sign: 1 | -1,
  ): void => {
    const { offsets, elements: values, valid } = vectorOfKind(vector, "list");
    const starts: number[] = [];
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (valid !== null && valid[row] === 0) continue;
      const start = offsets[row]!;
      if (offsets[row + 1]! - start === length && hasAll(values.valid, start, length))
        starts.push(start);
    }
    if (starts.length === 0) return;
    state.rows += sign * starts.length;
    const at = new Int32Array(starts.length);
    for (const [e, sum] of sumsOf(state).entries()) {
      for (let i = 0; i < at.length; i++) at[i] = starts[i]! + e;
      if (sign > 0) own.add(sum, [values], at, at.length);
      else own.subtract!(sum, [values], at, at.length);
    }
  };
  const accumulator: Accumulator<VectorState> = {
    create: () => ({ rows: 0, sums: [] }),
    clear(state) {
      state.rows = 0;
      for (const sum of state.sums) own.clear(sum);
    },
    add(state, vectors, rows, count) {
      take(state, vectors[0]!, rows, count, 1);
    },
    subtract(state, vectors, rows, count) {
      take(state, vectors[0]!, rows, count, -1);
    },
    merge(state, other) {
      if (other.rows === 0) return;
      state.rows += other.rows;
      for (const [e, sum] of sumsOf(state).entries()) own.merge(sum, other.sums[e]);
    },
    encode: ({ rows, sums }) =>
      encoded((writer) => {
        writer.varint(rows);
        if (rows === 0) return;
        for (const sum of sums) {
          const bytes = own.encode(sum);
          writer.varint(bytes.length);
          writer.raw(bytes);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const rows = reader.varint();
        const sums = rows === 0 ? [] : elements.map(() => own.decode(reader.raw(reader.varint())));
        return { rows, sums };
      }),
    finish(state, overflows, t) {
      const answers = sumsOf(state).map((sum) => own.finish(sum, overflows, t));
      // an average over nothing is null
      return answers.includes(null) ? null : (answers as readonly Value[]);
    },
  };
  return accumulator as Accumulator;
}

function hasAll(valid: Uint8Array | null, start: number, length: number): boolean {
  return valid === null || !valid.subarray(start, start + length).includes(0);
}
