/** The state of sessions: runs of rows that no gap of a given length interrupts. */
import { vectorOfKind } from "../columns/batch.ts";
import type { AggregateOptions, Value } from "../specs.ts";
import type { Accumulator } from "./aggregator.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";

/** The sessions of some rows. Times and lengths are in µs, and safe integers. */
export interface Sessions {
  sessions: number;
  first: number;
  last: number;
  /** The time of the last row of the first session. */
  firstEnd: number;
  /** The time of the first row of the last session. */
  lastStart: number;
  /** The sum of all lengths. A session of one row has the length 0. */
  total: number;
  longest: number;
}

const TIMES = ["first", "last", "firstEnd", "lastStart", "total", "longest"] as const;

/** Makes the accumulator of sessions. */
export function sessionAccumulator(
  options: AggregateOptions,
  finish: (sessions: Sessions) => Value,
): Accumulator {
  const gap = options["gap"] as number;
  const none = { sessions: 0, first: 0, last: 0, firstEnd: 0, lastStart: 0, total: 0, longest: 0 };
  const accumulator: Accumulator<Sessions> = {
    holds: { name: `sessions with gaps of ${gap} µs`, detail: 0 },
    create: () => ({ ...none }),
    clear(state) {
      Object.assign(state, none);
    },
    add(state, vectors, rows, length) {
      const { values } = vectorOfKind(vectors[0]!, "float64");
      for (let i = 0; i < length; i++) {
        const time = values[rows[i]!]!;
        const since = time - state.last;
        if (state.sessions === 0 || since >= gap) {
          if (state.sessions === 0) state.first = time;
          state.sessions++;
          state.lastStart = time;
        } else {
          state.total += since;
          state.longest = Math.max(state.longest, time - state.lastStart);
        }
        if (state.sessions === 1) state.firstEnd = time;
        state.last = time;
      }
    },
    merge(state, next) {
      if (next.sessions === 0) return;
      if (state.sessions === 0) {
        Object.assign(state, next);
        return;
      }
      const since = next.first - state.last;
      const isJoined = since < gap;
      state.longest = Math.max(
        state.longest,
        next.longest,
        isJoined ? next.firstEnd - state.lastStart : 0,
      );
      if (isJoined && state.sessions === 1) state.firstEnd = next.firstEnd;
      if (!isJoined || next.sessions > 1) state.lastStart = next.lastStart;
      state.total += next.total + (isJoined ? since : 0);
      state.sessions += next.sessions - (isJoined ? 1 : 0);
      state.last = next.last;
    },
    encode: (state) =>
      encoded((writer) => {
        writer.varint(state.sessions);
        if (state.sessions > 0) for (const member of TIMES) writer.float64(state[member]);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state: Sessions = { ...none, sessions: reader.varint() };
        if (state.sessions > 0) for (const member of TIMES) state[member] = reader.float64();
        return state;
      }),
    finish,
  };
  return accumulator as Accumulator;
}
