/**
 * Exact joint moments of two arguments: n, Σx, Σy, Σx², Σxy and Σy² of the rows that have both.
 * Covariance, correlation and slopes are functions of these rational numbers, rounded once.
 */
import type { Vector } from "../columns/batch.ts";
import type { Accumulator } from "./accumulator.ts";
import { exactNumber, finiteOrNull } from "./moments.ts";
import { binaryProduct, binarySum, reduced, roundRational, type BinaryNumber } from "./rational.ts";
import { decoded, encoded, readInteger, writeInteger } from "./state-codec.ts";

/** The sums over rows that have x and y. A decimal counts by its unscaled digits. */
export interface JointMoments {
  readonly n: number;
  readonly x: BinaryNumber;
  readonly y: BinaryNumber;
  readonly xx: BinaryNumber;
  readonly xy: BinaryNumber;
  readonly yy: BinaryNumber;
}
type JointState = { -readonly [K in keyof JointMoments]: JointMoments[K] };

const SUMS = ["x", "y", "xx", "xy", "yy"] as const;
const ZERO: BinaryNumber = { mantissa: 0n, exponent: 0 };

/** Makes the accumulator of the joint moments of two numbers. */
export function jointMomentAccumulator(
  finish: (moments: JointMoments) => number | null,
): Accumulator {
  const take = (
    state: JointState,
    [first, second]: readonly Vector[],
    list: Int32Array,
    length: number,
    sign: 1n | -1n,
  ): void => {
    const [x, y] = [first!, second!];
    for (let i = 0; i < length; i++) {
      const row = list[i]!;
      // A row counts only if every argument is there.
      if (x.valid !== null && x.valid[row] === 0) continue;
      if (y.valid !== null && y.valid[row] === 0) continue;
      state.n += Number(sign);
      const [a, b] = [exactNumber(x, row), exactNumber(y, row)];
      const signedA = { mantissa: a.mantissa * sign, exponent: a.exponent };
      const signedB = { mantissa: b.mantissa * sign, exponent: b.exponent };
      state.x = binarySum(state.x, signedA);
      state.y = binarySum(state.y, signedB);
      state.xx = binarySum(state.xx, binaryProduct(signedA, a));
      state.xy = binarySum(state.xy, binaryProduct(signedA, b));
      state.yy = binarySum(state.yy, binaryProduct(signedB, b));
    }
  };
  const accumulator: Accumulator<JointState> = {
    holds: { name: "joint moments", detail: 2 },
    create: () => ({ n: 0, x: ZERO, y: ZERO, xx: ZERO, xy: ZERO, yy: ZERO }),
    clear(state) {
      state.n = 0;
      for (const name of SUMS) state[name] = ZERO;
    },
    add(state, vectors, rows, length) {
      take(state, vectors, rows, length, 1n);
    },
    subtract(state, vectors, rows, length) {
      take(state, vectors, rows, length, -1n);
    },
    merge(state, other) {
      state.n += other.n;
      for (const name of SUMS) state[name] = binarySum(state[name], other[name]);
    },
    encode: (state) =>
      encoded((writer) => {
        writer.varint(state.n);
        for (const name of SUMS) {
          const { mantissa, exponent } = reduced(state[name]);
          writer.zigzag(exponent);
          writeInteger(writer, mantissa);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state: JointState = {
          n: reader.varint(),
          x: ZERO,
          y: ZERO,
          xx: ZERO,
          xy: ZERO,
          yy: ZERO,
        };
        for (const name of SUMS) {
          const exponent = reader.zigzag();
          state[name] = { exponent, mantissa: readInteger(reader) };
        }
        return state;
      }),
    finish,
  };
  return accumulator as Accumulator;
}

/** n² times the covariance: nΣxy − ΣxΣy. */
export function jointSpread({ n, x, y, xy }: JointMoments): BinaryNumber {
  return difference(n, xy, binaryProduct(x, y));
}

/** n² times the variance of x: nΣx² − (Σx)². */
export function spreadOfX({ n, x, xx }: JointMoments): BinaryNumber {
  return difference(n, xx, binaryProduct(x, x));
}

/** n² times the variance of y: nΣy² − (Σy)². */
export function spreadOfY({ n, y, yy }: JointMoments): BinaryNumber {
  return difference(n, yy, binaryProduct(y, y));
}

function difference(n: number, sum: BinaryNumber, product: BinaryNumber): BinaryNumber {
  return binarySum(
    { mantissa: BigInt(n) * sum.mantissa, exponent: sum.exponent },
    { mantissa: -product.mantissa, exponent: product.exponent },
  );
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
