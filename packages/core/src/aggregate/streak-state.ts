/** The state of streaks: runs of rows, in their order, in which a condition is true. */
import { vectorOfKind } from "../columns/batch.ts";
import { int64Count, type Accumulator } from "./aggregator.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";

interface Streaks {
  /** The rows in which the condition is true or false. */
  known: number;
  /** The true rows before the first false one. */
  leading: number;
  /** The true rows after the last false one. */
  trailing: number;
  longest: number;
}

const MEMBERS = ["known", "leading", "trailing", "longest"] as const;

/** Makes the accumulator of streaks, which answers one of their lengths. */
export function streakAccumulator(answer: "trailing" | "longest"): Accumulator {
  const none: Streaks = { known: 0, leading: 0, trailing: 0, longest: 0 };
  const accumulator: Accumulator<Streaks> = {
    holds: { name: "streaks", detail: 0 },
    create: () => ({ ...none }),
    clear(state) {
      Object.assign(state, none);
    },
    add(state, vectors, rows, length) {
      const { values, valid } = vectorOfKind(vectors[0]!, "boolean");
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        state.trailing = values[row] === 1 ? state.trailing + 1 : 0;
        if (state.trailing > state.known) state.leading = state.trailing;
        if (state.trailing > state.longest) state.longest = state.trailing;
        state.known++;
      }
    },
    merge(state, next) {
      state.longest = Math.max(state.longest, next.longest, state.trailing + next.leading);
      if (state.leading === state.known) state.leading += next.leading;
      state.trailing =
        next.trailing === next.known ? state.trailing + next.trailing : next.trailing;
      state.known += next.known;
    },
    encode: (state) =>
      encoded((writer) => {
        for (const member of MEMBERS) writer.varint(state[member]);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state = { ...none };
        for (const member of MEMBERS) state[member] = reader.varint();
        return state;
      }),
    finish: (state) => int64Count(state[answer]),
  };
  return accumulator as Accumulator;
}
