/**
 * Computes every aggregate over a plain list of values, nulls included (law 3: sums are exact and
 * rounded once; law 7: empty windows; law 9: nulls are ignored).
 */
import type {
  AggregateName,
  AggregateOptions,
  TypeSpec,
  Value,
} from "../../../packages/core/src/specs.ts";
import { roundFraction, sumOfDoubles } from "./exact-fraction.ts";
import { jointStatistic } from "./joint-statistics.ts";
import type { OracleFault } from "./planted-faults.ts";
import { estimated } from "./sketches.ts";
import { statistic } from "./statistics.ts";
import { valueList } from "./value-lists.ts";
import { compare, textOf } from "./values.ts";
import { vectorStatistic } from "./vectors.ts";

/** The result of an aggregation. */
export interface Aggregated {
  readonly value: Value;
  /** True if the exact sum is outside its type, so that the type's largest value stands for it. */
  readonly overflow: boolean;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const DECIMAL_MAX = 10n ** 38n - 1n;

/**
 * Computes one aggregate over the arguments of rows. A row counts only if every argument is there.
 */
export function aggregateRows(
  name: AggregateName,
  columns: readonly TypeSpec[],
  rows: readonly (readonly Value[])[],
  fault: OracleFault | null,
  options: AggregateOptions = {},
): Aggregated {
  if (columns.length < 2)
    return aggregate(
      name,
      columns[0] ?? null,
      rows.map(([value = null]) => value),
      fault,
      options,
    );
  const counted =
    fault === "half a row counts"
      ? rows
          .filter((row) => row.some((value) => value !== null))
          .map((row) => row.map((value, i) => value ?? zeroOf(columns[i]!)))
      : rows.filter((row) => !row.includes(null));
  const value = jointStatistic(name, columns, counted, options, fault);
  if (value === undefined) throw new Error(`the oracle has no aggregate ${name}`);
  return { value, overflow: false };
}

function zeroOf({ type }: TypeSpec): Value {
  return type === "int64" || type === "decimal" ? 0n : 0;
}

/**
 * Computes one aggregate. `column` is null for `count()`; the list then has one value for each row.
 */
export function aggregate(
  name: AggregateName,
  column: TypeSpec | null,
  all: readonly Value[],
  fault: OracleFault | null,
  options: AggregateOptions = {},
): Aggregated {
  const exact = (value: Value): Aggregated => ({ value, overflow: false });
  if (name === "count")
    return exact(
      BigInt(
        column === null || fault === "count counts nulls"
          ? all.length
          : all.filter((value) => value !== null).length,
      ),
    );
  const kind = column!.type;
  const there = all.filter((value) => value !== null);
  const numeric = kind === "int32" || kind === "int64" || kind === "decimal" || kind === "float64";
  const values =
    fault === "null is zero" && numeric ? all.map((value) => value ?? zeroOf(column!)) : there;
  switch (name) {
    case "countDistinct": {
      const texts = values.map((value) =>
        fault === "distinct by text" && Object.is(value, -0) ? "-0" : textOf(value),
      );
      return exact(BigInt(new Set(texts).size));
    }
    case "min":
    case "max": {
      const sign = name === "min" ? -1 : 1;
      const order = (a: Value, b: Value): number =>
        fault === "text by UTF-16" && typeof a === "string"
          ? a < (b as string)
            ? -1
            : 1
          : compare(kind, a, b);
      let best: Value = null;
      for (const value of values) if (best === null || order(value, best) * sign > 0) best = value;
      return exact(best);
    }
    case "sum":
      return kind === "float64"
        ? floatSum(values as number[], fault)
        : integerSum(kind, values, fault);
    case "avg": {
      if (values.length === 0) return exact(null);
      const sum =
        kind === "float64"
          ? floatSum(values as number[], fault)
          : roundFraction(
              integers(values).reduce((a, b) => a + b, 0n),
              kind === "decimal" ? 10n ** BigInt(column!.scale!) : 1n,
            );
      return { value: (sum.value as number) / values.length, overflow: sum.overflow };
    }
    default: {
      const vector = vectorStatistic(name, column!, values, options, fault);
      if (vector !== undefined) return vector;
      const list = valueList(name, column!, values, options, fault);
      const estimate = estimated(name, column!, values, options);
      const value =
        list ??
        (estimate === undefined ? statistic(name, column!, values, options, fault) : estimate);
      if (value === undefined) throw new Error(`the oracle has no aggregate ${name}`);
      return exact(value);
    }
  }
}

function floatSum(values: readonly number[], fault: OracleFault | null): Aggregated {
  if (fault === "float rounded at each step" || fault === "float subtract")
    return { value: values.reduce((a, b) => a + b, 0), overflow: false };
  return sumOfDoubles(values);
}

function integers(values: readonly Value[]): bigint[] {
  return values.map((value) => BigInt(value as bigint | number));
}

/** Sums integers to int64, and decimals to decimal(38, s) in unscaled digits. */
function integerSum(kind: string, values: readonly Value[], fault: OracleFault | null): Aggregated {
  const sum = integers(values).reduce((a, b) => a + b, 0n);
  const [low, high] = kind === "decimal" ? [-DECIMAL_MAX, DECIMAL_MAX] : [INT64_MIN, INT64_MAX];
  if (fault === "decimal does not saturate" && kind === "decimal")
    return { value: sum, overflow: false };
  if (fault === "int64 wraps" && kind !== "decimal")
    return { value: BigInt.asIntN(64, sum), overflow: false };
  if (sum < low || sum > high) return { value: sum < low ? low : high, overflow: true };
  return { value: sum, overflow: false };
}

/**
 * Computes what a running sum of doubles would be: everything that entered, minus everything that
 * left.
 */
export function subtractedSum(entered: readonly Value[], left: readonly Value[]): number {
  let sum = 0;
  for (const value of entered) sum += (value as number | null) ?? 0;
  for (const value of left) sum -= (value as number | null) ?? 0;
  return sum;
}
