import type { Aggregation, Ordered } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { checkOptions } from "../define/options.ts";
import { valueAt } from "../columns/batch.ts";
import { hashOfText } from "../expr/text-hash.ts";
import { textWriter } from "../expr/value-text.ts";
import type { Accumulator } from "../statistics/accumulator.ts";
import type { PresentValue } from "../types/vector.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";
import type { TypeSpec } from "../specs.ts";
import { damaged } from "../bytes/bytes.ts";
import { int64Count, type Aggregator } from "./aggregator.ts";
import { nearestLog2 } from "./nearest-log2.ts";

/**
 * Estimates how many different values there are, in a state of at most 16 kB. The estimate depends
 * on the set of values alone. Its standard error is at most `error`: a share of the number.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `error`
 * is none of 0.01, 0.02 and 0.05.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const vendors = approxCountDistinct(transactions.vendor, { error: 0.02 }).over("90d");
 */
export function approxCountDistinct<E extends AnyExpr>(
  x: Ordered<E>,
  options: { readonly error: 0.01 | 0.02 | 0.05 },
): Aggregation<SourceOf<E>, number, "int64"> {
  const { error } = checkOptions("approxCountDistinct()", options, ["error"]);
  return makeAggregation(approxCountDistinctAggregator, [x], {
    error: error as number,
    sketch: SKETCH,
  });
}

/** Names the constants of the sketch in fingerprints. */
const SKETCH = "hyperloglog-md5";
/** The bits of a hash that choose a register, by the error. */
const INDEX_BITS: Readonly<Record<string, number>> = { 0.01: 14, 0.02: 12, 0.05: 9 };

/** The record of `approxCountDistinct`. */
export const approxCountDistinctAggregator: Aggregator = {
  name: "approxCountDistinct",
  parameters: [{ name: "x", accepts: "ordered" }],
  options: { error: [0.01, 0.02, 0.05], sketch: [SKETCH] },
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "mergeable",
  large: true,
  accumulator: ([form], { error }) => sketchAccumulator(form!, INDEX_BITS[String(error)]!),
  rule:
    "HyperLogLog of the first 8 bytes of the MD5 of each value's text, with 2¹⁴, 2¹² or 2⁹ " +
    "registers; few values are counted by the empty registers; it depends on the set alone",
  examples: [
    {
      call: "approxCountDistinct(k, { error: 0.02 })",
      arguments: ["k"],
      options: { error: 0.02, sketch: SKETCH },
      answer: 3n,
    },
  ],
};

/** The registers, each of which holds the greatest rank of its values. */
interface Sketch {
  readonly registers: Uint8Array;
  /** How many registers hold each rank. */
  readonly counts: Int32Array;
  /** The first registers that hold a rank: at most so many as are cleared one by one. */
  readonly used: number[];
}

/** A sketch with fewer used registers than one in so many is cleared register by register. */
const SPARSE = 16;
/** The places of so many values are remembered, because a hash costs more. */
const MOST_REMEMBERED = 4096;
const RANKS = 66;

function sketchAccumulator(form: TypeSpec, bits: number): Accumulator {
  const size = 2 ** bits;
  const mostUsed = size / SPARSE;
  const text = textWriter(form);
  /** For each value its register and rank: register · 64 + rank. */
  const remembered = new Map<PresentValue, number>();
  const placeOf = (value: PresentValue): number => {
    const { high, low } = hashOfText(text(value === 0 ? 0 : value));
    return (high >>> (32 - bits)) * 64 + rankOf(high, low, bits);
  };
  const rememberedPlaceOf = (value: PresentValue): number => {
    let place = remembered.get(value);
    if (place === undefined) {
      if (remembered.size === MOST_REMEMBERED) remembered.clear();
      remembered.set(value, (place = placeOf(value)));
    }
    return place;
  };
  const take = ({ registers, counts, used }: Sketch, index: number, rank: number): void => {
    const before = registers[index]!;
    if (rank <= before) return;
    registers[index] = rank;
    counts[before]!--;
    counts[rank]!++;
    if (before === 0 && used.length < mostUsed) used.push(index);
  };
  const create = (): Sketch => {
    const counts = new Int32Array(RANKS);
    counts[0] = size;
    return { registers: new Uint8Array(size), counts, used: [] };
  };
  const accumulator: Accumulator<Sketch> = {
    create,
    clear({ registers, counts, used }) {
      if (used.length < mostUsed) for (const index of used) registers[index] = 0;
      else registers.fill(0);
      used.length = 0;
      counts.fill(0);
      counts[0] = size;
    },
    add(state, vectors, rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vectors[0]!, rows[i]!);
        if (value === null) continue;
        // A Map would compare bytes and lists by their identity.
        const place = typeof value === "object" ? placeOf(value) : rememberedPlaceOf(value);
        take(state, place >>> 6, place & 63);
      }
    },
    merge(state, { registers }) {
      for (let i = 0; i < size; i++) take(state, i, registers[i]!);
    },
    encode: ({ registers }) =>
      encoded((writer) => {
        writer.raw(registers);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        if (bytes.length !== size) throw damaged("has another number of registers");
        const state = create();
        reader.raw(size).forEach((rank, i) => {
          if (rank >= RANKS) throw damaged("has a rank that no hash has");
          take(state, i, rank);
        });
        return state;
      }),
    finish: ({ counts }) => int64Count(estimate(counts, bits)),
  };
  return accumulator as Accumulator;
}

/** One more than the number of zeros behind the bits that choose the register. */
function rankOf(high: number, low: number, bits: number): number {
  const zeros = Math.clz32(high << bits);
  const own = 32 - bits;
  return (zeros < own ? zeros : own + Math.clz32(low)) + 1;
}

/** Doubles decide where they are farther than this from where the answer changes. */
const DOUBT = 1e-9;

/** The estimate of registers with these ranks, rounded to a whole number as if it were exact. */
function estimate(counts: Int32Array, bits: number): number {
  const m = 2 ** bits;
  let sum = 0;
  let weight = 1;
  for (let rank = 0; rank < RANKS; rank++, weight /= 2) sum += counts[rank]! * weight;
  // The error of a sum of positive numbers is far less than the doubt.
  const raw = ((0.7213 / (1 + 1.079 / m)) * m * m) / sum;
  const empty = counts[0]!;
  if (empty > 0 && raw < 2.5 * m * (1 - DOUBT)) return linearCount(empty, bits);
  const above = raw + 0.5 - Math.floor(raw + 0.5);
  const isSure = Math.min(above, 1 - above) > raw * DOUBT;
  if (isSure && (empty === 0 || raw > 2.5 * m * (1 + DOUBT))) return Math.floor(raw + 0.5);
  return exactEstimate(counts, bits);
}

/** Few values are counted by the empty registers: m·ln(m ÷ empty). */
function linearCount(empty: number, bits: number): number {
  return Math.round(2 ** bits * ((bits - nearestLog2(empty)) * Math.LN2));
}

function exactEstimate(counts: Int32Array, bits: number): number {
  let sum = 0n;
  counts.forEach((count, rank) => {
    sum += BigInt(count) << BigInt(65 - rank);
  });
  const m = 2n ** BigInt(bits);
  // α·m² ÷ Σ2^−rank with α = 0.7213 ÷ (1 + 1.079 ÷ m).
  const numerator = (7213n * m ** 3n) << 65n;
  const denominator = (10_000n * m + 10_790n) * sum;
  const empty = counts[0]!;
  // Up to 2.5·m the empty registers say more.
  if (empty > 0 && 2n * numerator <= 5n * m * denominator) return linearCount(empty, bits);
  return Number((2n * numerator + denominator) / (2n * denominator));
}
