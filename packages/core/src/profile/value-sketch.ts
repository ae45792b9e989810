/**
 * What is kept of a column with too many different values to keep them all: exact sums, the least
 * and the greatest value, bins of numbers, and a HyperLogLog of the values. It depends on the rows
 * alone, and never on their order.
 */
import { approxCountDistinctAggregator } from "../aggregate/approx-count-distinct.ts";
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import { vectorOf } from "../columns/batch.ts";
import type { Accumulator } from "../statistics/accumulator.ts";
import { readValue, writeValue } from "../statistics/state-codec.ts";
import type { Measured, MeasuredColumn } from "./measured-column.ts";
import { PowerSums } from "./power-sums.ts";
import { linearScale, relativeScale, ValueBins, type BinScale } from "./value-bins.ts";

/** The standard error of the number of different values: 0.8 %, with 2^14 registers. */
const DISTINCT_OPTIONS = { error: 0.01, sketch: "hyperloglog-md5" };

function scaleOf({ kind, measures }: MeasuredColumn): BinScale {
  return kind === "time" || measures === "length" ? linearScale : relativeScale;
}

export class ValueSketch {
  sums: PowerSums = new PowerSums();
  bins: ValueBins;
  /** The least and the greatest value; null: there is none. */
  range: { readonly least: Measured; readonly greatest: Measured } | null = null;
  private readonly registers: unknown;
  private readonly distinctValues: Accumulator;
  private readonly measured: MeasuredColumn;

  constructor(measured: MeasuredColumn, registers?: Uint8Array) {
    this.measured = measured;
    this.bins = new ValueBins(scaleOf(measured));
    this.distinctValues = approxCountDistinctAggregator.accumulator!(
      [measured.form],
      DISTINCT_OPTIONS,
    );
    this.registers =
      registers === undefined
        ? this.distinctValues.create()
        : this.distinctValues.decode(registers);
  }

  /** Adds values with the number of rows of each. */
  add(counts: ReadonlyMap<Measured, number>): void {
    const { kind, form, compare, toNumber, toExact } = this.measured;
    const values = [...counts.keys()];
    const rows = Int32Array.from(values.keys());
    this.distinctValues.add(
      this.registers,
      [vectorOf(form, values, (value) => (form.type === "int64" ? BigInt(value) : value))],
      rows,
      values.length,
    );
    let { least, greatest } = this.range ?? { least: values[0], greatest: values[0] };
    for (const [value, count] of counts) {
      if (compare(value, least!) < 0) least = value;
      if (compare(value, greatest!) > 0) greatest = value;
      if (kind === "category") continue;
      this.sums.add(toExact(value), count);
      this.bins.add(toNumber(value), count);
    }
    if (least !== undefined && greatest !== undefined) this.range = { least, greatest };
  }

  merge(other: ValueSketch): void {
    const { compare } = this.measured;
    this.distinctValues.merge(this.registers, other.registers);
    this.sums.merge(other.sums);
    this.bins.merge(other.bins);
    if (other.range === null) return;
    const { least, greatest } = this.range ?? other.range;
    this.range = {
      least: compare(other.range.least, least) < 0 ? other.range.least : least,
      greatest: compare(other.range.greatest, greatest) > 0 ? other.range.greatest : greatest,
    };
  }

  /** About how many different values there are. */
  distinct(): number {
    return Number(this.distinctValues.finish(this.registers, { count: 0 }, 0));
  }

  /** Writes the sketch. Without values, only the registers are written. */
  write(writer: ByteWriter, withValues: boolean): void {
    const registers = this.distinctValues.encode(this.registers);
    writer.varint(registers.length);
    writer.raw(registers);
    writer.byte(withValues ? 1 : 0);
    if (!withValues) return;
    this.sums.write(writer);
    this.bins.write(writer);
    writeValue(writer, this.range?.least ?? null);
    writeValue(writer, this.range?.greatest ?? null);
  }

  static read(reader: ByteReader, measured: MeasuredColumn): ValueSketch {
    const sketch = new ValueSketch(measured, reader.raw(reader.varint()).slice());
    if (reader.byte() === 0) return sketch;
    sketch.sums = PowerSums.read(reader);
    sketch.bins = ValueBins.read(reader, scaleOf(measured));
    const [least, greatest] = [readValue(reader), readValue(reader)];
    if (least !== null && greatest !== null)
      sketch.range = { least: least as Measured, greatest: greatest as Measured };
    return sketch;
  }
}
