/** The state of `meanGap`, `maxGap` and `minGap`: the lengths of time between neighbours. */
import { vectorOfKind } from "../columns/batch.ts";
import type { AggregateOptions } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { roundRational } from "../statistics/rational.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";
import { unitOf } from "./time-since.ts";

/** The gaps between some rows. All lengths are in µs, and safe integers. */
export interface Gaps {
  rows: number;
  first: number;
  last: number;
  longest: number;
  shortest: number;
}

/** Makes the accumulator of gaps. `finish` has at least two rows; over fewer the answer is null. */
export function gapAccumulator(
  options: AggregateOptions,
  finish: (gaps: Gaps, unit: number) => number,
): Accumulator {
  const unit = unitOf(options);
  const none = { rows: 0, first: 0, last: 0, longest: -Infinity, shortest: Infinity };
  const take = (state: Gaps, gap: number): void => {
    if (gap > state.longest) state.longest = gap;
    if (gap < state.shortest) state.shortest = gap;
  };
  const accumulator: Accumulator<Gaps> = {
    holds: { name: "gaps", detail: 0 },
    create: () => ({ ...none }),
    clear(state) {
      Object.assign(state, none);
    },
    add(state, vectors, rows, length) {
      const { values } = vectorOfKind(vectors[0]!, "float64");
      for (let i = 0; i < length; i++) {
        const time = values[rows[i]!]!;
        if (state.rows === 0) state.first = time;
        else take(state, time - state.last);
        state.last = time;
        state.rows++;
      }
    },
    merge(state, next) {
      if (next.rows === 0) return;
      if (state.rows === 0) {
        Object.assign(state, next);
        return;
      }
      take(state, next.first - state.last);
      if (next.rows > 1) for (const gap of [next.longest, next.shortest]) take(state, gap);
      state.last = next.last;
      state.rows += next.rows;
    },
    encode: ({ rows, first, last, longest, shortest }) =>
      encoded((writer) => {
        writer.varint(rows);
        if (rows > 0) for (const time of [first, last]) writer.float64(time);
        if (rows > 1) for (const length of [longest, shortest]) writer.float64(length);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state = { ...none, rows: reader.varint() };
        if (state.rows > 0) [state.first, state.last] = [reader.float64(), reader.float64()];
        if (state.rows > 1) [state.longest, state.shortest] = [reader.float64(), reader.float64()];
        return state;
      }),
    finish: (state) => (state.rows < 2 ? null : finish(state, unit)),
  };
  return accumulator as Accumulator;
}

/** A length in µs ÷ (count · unit), rounded once. */
export function meanLength(micros: number, count: number, unit: number): number {
  const divisor = count * unit;
  return Number.isSafeInteger(divisor)
    ? micros / divisor
    : roundRational(BigInt(micros), BigInt(count) * BigInt(unit));
}
