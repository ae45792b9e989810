/**
 * Exact joint moments of two arguments: n, Σx, Σy, Σx², Σxy and Σy² of the rows that have both.
 * Covariance, correlation and slopes are functions of these rational numbers, rounded once.
 */
import type { Vector } from "../columns/batch.ts";
import type { Accumulator } from "./accumulator.ts";
import { binaryUnit, exactNumber, inUnits, keptUnit, ONE, type BinaryUnit } from "./binary-unit.ts";
import { finiteOrNull } from "./moments.ts";
import { reduced, roundRational, type BinaryNumber } from "./rational.ts";
import { decoded, encoded, readInteger, writeInteger } from "./state-codec.ts";

/**
 * The sums over rows that have x and y, in units of x and of y, and in products of them. A decimal
 * counts by its unscaled digits.
 */
export interface JointMoments {
  readonly n: number;
  readonly xUnit: BinaryUnit;
  readonly yUnit: BinaryUnit;
  readonly x: bigint;
  readonly y: bigint;
  readonly xx: bigint;
  readonly xy: bigint;
  readonly yy: bigint;
}
type JointState = { -readonly [K in keyof JointMoments]: JointMoments[K] };

const SUMS = ["x", "y", "xx", "xy", "yy"] as const;
/** For each sum how often x and y are factors of its products. */
const FACTORS = { x: [1, 0], y: [0, 1], xx: [2, 0], xy: [1, 1], yy: [0, 2] } as const;
const NOTHING: JointMoments = {
  n: 0,
  xUnit: ONE,
  yUnit: ONE,
  x: 0n,
  y: 0n,
  xx: 0n,
  xy: 0n,
  yy: 0n,
};

/** Makes the accumulator of the joint moments of two numbers. */
export function jointMomentAccumulator(
  finish: (moments: JointMoments) => number | null,
): Accumulator {
  const take = (
    state: JointState,
    [first, second]: readonly Vector[],
    list: Int32Array,
    length: number,
    sign: 1 | -1,
  ): void => {
    const [x, y] = [first!, second!];
    for (let i = 0; i < length; i++) {
      const row = list[i]!;
      // A row counts only if every argument is there.
      if (x.valid !== null && x.valid[row] === 0) continue;
      if (y.valid !== null && y.valid[row] === 0) continue;
      let a = inUnits(state.xUnit, x, row);
      let b = inUnits(state.yUnit, y, row);
      if (a === null || b === null) {
        const { xUnit, yUnit } = state;
        scaleTo(
          state,
          a === null ? exactNumber(x, row).exponent : xUnit.exponent,
          b === null ? exactNumber(y, row).exponent : yUnit.exponent,
        );
        a = inUnits(state.xUnit, x, row)!;
        b = inUnits(state.yUnit, y, row)!;
      }
      if (sign > 0) {
        state.n++;
        state.x += a;
        state.y += b;
        state.xx += a * a;
        state.xy += a * b;
        state.yy += b * b;
      } else {
        state.n--;
        state.x -= a;
        state.y -= b;
        state.xx -= a * a;
        state.xy -= a * b;
        state.yy -= b * b;
      }
    }
  };
  const accumulator: Accumulator<JointState> = {
    holds: { name: "joint moments", detail: 2 },
    create: () => ({ ...NOTHING }),
    clear(state) {
      const { xUnit, yUnit } = state;
      Object.assign(state, NOTHING);
      state.xUnit = keptUnit(xUnit);
      state.yUnit = keptUnit(yUnit);
    },
    add(state, vectors, rows, length) {
      take(state, vectors, rows, length, 1);
    },
    subtract(state, vectors, rows, length) {
      take(state, vectors, rows, length, -1);
    },
    merge(state, other) {
      scaleTo(
        state,
        Math.min(state.xUnit.exponent, other.xUnit.exponent),
        Math.min(state.yUnit.exponent, other.yUnit.exponent),
      );
      const xShift = other.xUnit.exponent - state.xUnit.exponent;
      const yShift = other.yUnit.exponent - state.yUnit.exponent;
      state.n += other.n;
      for (const name of SUMS) {
        const [xs, ys] = FACTORS[name];
        state[name] += other[name] << BigInt(xs * xShift + ys * yShift);
      }
    },
    encode: (state) =>
      encoded((writer) => {
        writer.varint(state.n);
        for (const name of SUMS) {
          const { mantissa, exponent } = reduced(sumOf(state, name));
          writer.zigzag(exponent);
          writeInteger(writer, mantissa);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const n = reader.varint();
        const read = (): BinaryNumber => {
          const exponent = reader.zigzag();
          return { exponent, mantissa: readInteger(reader) };
        };
        const sums = { x: read(), y: read(), xx: read(), xy: read(), yy: read() };
        const xUnit = Math.min(sums.x.exponent, Math.floor(sums.xx.exponent / 2));
        const ofY = Math.min(sums.y.exponent, Math.floor(sums.yy.exponent / 2));
        const yUnit = Math.min(ofY, sums.xy.exponent - xUnit);
        const state = { ...NOTHING, n, xUnit: binaryUnit(xUnit), yUnit: binaryUnit(yUnit) };
        for (const name of SUMS) {
          const { mantissa, exponent } = sums[name];
          state[name] = mantissa << BigInt(exponent - sumOf(state, name).exponent);
        }
        return state;
      }),
    finish,
  };
  return accumulator as Accumulator;
}

/** A sum with the power of two of its unit. */
function sumOf(moments: JointMoments, name: (typeof SUMS)[number]): BinaryNumber {
  const [xs, ys] = FACTORS[name];
  const { xUnit, yUnit } = moments;
  return { mantissa: moments[name], exponent: xs * xUnit.exponent + ys * yUnit.exponent };
}

/** Makes the units finer, or leaves them as they are. */
function scaleTo(state: JointState, xExponent: number, yExponent: number): void {
  const xShift = state.xUnit.exponent - xExponent;
  const yShift = state.yUnit.exponent - yExponent;
  if (xShift === 0 && yShift === 0) return;
  for (const name of SUMS) {
    const [xs, ys] = FACTORS[name];
    state[name] <<= BigInt(xs * xShift + ys * yShift);
  }
  state.xUnit = binaryUnit(xExponent);
  state.yUnit = binaryUnit(yExponent);
}

/** n² times the covariance: nΣxy − ΣxΣy. */
export function jointSpread({ n, xUnit, yUnit, x, y, xy }: JointMoments): BinaryNumber {
  return { mantissa: BigInt(n) * xy - x * y, exponent: xUnit.exponent + yUnit.exponent };
}

/** n² times the variance of x: nΣx² − (Σx)². */
export function spreadOfX({ n, xUnit, x, xx }: JointMoments): BinaryNumber {
  return { mantissa: BigInt(n) * xx - x * x, exponent: 2 * xUnit.exponent };
}

/** n² times the variance of y: nΣy² − (Σy)². */
export function spreadOfY({ n, yUnit, y, yy }: JointMoments): BinaryNumber {
  return { mantissa: BigInt(n) * yy - y * y, exponent: 2 * yUnit.exponent };
}

/**
 * Makes the accumulator of the slope of the first argument over the second, times
 * `numerator` ÷ `denominator`.
 */
export function slopeAccumulator(numerator: bigint, denominator: bigint): Accumulator {
  // The moments are those of (y, x): the spread of their y is that of the x here.
  return jointMomentAccumulator((moments) => {
    const [joint, spread] = [jointSpread(moments), spreadOfY(moments)];
    if (spread.mantissa === 0n) return null;
    return finiteOrNull(
      roundRational(
        joint.mantissa * numerator,
        spread.mantissa * denominator,
        joint.exponent - spread.exponent,
      ),
    );
  });
}
