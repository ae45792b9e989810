import { vectorOfKind, type Vector } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { Aggregate, Overflows } from "./aggregate.ts";
import { ExactSum } from "./exact-sum.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const DECIMAL_MAX = 10n ** 38n - 1n;

/**
 * The exact sum, rounded once at the end (law 3: order cannot matter).
 * A sum of float64 is a float64, of integers an int64, of decimal(p,s) a decimal(38,s).
 * A sum outside its type saturates at the largest value of that type, and is counted.
 */
export function sum(column: ColumnSpec, overflows: Overflows): Aggregate {
  if (column.type === "float64")
    return floatSum((exact) => saturatedFloat(exact.round(), overflows));
  const [low, high] =
    column.type === "decimal" ? [-DECIMAL_MAX, DECIMAL_MAX] : [INT64_MIN, INT64_MAX];
  return integerSum((total) => {
    if (total >= low && total <= high) return total;
    overflows.count++;
    return total < low ? low : high;
  });
}

/**
 * The sum rounded to double, divided once by the count (law 3: an average is a float64).
 * An empty window gives null.
 */
export function avg(column: ColumnSpec, overflows: Overflows): Aggregate {
  if (column.type === "float64") {
    return floatSum((exact, rows) =>
      rows === 0 ? null : withoutMinusZero(saturatedFloat(exact.round(), overflows) / rows),
    );
  }
  const scale = column.scale ?? 0;
  return integerSum((total, rows) =>
    rows === 0 ? null : withoutMinusZero(decimalToDouble(total, scale) / rows),
  );
}

function floatSum(finish: (exact: ExactSum, rows: number) => Value): Aggregate {
  let values: Float64Array = new Float64Array(0);
  let valid: Uint8Array | null = null;
  const exact = new ExactSum();
  let rows = 0;
  return {
    bind(vector) {
      ({ values, valid } = vectorOfKind(vector, "float64"));
    },
    reset() {
      exact.reset();
      rows = 0;
    },
    add(list, length) {
      for (let i = 0; i < length; i++) {
        const row = list[i]!;
        if (valid !== null && valid[row] === 0) continue;
        exact.add(values[row]!);
        rows++;
      }
    },
    finish: () => finish(exact, rows),
  };
}

/**
 * Sums of int32, int64 and unscaled decimals, held in a bigint (law 3: a partial overflow is no
 * overflow).
 */
function integerSum(finish: (total: bigint, rows: number) => Value): Aggregate {
  let values: { readonly [row: number]: bigint | number } = [];
  let valid: Uint8Array | null = null;
  let total = 0n;
  let rows = 0;
  return {
    bind(vector: Vector | null) {
      if (vector?.kind !== "int64" && vector?.kind !== "int32" && vector?.kind !== "big")
        throw new TypeError(`a ${vector?.kind} vector has no sum`);
      ({ values, valid } = vector);
    },
    reset() {
      total = 0n;
      rows = 0;
    },
    add(list, length) {
      for (let i = 0; i < length; i++) {
        const row = list[i]!;
        if (valid !== null && valid[row] === 0) continue;
        total += BigInt(values[row]!);
        rows++;
      }
    },
    finish: () => finish(total, rows),
  };
}

function saturatedFloat(value: number, overflows: Overflows): number {
  if (Number.isFinite(value)) return value;
  overflows.count++;
  return value < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE;
}

/** Turns −0 into 0, since a quotient can round to −0 (law 3: no output is −0). */
function withoutMinusZero(value: number): number {
  return value === 0 ? 0 : value;
}

/**
 * Returns unscaled · 10^−scale, rounded once.
 * Number() rounds a decimal text correctly (ECMA-262, StringToNumber).
 */
function decimalToDouble(unscaled: bigint, scale: number): number {
  return scale === 0 ? Number(unscaled) : Number(`${unscaled}e-${scale}`);
}
