/** Exact sums of counted numbers and of their squares, for means and standard deviations. */
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import type { Moments } from "../statistics/moments.ts";
import { reduced, type BinaryNumber } from "../statistics/rational.ts";
import { readInteger, writeInteger } from "../statistics/state-codec.ts";

/** The exact sums of numbers and of their squares. */
export class PowerSums {
  private n = 0;
  /** The numbers are whole numbers of 2^exponent. */
  private exponent = 0;
  private sum = 0n;
  private squares = 0n;

  /** Adds a number that is in so many rows. */
  add(number: BinaryNumber, rows: number): void {
    this.n += rows;
    if (number.mantissa === 0n) return;
    if (number.exponent < this.exponent) this.scaleTo(number.exponent);
    const whole = number.mantissa << BigInt(number.exponent - this.exponent);
    const product = whole * BigInt(rows);
    this.sum += product;
    this.squares += product * whole;
  }

  merge(other: PowerSums): void {
    if (other.exponent < this.exponent) this.scaleTo(other.exponent);
    const shift = BigInt(other.exponent - this.exponent);
    this.n += other.n;
    this.sum += other.sum << shift;
    this.squares += other.squares << (2n * shift);
  }

  moments(): Moments {
    return { n: this.n, exponent: this.exponent, powers: [this.sum, this.squares] };
  }

  /** Writes the sums. Equal sums have equal bytes, whatever the order they were added in. */
  write(writer: ByteWriter): void {
    writer.varint(this.n);
    for (const [value, factor] of [
      [this.sum, 1],
      [this.squares, 2],
    ] as const) {
      const { mantissa, exponent } = reduced({ mantissa: value, exponent: this.exponent * factor });
      writer.zigzag(exponent);
      writeInteger(writer, mantissa);
    }
  }

  static read(reader: ByteReader): PowerSums {
    const sums = new PowerSums();
    sums.n = reader.varint();
    const sum = { exponent: reader.zigzag(), mantissa: readInteger(reader) };
    const squares = { exponent: reader.zigzag(), mantissa: readInteger(reader) };
    sums.exponent = Math.min(0, sum.exponent, Math.floor(squares.exponent / 2));
    sums.sum = sum.mantissa << BigInt(sum.exponent - sums.exponent);
    sums.squares = squares.mantissa << BigInt(squares.exponent - 2 * sums.exponent);
    return sums;
  }

  private scaleTo(exponent: number): void {
    const shift = BigInt(this.exponent - exponent);
    this.exponent = exponent;
    this.sum <<= shift;
    this.squares <<= 2n * shift;
  }
}
