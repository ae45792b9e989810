/**
 * The exact sum of float64 values, rounded once (law 3: order cannot matter).
 * Adding and subtracting are exact, so a value that leaves a window may be subtracted.
 *
 * Values of usual size are cut into three doubles without error. Each part is a multiple of the
 * unit of its bin, and the sum of a bin is exact while it has at most 53 bits.
 *
 * Every other value goes into a "small superaccumulator" after Radford Neal, "Fast exact summation
 * using small and large superaccumulators" (2015).
 * It is a fixed-point number wide enough for every double.
 * Its limbs of 32 bits hold a signed surplus until they must be carried.
 */
import { damaged, type ByteReader, type ByteWriter } from "../bytes/bytes.ts";
import { HIGH_WORD, LOW_WORD } from "./double-words.ts";
import { LIMB, LIMBS, negated, roundLimbs } from "./limbs.ts";
import type { BinaryNumber } from "./rational.ts";
import { roundedSum } from "./round-sum.ts";

/** So many values may be added to the bins, and subtracted, before the bins are emptied. */
const MOST_BINNED = 1 << 20;
/** Only values of this size are binned: the unit in the last place of each is at least 2^−69. */
const SMALLEST_BINNED = 2 ** -17;
const LARGEST_BINNED = 2 ** 30;
/**
 * Adding and subtracting 1.5 · 2^52 units rounds a value to a multiple of the unit.
 * The unit of the high bin is 2^−2: 2^20 values of at most 2^30 have a sum of at most 2^52 units.
 * The unit of the middle bin is 2^−35: its values are at most 2^−3, which is 2^32 units.
 * The values of the low bin are at most 2^−36, and multiples of 2^−69.
 */
const TO_HIGH_UNIT = 1.5 * 2 ** 50;
const TO_MIDDLE_UNIT = 1.5 * 2 ** 17;

/** After so many additions a limb may exceed 2^53 − 2^32, so the limbs are carried before. */
const CARRY_EVERY = 1 << 20;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/** An accumulator of the exact sum of float64 values. */
export class ExactSum {
  private readonly limbs = new Float64Array(LIMBS);
  private lowest = LIMBS;
  private highest = -1;
  private additions = 0;
  /** The sums of the bins, and how often values were added to them and subtracted. */
  private high = 0;
  private middle = 0;
  private low = 0;
  private binned = 0;

  reset(): void {
    this.high = 0;
    this.middle = 0;
    this.low = 0;
    this.binned = 0;
    if (this.highest >= 0) this.limbs.fill(0, this.lowest, LIMBS);
    this.lowest = LIMBS;
    this.highest = -1;
    this.additions = 0;
  }

  /** Adds a finite value. */
  add(value: number): void {
    const size = Math.abs(value);
    if (size >= SMALLEST_BINNED && size <= LARGEST_BINNED) {
      if (this.binned === MOST_BINNED) this.emptyBins();
      const high = value + TO_HIGH_UNIT - TO_HIGH_UNIT;
      const rest = value - high;
      const middle = rest + TO_MIDDLE_UNIT - TO_MIDDLE_UNIT;
      this.high += high;
      this.middle += middle;
      this.low += rest - middle;
      this.binned++;
    } else if (value !== 0) this.accumulate(value);
  }

  /** Takes a finite value away that was added before. */
  subtract(value: number): void {
    this.add(-value);
  }

  /**
   * Adds the values of rows, or subtracts them if `sign` is −1. Missing values are passed over.
   * Returns how many values there were.
   */
  addRows(
    values: Float64Array,
    valid: Uint8Array | null,
    rows: Int32Array,
    length: number,
    sign: 1 | -1,
  ): number {
    let taken = 0;
    for (let start = 0; start < length;) {
      if (this.binned === MOST_BINNED) this.emptyBins();
      const end = Math.min(length, start + MOST_BINNED - this.binned);
      let highs = 0;
      let middles = 0;
      let lows = 0;
      for (let i = start; i < end; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        taken++;
        const value = values[row]!;
        const size = Math.abs(value);
        if (size >= SMALLEST_BINNED && size <= LARGEST_BINNED) {
          const high = value + TO_HIGH_UNIT - TO_HIGH_UNIT;
          const rest = value - high;
          const middle = rest + TO_MIDDLE_UNIT - TO_MIDDLE_UNIT;
          highs += high;
          middles += middle;
          lows += rest - middle;
        } else if (value !== 0) this.accumulate(sign * value);
      }
      this.high += sign * highs;
      this.middle += sign * middles;
      this.low += sign * lows;
      this.binned += end - start;
      start = end;
    }
    return taken;
  }

  /** Adds the exact value of another sum, which stays as it is. */
  merge(other: ExactSum): void {
    if (this.binned + other.binned > MOST_BINNED) this.emptyBins();
    this.high += other.high;
    this.middle += other.middle;
    this.low += other.low;
    this.binned += other.binned;
    if (other.highest < 0) return;
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
    this.emptyBins();
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
    sum.addRead(reader);
    return sum;
  }

  /**
   * Adds the exact value that `write` wrote.
   *
   * @throws STATE_DAMAGED when the bytes are no sum.
   */
  addRead(reader: ByteReader): void {
    const sign = reader.byte();
    if (sign === 0) return;
    const lowest = reader.byte();
    const count = reader.byte();
    if (sign > 2 || lowest + count > LIMBS) throw damaged("has no sum where one was expected");
    // A limb is below 2^32, as a part of a value is: this counts as one addition.
    if (this.additions + 1 >= CARRY_EVERY) this.carry();
    const highest = lowest + count - 1;
    for (let i = lowest; i <= highest; i++) {
      const limb = reader.varint();
      if (limb >= LIMB) throw damaged("has no sum where one was expected");
      if (sign === 2) this.limbs[i]! -= limb;
      else this.limbs[i]! += limb;
    }
    if (lowest < this.lowest) this.lowest = lowest;
    if (highest > this.highest) this.highest = highest;
    this.additions++;
  }

  /** Moves the sums of the bins into the limbs. */
  private emptyBins(): void {
    if (this.high !== 0) this.accumulate(this.high);
    if (this.middle !== 0) this.accumulate(this.middle);
    if (this.low !== 0) this.accumulate(this.low);
    this.high = 0;
    this.middle = 0;
    this.low = 0;
    this.binned = 0;
  }

  private accumulate(value: number): void {
    float[0] = value;
    const high = words[HIGH_WORD]!;
    const low = words[LOW_WORD]!;
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
    if (this.highest < 0) {
      const sum = roundedSum(this.high, this.middle, this.low);
      return sum === 0 ? 0 : sum;
    }
    this.emptyBins();
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
    this.emptyBins();
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
