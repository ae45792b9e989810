/** The state of `timeSinceFirst` and `timeSinceLast`: the oldest or the newest event time. */
import { vectorOfKind } from "../columns/batch.ts";
import type { AggregateOptions } from "../specs.ts";
import { unitLengths, type DurationUnit } from "../time/duration-unit.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/** The length of the unit that the options name, µs. */
export function unitOf({ unit }: AggregateOptions): number {
  return unitLengths[unit as DurationUnit];
}

/** The time from the oldest (`sign` −1) or the newest (`sign` 1) row to t, in units. */
export function timeSince(sign: -1 | 1, options: AggregateOptions): Accumulator {
  const unit = unitOf(options);
  const nothing = sign * -Infinity;
  const timeOf = ({ time }: { time: number }): number | null => (time === nothing ? null : time);
  const accumulator: Accumulator<{ time: number }> = {
    create: () => ({ time: nothing }),
    clear(state) {
      state.time = nothing;
    },
    add(state, vectors, rows, length) {
      const { values } = vectorOfKind(vectors[0]!, "float64");
      let { time } = state;
      for (let i = 0; i < length; i++) {
        const at = values[rows[i]!]!;
        if (sign < 0 ? at < time : at > time) time = at;
      }
      state.time = time;
    },
    merge(state, { time }) {
      if (sign < 0 ? time < state.time : time > state.time) state.time = time;
    },
    encode: (state) => encoded((writer) => writeValue(writer, timeOf(state))),
    decode: (bytes) =>
      decoded(bytes, (reader) => ({ time: (readValue(reader) as number | null) ?? nothing })),
    // A window is shorter than 2^53 µs, so the difference is exact.
    finish: ({ time }, _, t) => (time === nothing ? null : (t - time) / unit),
  };
  return accumulator as Accumulator;
}
