/**
 * Exact sums of powers: n, Σx, Σx² and so on. Statistics are functions of these rational numbers,
 * rounded once.
 */
import type { AggregateOptions, TypeSpec } from "../specs.ts";
import type { Vector } from "../columns/batch.ts";
import type { Accumulator } from "./accumulator.ts";
import { binaryUnit, exactNumber, inUnits, keptUnit, ONE, type BinaryUnit } from "./binary-unit.ts";
import { roundRoot, trailingZeros } from "./rational.ts";
import { decoded, encoded, readInteger, writeInteger } from "./state-codec.ts";

/**
 * The sums of the powers of n numbers x. Each is a whole number m times 2^exponent: `powers[j]` is
 * Σm^(j+1).
 */
export interface Moments {
  readonly n: number;
  readonly exponent: number;
  readonly powers: readonly bigint[];
}

interface MomentState {
  n: number;
  unit: BinaryUnit;
  readonly powers: bigint[];
}

/** Makes the accumulator of the sums of powers up to `degree`. */
export function momentAccumulator(
  degree: number,
  finish: (moments: Moments) => number | null,
): Accumulator {
  const zeros = (): bigint[] => new Array<bigint>(degree).fill(0n);
  const take = (
    state: MomentState,
    vector: Vector,
    list: Int32Array,
    length: number,
    sign: 1 | -1,
  ): void => {
    const { valid } = vector;
    const { powers } = state;
    for (let i = 0; i < length; i++) {
      const row = list[i]!;
      if (valid !== null && valid[row] === 0) continue;
      state.n += sign;
      let whole = inUnits(state.unit, vector, row);
      if (whole === null) {
        scaleTo(state, exactNumber(vector, row).exponent);
        whole = inUnits(state.unit, vector, row)!;
      }
      let power = whole;
      for (let j = 0; ; j++) {
        if (sign > 0) powers[j]! += power;
        else powers[j]! -= power;
        if (j === degree - 1) break;
        power *= whole;
      }
    }
  };
  const accumulator: Accumulator<MomentState> = {
    holds: { name: "moments", detail: degree },
    create: () => ({ n: 0, unit: ONE, powers: zeros() }),
    clear(state) {
      state.n = 0;
      state.unit = keptUnit(state.unit);
      state.powers.fill(0n);
    },
    add(state, vectors, rows, length) {
      take(state, vectors[0]!, rows, length, 1);
    },
    subtract(state, vectors, rows, length) {
      take(state, vectors[0]!, rows, length, -1);
    },
    merge(state, other) {
      if (other.unit.exponent < state.unit.exponent) scaleTo(state, other.unit.exponent);
      const shift = BigInt(other.unit.exponent - state.unit.exponent);
      state.n += other.n;
      other.powers.forEach((power, j) => {
        state.powers[j]! += power << (shift * BigInt(j + 1));
      });
    },
    encode: ({ n, unit: { exponent }, powers }) =>
      encoded((writer) => {
        // Equal sums have equal bytes: the exponent is the largest that keeps them whole.
        const least = Math.min(
          ...powers.map((power, j) =>
            power === 0n ? Infinity : Math.floor(trailingZeros(power) / (j + 1)),
          ),
        );
        const spare = least === Infinity ? -exponent : least;
        writer.varint(n);
        writer.zigzag(exponent + spare);
        powers.forEach((power, j) => {
          writeInteger(writer, power === 0n ? 0n : power >> BigInt(spare * (j + 1)));
        });
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const n = reader.varint();
        const unit = binaryUnit(reader.zigzag());
        return { n, unit, powers: zeros().map(() => readInteger(reader)) };
      }),
    finish: ({ n, unit: { exponent }, powers }) => finish({ n, exponent, powers }),
  };
  return accumulator as Accumulator;
}

function scaleTo(state: MomentState, exponent: number): void {
  const shift = BigInt(state.unit.exponent - exponent);
  state.unit = binaryUnit(exponent);
  state.powers.forEach((power, j) => {
    state.powers[j] = power << (shift * BigInt(j + 1));
  });
}

/** A result that is outside float64 is null. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** n² times the variance: nΣm² − (Σm)², in units of 4^exponent. */
export function spread({ n, powers: [s1, s2] }: Moments): bigint {
  return BigInt(n) * s2! - s1! * s1!;
}

/** The power of ten by which whole numbers of this form are larger than their values. */
export function scaleFactor({ type, scale = 0 }: TypeSpec): bigint {
  return type === "decimal" ? 10n ** BigInt(scale) : 1n;
}

/** Returns the variance as numerator, denominator and power of two; null: there is none. */
export function varianceOf(
  moments: Moments,
  form: TypeSpec,
  options: AggregateOptions,
): readonly [bigint, bigint, number] | null {
  const rows = divisorOf(moments.n, options);
  if (rows === null) return null;
  return [spread(moments), rows * scaleFactor(form) ** 2n, moments.exponent * 2];
}

/**
 * Returns what n² times a variance, or a covariance, is divided by: n(n − 1) for a sample, n² for a
 * population. null: there are too few rows.
 */
export function divisorOf(n: number, { over }: AggregateOptions): bigint | null {
  const others = over === "sample" ? n - 1 : n;
  return others < 1 ? null : BigInt(n) * BigInt(others);
}

/** Makes the accumulator of a standard deviation: the root of the variance, rounded once. */
export function deviationAccumulator(form: TypeSpec, options: AggregateOptions): Accumulator {
  return momentAccumulator(2, (moments) => {
    const ratio = varianceOf(moments, form, options);
    return ratio === null ? null : finiteOrNull(roundRoot(...ratio));
  });
}
