/** Counts how often each value occurs. What leaves is taken away again, exactly. */
import { valueAt, type Vector } from "../columns/batch.ts";
import { toHex } from "../bytes/bytes-text.ts";
import type { ByteReader } from "../bytes/bytes.ts";
import type { Value, ValueType } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";
import type { Accumulator, Overflows } from "./accumulator.ts";
import { decoded, encoded, readValue, writeValue } from "./state-codec.ts";

/** A value, and in how many rows it is. */
export interface Counted {
  readonly value: NonNullable<Value>;
  rows: number;
}

/** The values of some rows with their counts. */
export interface Multiset {
  /** How many different values there are. */
  readonly size: number;
  /** How many rows they are in. */
  readonly rows: number;
  /** The values in no order. */
  values(): Iterable<Counted>;
  /** The values in their order (law 3: one order of values). */
  sorted(): readonly Counted[];
  compare(a: NonNullable<Value>, b: NonNullable<Value>): number;
}

/** Of so many values of a written state the bytes are remembered. */
const MOST_SEEN = 64;

/** If more than one value in so many comes or goes, sorting is faster than moving. */
const MOVED = 8;

class CountedValues implements Multiset {
  readonly compare: Multiset["compare"];
  rows = 0;
  private readonly counts = new Map<unknown, Counted>();
  /** The values in their order. null: it must be made anew. */
  private order: Counted[] | null = null;
  /** By place in a written state: the value that was last there. */
  private seen: { readonly bytes: Uint8Array; readonly counted: Counted }[] = [];
  /** How many more values may come or go before the order is made anew. */
  private moves = 0;

  constructor(type: ValueType) {
    this.compare = scalarTypeOf(type).compare;
  }

  get size(): number {
    return this.counts.size;
  }

  values(): Iterable<Counted> {
    return this.counts.values();
  }

  sorted(): readonly Counted[] {
    if (this.order === null) {
      const { compare } = this;
      this.order = [...this.counts.values()].sort((a, b) => compare(a.value, b.value));
      this.moves = Math.floor(this.order.length / MOVED);
    }
    return this.order;
  }

  clear(): void {
    this.counts.clear();
    this.rows = 0;
    this.order = null;
    this.seen = [];
  }

  /** Adds a value `rows` times. Fewer than none take it away. Returns it with its count. */
  add(value: NonNullable<Value>, rows: number): Counted {
    this.rows += rows;
    // A Map compares numbers and bigints by value, and takes −0 for 0.
    const key = value instanceof Uint8Array ? toHex(value) : value;
    const known = this.counts.get(key);
    if (known === undefined) {
      const added = { value: value === 0 ? 0 : value, rows };
      this.counts.set(key, added);
      if (this.mayMove()) this.order!.splice(this.placeOf(value), 0, added);
      return added;
    }
    if ((known.rows += rows) === 0) {
      this.counts.delete(key);
      this.seen = [];
      if (this.mayMove()) this.order!.splice(this.placeOf(value), 1);
    }
    return known;
  }

  /** Whether one value may be moved in the order. If not, there is no order any more. */
  private mayMove(): boolean {
    if (this.order !== null && --this.moves < 0) this.order = null;
    return this.order !== null;
  }

  /** How many values in the order come before this one. */
  private placeOf(value: NonNullable<Value>): number {
    const order = this.order!;
    let [from, to] = [0, order.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.compare(order[middle]!.value, value) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /**
   * Adds the values of a written state. Many states have the same values in the same places, so a
   * value is decoded only if its bytes differ from those that were last in its place.
   */
  addEncoded(reader: ByteReader): void {
    const { seen } = this;
    const count = reader.itemCount();
    for (let i = 0; i < count; i++) {
      const last = seen[i];
      if (last !== undefined && reader.skipIfEqual(last.bytes)) {
        const rows = reader.varint();
        last.counted.rows += rows;
        this.rows += rows;
        continue;
      }
      const start = reader.position;
      const value = readValue(reader)!;
      const bytes = reader.rawFrom(start);
      const counted = this.add(value, reader.varint());
      if (i < MOST_SEEN) seen[i] = { bytes, counted };
    }
  }

  addRows(vector: Vector, list: Int32Array, length: number, times: 1 | -1): void {
    for (let i = 0; i < length; i++) {
      const value = valueAt(vector, list[i]!);
      if (value !== null) this.add(value, times);
    }
  }
}

/** The values by their number of rows, the most first. Equally frequent ones are in their order. */
export function byFrequency(values: Multiset): Counted[] {
  return [...values.sorted()].sort((a, b) => b.rows - a.rows);
}

/** Makes an accumulator whose state is the multiset of an argument's values. */
export function multisetAccumulator(
  type: ValueType,
  finish: (values: Multiset, overflows: Overflows) => Value,
): Accumulator {
  const accumulator: Accumulator<CountedValues> = {
    holds: { name: "counted values", detail: 0 },
    create: () => new CountedValues(type),
    clear(state) {
      state.clear();
    },
    add(state, vectors, rows, length) {
      state.addRows(vectors[0]!, rows, length, 1);
    },
    subtract(state, vectors, rows, length) {
      state.addRows(vectors[0]!, rows, length, -1);
    },
    merge(state, other) {
      for (const { value, rows } of other.values()) state.add(value, rows);
    },
    encode: (state) =>
      encoded((writer) => {
        writer.varint(state.size);
        for (const { value, rows } of state.sorted()) {
          writeValue(writer, value);
          writer.varint(rows);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state = new CountedValues(type);
        for (let left = reader.itemCount(); left > 0; left--)
          state.add(readValue(reader)!, reader.varint());
        return state;
      }),
    mergeEncoded(state, reader) {
      state.addEncoded(reader);
    },
    finish,
  };
  return accumulator as Accumulator;
}
