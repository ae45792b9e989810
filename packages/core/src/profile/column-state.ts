/**
 * The state of a profile of one column: mergeable, and a function of the rows alone. It holds the
 * exact values with their numbers of rows up to a limit, and a sketch of them beyond it.
 */
import { damaged } from "../bytes/bytes.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";
import type { Measured, MeasuredColumn } from "./measured-column.ts";
import { ValueSketch } from "./value-sketch.ts";

/** The most different values that a count of rows keeps exactly. */
const MOST_COUNTED = 250_000;
/** The most different values that a stored state keeps exactly. */
const MOST_STORED = 10_000;
/** Values that wait before they go into a sketch together. */
const MOST_WAITING = 20_000;

const FORMAT = 2;
const EXACT = 0;
const SKETCHED = 1;

export class ColumnState {
  rows = 0;
  nulls = 0;
  readonly measured: MeasuredColumn;
  /** The most different values that are kept. */
  private readonly most: number;
  /** The number of rows of each value; with a sketch, of those that wait for it. */
  private counts = new Map<Measured, number>();
  private sketch: ValueSketch | null = null;
  /** The values in their order; null: it must be made anew. */
  private order: readonly { readonly value: Measured; rows: number }[] | null = null;

  constructor(measured: MeasuredColumn, most: number = MOST_COUNTED) {
    this.measured = measured;
    this.most = most;
  }

  /** The number of values in memory. */
  get size(): number {
    return this.counts.size;
  }

  /** Whether all different values are kept. */
  get isExact(): boolean {
    return this.sketch === null;
  }

  add(value: Measured | null, rows = 1): void {
    this.rows += rows;
    if (value === null) {
      this.nulls += rows;
      return;
    }
    const { counts } = this;
    this.order = null;
    counts.set(value, (counts.get(value) ?? 0) + rows);
    if (counts.size > (this.sketch === null ? this.most : MOST_WAITING)) this.sketchValues();
  }

  merge(other: ColumnState): void {
    this.rows += other.nulls;
    this.nulls += other.nulls;
    for (const [value, rows] of other.counts) this.add(value, rows);
    if (other.sketch === null) return;
    this.rows += other.rows - other.nulls - other.waitingRows();
    if (this.sketch === null) this.sketchValues();
    this.sketch!.merge(other.sketch);
  }

  /** The values with their numbers of rows, in their order; null: they are not all kept. */
  sorted(): readonly { readonly value: Measured; rows: number }[] | null {
    if (this.sketch !== null) return null;
    const { compare } = this.measured;
    this.order ??= Array.from(this.counts, ([value, rows]) => ({ value, rows })).sort((a, b) =>
      compare(a.value, b.value),
    );
    return this.order;
  }

  /** A sketch of all values. */
  sketched(): ValueSketch {
    if (this.sketch === null) {
      const sketch = new ValueSketch(this.measured);
      if (this.counts.size > 0) sketch.add(this.counts);
      return sketch;
    }
    this.sketchValues();
    return this.sketch;
  }

  /** Writes the state. A state of few values is written with all of them. */
  encode(): Uint8Array {
    const { isHidden } = this.measured;
    return encoded((writer) => {
      writer.byte(FORMAT);
      writer.varint(this.rows);
      writer.varint(this.nulls);
      const values = this.counts.size > MOST_STORED || isHidden ? null : this.sorted();
      writer.byte(values === null ? SKETCHED : EXACT);
      if (values === null) {
        this.sketched().write(writer, !isHidden);
        return;
      }
      writer.varint(values.length);
      for (const { value, rows } of values) {
        writeValue(writer, value);
        writer.varint(rows);
      }
    });
  }

  /**
   * Reads a state.
   *
   * @throws STATE_DAMAGED when the bytes are not those of a state.
   */
  static decode(bytes: Uint8Array, measured: MeasuredColumn, most?: number): ColumnState {
    return decoded(bytes, (reader) => {
      if (reader.byte() !== FORMAT) throw damaged("has a profile of another format");
      const state = new ColumnState(measured, most);
      const [rows, nulls] = [reader.varint(), reader.varint()];
      if (reader.byte() === SKETCHED) state.sketch = ValueSketch.read(reader, measured);
      else
        for (let left = reader.itemCount(); left > 0; left--)
          state.add(readValue(reader) as Measured, reader.varint());
      state.rows = rows;
      state.nulls = nulls;
      return state;
    });
  }

  private waitingRows(): number {
    let rows = 0;
    for (const one of this.counts.values()) rows += one;
    return rows;
  }

  private sketchValues(): void {
    this.sketch ??= new ValueSketch(this.measured);
    if (this.counts.size === 0) return;
    this.sketch.add(this.counts);
    this.counts = new Map();
  }
}
