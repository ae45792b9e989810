/**
 * Counts numbers in bins whose width adapts: at most 4,096 bins are used. The bins depend on the
 * numbers alone, not on their order, and two sets of bins can be merged.
 */
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";

/** The most bins that are used. Beyond it, neighbours are joined in pairs. */
const MOST_BINS = 4096;
/** Each power of two begins as 2^9 bins, so that the middle of a bin is at most 0.1 % off. */
const FRACTION_BITS = 9n;

/** How numbers are numbered before they are put in bins. */
export interface BinScale {
  /** The number of the finest bin of a value: a safe integer that rises with the value. */
  finest(value: number): number;
  /** The least value of a finest bin. */
  least(bin: number): number;
}

/** Bins of whole numbers, such as times in µs. */
export const linearScale: BinScale = { finest: (value) => Math.floor(value), least: (bin) => bin };

const float = new Float64Array(1);
const word = new BigUint64Array(float.buffer);

/** Bins whose width is a share of their values. */
export const relativeScale: BinScale = {
  finest(value) {
    float[0] = Math.abs(value);
    const bin = Number(word[0]! >> (52n - FRACTION_BITS));
    return value < 0 ? -1 - bin : bin;
  },
  least(bin) {
    const isNegative = bin < 0;
    // of negative values the least has the greatest size, where the next bin begins
    word[0] = BigInt(isNegative ? -bin : bin) << (52n - FRACTION_BITS);
    return isNegative ? -float[0]! : float[0]!;
  },
};

/** Numbers of rows by bin. */
export class ValueBins {
  /** Each bin is 2^level of the finest bins. */
  private level = 0;
  private counts = new Map<number, number>();
  private readonly scale: BinScale;

  constructor(scale: BinScale) {
    this.scale = scale;
  }

  add(value: number, rows: number): void {
    this.addBin(Math.floor(this.scale.finest(value) / 2 ** this.level), rows);
  }

  merge(other: ValueBins): void {
    while (this.level < other.level) this.join();
    for (const [bin, rows] of other.counts)
      this.addBin(Math.floor(bin / 2 ** (this.level - other.level)), rows);
  }

  /** The bins in their order, with the value that stands for each: its middle. */
  sorted(): readonly { readonly value: number; readonly rows: number }[] {
    const width = 2 ** this.level;
    const { scale } = this;
    return [...this.counts]
      .sort(([a], [b]) => a - b)
      .map(([bin, rows]) => {
        const [low, high] = [scale.least(bin * width), scale.least((bin + 1) * width)];
        if (!Number.isFinite(low)) return { value: high, rows };
        return { value: Number.isFinite(high) ? low + (high - low) / 2 : low, rows };
      });
  }

  write(writer: ByteWriter): void {
    writer.varint(this.level);
    writer.varint(this.counts.size);
    let before = 0;
    for (const [bin, rows] of [...this.counts].sort(([a], [b]) => a - b)) {
      writer.float64(bin - before);
      writer.varint(rows);
      before = bin;
    }
  }

  static read(reader: ByteReader, scale: BinScale): ValueBins {
    const bins = new ValueBins(scale);
    bins.level = reader.varint();
    let before = 0;
    for (let left = reader.itemCount(); left > 0; left--) {
      before += reader.float64();
      bins.counts.set(before, reader.varint());
    }
    return bins;
  }

  private addBin(bin: number, rows: number): void {
    this.counts.set(bin, (this.counts.get(bin) ?? 0) + rows);
    while (this.counts.size > MOST_BINS) this.join();
  }

  /** Joins the bins in pairs. */
  private join(): void {
    const joined = new Map<number, number>();
    for (const [bin, rows] of this.counts) {
      const half = Math.floor(bin / 2);
      joined.set(half, (joined.get(half) ?? 0) + rows);
    }
    this.counts = joined;
    this.level++;
  }
}
