/** Counts how often each value occurs. What leaves is taken away again, exactly. */
import { valueAt, type Vector } from "../columns/batch.ts";
import { toHex } from "../bytes/bytes-text.ts";
import { compareValues } from "../columns/compare.ts";
import type { Value, ValueType } from "../specs.ts";
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
  /** The values in no order. */
  values(): Iterable<Counted>;
  /** The values in their order (law 3: one order of values). */
  sorted(): readonly Counted[];
  compare(a: Value, b: Value): number;
}

class CountedValues implements Multiset {
  private readonly counts = new Map<unknown, Counted>();
  private readonly type: ValueType;

  constructor(type: ValueType) {
    this.type = type;
  }

  get size(): number {
    return this.counts.size;
  }

  values(): Iterable<Counted> {
    return this.counts.values();
  }

  sorted(): readonly Counted[] {
    return [...this.counts.values()].sort((a, b) => this.compare(a.value, b.value));
  }

  compare(a: Value, b: Value): number {
    return compareValues(this.type, a, b);
  }

  clear(): void {
    this.counts.clear();
  }

  /** Adds a value `rows` times. Fewer than none take it away. */
  add(value: NonNullable<Value>, rows: number): void {
    // A Map compares numbers and bigints by value, and takes −0 for 0.
    const key = value instanceof Uint8Array ? toHex(value) : value;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { value: value === 0 ? 0 : value, rows });
    else if ((known.rows += rows) === 0) this.counts.delete(key);
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
    finish,
  };
  return accumulator as Accumulator;
}
