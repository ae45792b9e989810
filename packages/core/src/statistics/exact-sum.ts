/**
 * The exact sum of float64 values, rounded once (law 3: order cannot matter).
 *
 * A "small superaccumulator" after Radford Neal, "Fast exact summation using small and large
 * superaccumulators" (2015).
 * It is a fixed-point number wide enough for every double.
 * Its limbs of 32 bits hold a signed surplus until they must be carried.
 * Adding and subtracting are exact, so a value that leaves a window may be subtracted.
 */
import type { BinaryNumber } from "./rational.ts";
import { damaged, type ByteReader, type ByteWriter } from "../bytes/bytes.ts";

const LIMB = 4294967296; // 2^32
/**
 * Bit 0 of limb 0 weighs 2^−1075. The largest double ends at bit 2098, and 2^20 of them need 20
 * bits more.
 */
const LIMBS = 68;
/** After so many additions a limb may exceed 2^53 − 2^32, so the limbs are carried before. */
const CARRY_EVERY = 1 << 20;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/**
 * Index of the low word of a double. Node supports only little-endian machines, but the check costs
 * nothing.
 */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** An accumulator of the exact sum of float64 values. */
export class ExactSum {
  private readonly limbs = new Float64Array(LIMBS);
  private lowest = LIMBS;
  private highest = -1;
  private additions = 0;
  /**
   * The first two values are kept apart. The machine's addition of two values rounds their exact
   * sum once. Three `buffered` values: all are in the limbs.
   */
  private first = 0;
  private second = 0;
  private buffered = 0;

  reset(): void {
    this.buffered = 0;
    this.first = 0;
    this.second = 0;
    if (this.highest >= 0) this.limbs.fill(0, this.lowest, LIMBS);
    this.lowest = LIMBS;
    this.highest = -1;
    this.additions = 0;
  }

  /** Adds a finite value. */
  add(value: number): void {
    if (value === 0) return;
    if (this.buffered < 2) {
      if (this.buffered++ === 0) this.first = value;
      else this.second = value;
      return;
    }
    this.unbuffer();
    this.accumulate(value);
  }

  /** Takes a finite value away that was added before. */
  subtract(value: number): void {
    if (value === 0) return;
    this.unbuffer();
    this.accumulate(-value);
  }

  /** Adds the exact value of another sum, which stays as it is. */
  merge(other: ExactSum): void {
    if (other.buffered < 3) {
      this.add(other.first);
      this.add(other.second);
      return;
    }
    if (other.highest < 0) return;
    this.unbuffer();
    // A carried limb is at most 2^32, as a part of a value is: this counts as one addition.
    other.carry();
    if (this.additions + 1 >= CARRY_EVERY) this.carry();
    for (let i = other.lowest; i <= other.highest; i++) this.limbs[i]! += other.limbs[i]!;
    if (other.lowest < this.lowest) this.lowest = other.lowest;
    if (other.highest > this.highest) this.highest = other.highest;
    this.additions++;
  }

  /**
   * Writes the exact value: a sign, the index of its lowest limb, and its limbs. Equal values have
   * equal bytes.
   */
  write(writer: ByteWriter): void {
    this.unbuffer();
    if (this.highest >= 0) this.carry();
    const { limbs } = this;
    let { lowest, highest: top } = this;
    while (top >= lowest && limbs[top] === 0) top--;
    if (top < lowest) {
      writer.byte(0);
      return;
    }
    const negative = limbs[top]! < 0;
    const magnitude = negative ? negated(limbs, lowest, top) : limbs;
    while (magnitude[top] === 0) top--;
    while (magnitude[lowest] === 0) lowest++;
    writer.byte(negative ? 2 : 1);
    writer.byte(lowest);
    writer.byte(top - lowest + 1);
    for (let i = lowest; i <= top; i++) writer.varint(magnitude[i]!);
  }

  /**
   * Reads what `write` wrote.
   *
   * @throws STATE_DAMAGED when the bytes are no sum.
   */
  static read(reader: ByteReader): ExactSum {
    const sum = new ExactSum();
    const sign = reader.byte();
    if (sign === 0) return sum;
    const lowest = reader.byte();
    const count = reader.byte();
    if (sign > 2 || lowest + count > LIMBS) throw damaged("has no sum where one was expected");
    sum.buffered = 3;
    sum.lowest = lowest;
    sum.highest = lowest + count - 1;
    for (let i = lowest; i <= sum.highest; i++) {
      const limb = reader.varint();
      if (limb >= LIMB) throw damaged("has no sum where one was expected");
      sum.limbs[i] = sign === 2 ? -limb : limb;
    }
    return sum;
  }

  /** Moves the values that are kept apart into the limbs. */
  private unbuffer(): void {
    if (this.buffered === 3) return;
    this.buffered = 3;
    if (this.first !== 0) this.accumulate(this.first);
    if (this.second !== 0) this.accumulate(this.second);
  }

  private accumulate(value: number): void {
    float[0] = value;
    const high = words[HIGH]!;
    const low = words[LOW]!;
    let exponent = (high >>> 20) & 0x7ff;
    let mantissa = high & 0xfffff;
    if (exponent === 0) exponent = 1;
    else mantissa |= 0x100000;
    const limb = exponent >>> 5;
    const shift = exponent & 31;
    let first: number, second: number, third: number;
    if (shift === 0) {
      first = low;
      second = mantissa;
      third = 0;
    } else {
      first = (low << shift) >>> 0;
      second = ((low >>> (32 - shift)) | (mantissa << shift)) >>> 0;
      third = mantissa >>> (32 - shift);
    }
    const limbs = this.limbs;
    if (high >>> 31 === 0) {
      limbs[limb]! += first;
      limbs[limb + 1]! += second;
      limbs[limb + 2]! += third;
    } else {
      limbs[limb]! -= first;
      limbs[limb + 1]! -= second;
      limbs[limb + 2]! -= third;
    }
    if (limb < this.lowest) this.lowest = limb;
    if (limb + 2 > this.highest) this.highest = limb + 2;
    if (++this.additions === CARRY_EVERY) this.carry();
  }

  /**
   * Returns the sum, rounded half to even; ±Infinity if it is outside float64.
   * The accumulator keeps its exact value.
   */
  round(): number {
    if (this.buffered < 3) {
      const sum = this.first + this.second;
      return sum === 0 ? 0 : sum;
    }
    if (this.highest < 0) return 0;
    this.carry();
    const limbs = this.limbs;
    let top = this.highest;
    while (top >= this.lowest && limbs[top] === 0) top--;
    if (top < this.lowest) return 0;
    const negative = limbs[top]! < 0;
    const magnitude = negative ? negated(limbs, this.lowest, top) : limbs;
    while (top > this.lowest && magnitude[top] === 0) top--;
    const rounded = roundLimbs(magnitude, this.lowest, top);
    return negative ? -rounded : rounded;
  }

  /** Returns the exact sum. The mantissa may be even. */
  exact(): BinaryNumber {
    this.unbuffer();
    let mantissa = 0n;
    for (let i = this.highest; i >= this.lowest; i--)
      mantissa = (mantissa << 32n) + BigInt(this.limbs[i]!);
    return { mantissa, exponent: mantissa === 0n ? 0 : 32 * this.lowest - 1075 };
  }

  /** Brings every limb but the topmost into [0, 2^32). The topmost limb keeps the sign. */
  private carry(): void {
    const limbs = this.limbs;
    let carry = 0;
    let i = this.lowest;
    for (; i < LIMBS - 1 && (i <= this.highest || carry !== 0); i++) {
      const value = limbs[i]! + carry;
      if (i >= this.highest && value < 0 && value >= -LIMB) {
        limbs[i] = value;
        carry = 0;
        continue;
      }
      carry = Math.floor(value / LIMB);
      limbs[i] = value - carry * LIMB;
    }
    if (carry !== 0) {
      limbs[i]! += carry;
      i++;
    }
    if (i - 1 > this.highest) this.highest = i - 1;
    this.additions = 0;
  }
}

const scratch = new Float64Array(LIMBS);

function negated(limbs: Float64Array, lowest: number, top: number): Float64Array {
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
function roundLimbs(limbs: Float64Array, lowest: number, top: number): number {
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
