import { valueAt } from "../columns/batch.ts";
import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Accumulator, Aggregator } from "./aggregator.ts";
import { binaryNumber, roundRational } from "../statistics/rational.ts";
import {
  decoded,
  encoded,
  readInteger,
  readValue,
  writeInteger,
  writeValue,
} from "../statistics/state-codec.ts";

/**
 * Takes the largest fall from a peak to a later value, as a share of the peak; null over an empty
 * window. Values that are not above 0 are passed over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are no numbers.
 *
 * @example
 * const drawdown_l1w = drawdown(transactions.amount).over("7d");
 */
export function drawdown<E extends AnyExpr>(
  x: Numeric<E>,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(drawdownAggregator, [x]);
}

/** The record of `drawdown`. */
export const drawdownAggregator: Aggregator = {
  name: "drawdown",
  parameters: [{ name: "x", accepts: "number" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "ordered",
  order: true,
  accumulator: () => drawdownAccumulator,
  rule: "the largest (peak − later value) ÷ peak, rounded once; only values above 0 count",
  examples: [{ call: "drawdown(x)", arguments: ["x"], answer: 0 }],
};

/** The values of some rows. All numbers of one state have one type. */
interface Falls {
  /** null: there is no value. */
  peak: number | bigint | null;
  low: number | bigint;
  /** The least later value ÷ peak, exactly. */
  numerator: bigint;
  denominator: bigint;
  /** The same as the nearest double. */
  ratio: number;
}

const NONE: Falls = { peak: null, low: 0, numerator: 1n, denominator: 1n, ratio: 1 };

const drawdownAccumulator: Accumulator<Falls> = {
  create: () => ({ ...NONE }),
  clear(state) {
    Object.assign(state, NONE);
  },
  add(state, vectors, rows, length) {
    const vector = vectors[0]!;
    for (let i = 0; i < length; i++) {
      const value = valueAt(vector, rows[i]!) as number | bigint | null;
      if (value === null || value <= 0) continue;
      if (state.peak === null) state.peak = state.low = value;
      else {
        fallTo(state, value);
        if (value > state.peak) state.peak = value;
        if (value < state.low) state.low = value;
      }
    }
  },
  merge(state, next) {
    if (next.peak === null) return;
    if (state.peak === null) {
      Object.assign(state, next);
      return;
    }
    fallTo(state, next.low);
    takeRatio(state, next.numerator, next.denominator);
    if (next.peak > state.peak) state.peak = next.peak;
    if (next.low < state.low) state.low = next.low;
  },
  encode: ({ peak, low, numerator, denominator }) =>
    encoded((writer) => {
      writeValue(writer, peak);
      if (peak === null) return;
      const divisor = commonDivisor(numerator, denominator);
      writeValue(writer, low);
      writeInteger(writer, numerator / divisor);
      writeInteger(writer, denominator / divisor);
    }),
  decode: (bytes) =>
    decoded(bytes, (reader) => {
      const state = { ...NONE, peak: readValue(reader) as number | bigint | null };
      if (state.peak === null) return state;
      state.low = readValue(reader) as number | bigint;
      takeRatio(state, readInteger(reader), readInteger(reader));
      return state;
    }),
  finish: ({ peak, numerator, denominator }) =>
    peak === null ? null : roundRational(denominator - numerator, denominator),
};

/** Takes the fall from the peak to a later value. */
function fallTo(state: Falls, value: number | bigint): void {
  const peak = state.peak!;
  if (value >= peak) return;
  if (typeof value === "bigint" || typeof peak === "bigint") {
    takeRatio(state, BigInt(value), BigInt(peak));
    return;
  }
  // A quotient of doubles keeps the order of the exact quotients, except that some become equal.
  if (value / peak > state.ratio) return;
  const [low, high] = [binaryNumber(value), binaryNumber(peak)];
  const shift = low.exponent - high.exponent;
  takeRatio(
    state,
    shift > 0 ? low.mantissa << BigInt(shift) : low.mantissa,
    shift < 0 ? high.mantissa << BigInt(-shift) : high.mantissa,
  );
}

/** Takes a quotient if it is the least. */
function takeRatio(state: Falls, numerator: bigint, denominator: bigint): void {
  if (numerator * state.denominator >= state.numerator * denominator) return;
  state.numerator = numerator;
  state.denominator = denominator;
  state.ratio = roundRational(numerator, denominator);
}

function commonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : commonDivisor(b, a % b);
}
