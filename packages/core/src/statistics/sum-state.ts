/** The state of `sum` and `avg`: the exact sum, and the number of rows in it. */
import { vectorOfKind, type Vector } from "../columns/batch.ts";
import type { TypeSpec, Value, ValueType } from "../specs.ts";
import type { Accumulator, Overflows } from "./accumulator.ts";
import { ExactSum } from "./exact-sum.ts";
import { decimalToDouble } from "./rational.ts";
import { decoded, encoded, readInteger, writeInteger } from "./state-codec.ts";

/** How the sum of a type becomes an answer. */
export interface SumEnds {
  readonly ofFloats: (sum: ExactSum, rows: number, overflows: Overflows) => Value;
  /** `total` is the sum of integers, or of unscaled decimals. */
  readonly ofIntegers: (total: bigint, rows: number, overflows: Overflows) => Value;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const DECIMAL_MAX = 10n ** 38n - 1n;

/**
 * The form of a sum of such numbers. A sum of float64 is a float64, of integers an int64, of
 * decimal(p,s) a decimal(38,s).
 */
export function sumType({ type, scale }: TypeSpec): TypeSpec {
  if (type === "decimal") return { type, nullable: false, precision: 38, scale };
  return { type: type === "float64" ? type : "int64", nullable: false };
}

/** The sum as an answer. Outside its type it saturates at the largest value, and is counted. */
export function sumEnds({ type }: TypeSpec): SumEnds {
  const [low, high] = type === "decimal" ? [-DECIMAL_MAX, DECIMAL_MAX] : [INT64_MIN, INT64_MAX];
  return {
    ofFloats: (total, _, overflows) => saturatedFloat(total, overflows),
    ofIntegers(total, _, overflows) {
      if (total >= low && total <= high) return total;
      overflows.count++;
      return total < low ? low : high;
    },
  };
}

/**
 * The sum rounded to double, divided once by the number of values; null if there is none (law 3: an
 * average is a float64).
 */
export function averageEnds({ scale = 0 }: TypeSpec): SumEnds {
  return {
    ofFloats: (sum, rows, overflows) =>
      rows === 0 ? null : withoutMinusZero(saturatedFloat(sum, overflows) / rows),
    ofIntegers: (total, rows) =>
      rows === 0 ? null : withoutMinusZero(decimalToDouble(total, scale) / rows),
  };
}

/** Turns −0 into 0, since a quotient can round to −0 (law 3: no output is −0). */
function withoutMinusZero(value: number): number {
  return value === 0 ? 0 : value;
}

/** Makes the accumulator of an exact sum of numbers of the type. */
export function sumAccumulator(type: ValueType, ends: SumEnds): Accumulator {
  return (
    type === "float64" ? floatSum(ends.ofFloats) : integerSum(ends.ofIntegers)
  ) as Accumulator;
}

interface FloatSum {
  readonly sum: ExactSum;
  rows: number;
}

function floatSum(finish: SumEnds["ofFloats"]): Accumulator<FloatSum> {
  return {
    holds: { name: "sum", detail: 0 },
    create: () => ({ sum: new ExactSum(), rows: 0 }),
    clear(state) {
      state.sum.reset();
      state.rows = 0;
    },
    add(state, vectors, list, length) {
      const { values, valid } = vectorOfKind(vectors[0]!, "float64");
      state.rows += state.sum.addRows(values, valid, list, length, 1);
    },
    subtract(state, vectors, list, length) {
      const { values, valid } = vectorOfKind(vectors[0]!, "float64");
      state.rows -= state.sum.addRows(values, valid, list, length, -1);
    },
    merge(state, other) {
      state.sum.merge(other.sum);
      state.rows += other.rows;
    },
    encode: ({ sum, rows }) =>
      encoded((writer) => {
        writer.varint(rows);
        sum.write(writer);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const rows = reader.varint();
        return { sum: ExactSum.read(reader), rows };
      }),
    mergeEncoded(state, reader) {
      state.rows += reader.varint();
      state.sum.addRead(reader);
    },
    finish: ({ sum, rows }, overflows) => finish(sum, rows, overflows),
  };
}

interface IntegerSum {
  total: bigint;
  rows: number;
}

/**
 * Sums of int32, int64 and unscaled decimals, held in a bigint (law 3: a partial overflow is no
 * overflow).
 */
function integerSum(finish: SumEnds["ofIntegers"]): Accumulator<IntegerSum> {
  const take = (
    state: IntegerSum,
    vector: Vector,
    list: Int32Array,
    length: number,
    sign: 1 | -1,
  ): void => {
    const { values, valid } = integers(vector);
    let total = 0n;
    let taken = 0;
    for (let i = 0; i < length; i++) {
      const row = list[i]!;
      if (valid !== null && valid[row] === 0) continue;
      total += BigInt(values[row]!);
      taken++;
    }
    state.total += sign < 0 ? -total : total;
    state.rows += sign * taken;
  };
  return {
    holds: { name: "sum", detail: 0 },
    create: () => ({ total: 0n, rows: 0 }),
    clear(state) {
      state.total = 0n;
      state.rows = 0;
    },
    add(state, vectors, list, length) {
      take(state, vectors[0]!, list, length, 1);
    },
    subtract(state, vectors, list, length) {
      take(state, vectors[0]!, list, length, -1);
    },
    merge(state, other) {
      state.total += other.total;
      state.rows += other.rows;
    },
    encode: ({ total, rows }) =>
      encoded((writer) => {
        writer.varint(rows);
        writeInteger(writer, total);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const rows = reader.varint();
        return { total: readInteger(reader), rows };
      }),
    mergeEncoded(state, reader) {
      state.rows += reader.varint();
      state.total += readInteger(reader);
    },
    finish: ({ total, rows }, overflows) => finish(total, rows, overflows),
  };
}

/** The values of a vector of whole numbers. */
function integers(vector: Vector): {
  readonly values: { readonly [row: number]: bigint | number };
  readonly valid: Uint8Array | null;
} {
  if (vector.kind !== "int64" && vector.kind !== "int32" && vector.kind !== "big")
    throw new TypeError(`a ${vector.kind} vector has no sum`);
  return vector;
}

/** The exact sum as a double; one outside float64 saturates and is counted. */
export function saturatedFloat(sum: ExactSum, overflows: Overflows): number {
  const value = sum.round();
  if (Number.isFinite(value)) return value;
  overflows.count++;
  return value < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE;
}
