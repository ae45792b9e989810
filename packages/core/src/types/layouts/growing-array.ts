/** An array that grows while values are pushed. */

type TypedArray = Uint8Array | Int32Array | Float64Array | BigInt64Array;

export class GrowingArray<T extends TypedArray> {
  private values: T;
  private length = 0;
  private readonly make: (length: number) => T;

  constructor(make: (length: number) => T, capacity: number) {
    this.make = make;
    this.values = make(capacity);
  }

  push(value: T[number]): void {
    if (this.length === this.values.length) {
      const larger = this.make(this.length * 2 + 16);
      (larger as { set(values: T): void }).set(this.values);
      this.values = larger;
    }
    (this.values as { [i: number]: T[number] })[this.length++] = value;
  }

  array(): T {
    return this.values.subarray(0, this.length) as T;
  }
}

/** Notes which of the pushed values are there. */
export class GrowingValidity {
  private readonly flags: GrowingArray<Uint8Array>;
  private someMissing = false;

  constructor(capacity: number) {
    this.flags = new GrowingArray((length) => new Uint8Array(length), capacity);
  }

  /** Whether the value is there. */
  push(value: unknown): boolean {
    const there = value !== null;
    if (!there) this.someMissing = true;
    this.flags.push(there ? 1 : 0);
    return there;
  }

  /** One flag for each value; null: none is missing. */
  finish(): Uint8Array | null {
    return this.someMissing ? this.flags.array() : null;
  }
}
