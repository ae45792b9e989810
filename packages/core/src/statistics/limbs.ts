/** Numbers of limbs of 32 bits: fixed-point numbers that are wide enough for sums of doubles. */

/** 2^32 */
export const LIMB = 4294967296;
/**
 * Bit 0 of limb 0 weighs 2^−1075. The largest double ends at bit 2098, and 2^20 of them need 20
 * bits more.
 */
export const LIMBS = 68;
const scratch = new Float64Array(LIMBS);

/** Returns the negative of limbs[lowest..top]. The next call makes the result void. */
export function negated(limbs: Float64Array, lowest: number, top: number): Float64Array {
  let borrow = 0;
  for (let i = lowest; i <= top; i++) {
    let value = -limbs[i]! - borrow;
    borrow = 0;
    if (value < 0) {
      value += LIMB;
      borrow = 1;
    }
    scratch[i] = value;
  }
  return scratch;
}

/**
 * Rounds `limbs[lowest..top]` to the nearest double.
 * Each limb is in [0, 2^32), and the topmost is not zero.
 */
export function roundLimbs(limbs: Float64Array, lowest: number, top: number): number {
  const a = limbs[top]!;
  const b = top - 1 >= lowest ? limbs[top - 1]! : 0;
  const c = top - 2 >= lowest ? limbs[top - 2]! : 0;
  const bits = 32 - Math.clz32(a);
  // The 53 leading bits of a:b:c are the mantissa. The bits after them, `rest`, are compared with
  // `half`. The bits below decide a tie.
  let mantissa: number, rest: number, half: number, below: boolean;
  if (bits >= 21) {
    const drop = 2 ** (bits - 21);
    const kept = Math.floor(b / drop);
    mantissa = a * 2 ** (53 - bits) + kept;
    rest = b - kept * drop;
    half = drop / 2;
    below = c !== 0;
    if (drop === 1) {
      rest = c;
      half = LIMB / 2;
      below = false;
    }
  } else {
    const drop = 2 ** (bits + 11);
    const kept = Math.floor(c / drop);
    mantissa = a * 2 ** (53 - bits) + b * 2 ** (21 - bits) + kept;
    rest = c - kept * drop;
    half = drop / 2;
    below = false;
  }
  for (let i = top - 3; !below && i >= lowest; i--) below = limbs[i] !== 0;
  if (rest > half || (rest === half && (below || mantissa % 2 === 1))) mantissa += 1;
  return scaled(mantissa, 32 * top + bits - 53 - 1075);
}

/** Returns mantissa · 2^exponent. Both steps are exact wherever the result is a double. */
function scaled(mantissa: number, exponent: number): number {
  if (exponent > 971) return Infinity;
  if (exponent >= -1022) return mantissa * 2 ** exponent;
  return mantissa * 2 ** -1000 * 2 ** (exponent + 1000);
}
