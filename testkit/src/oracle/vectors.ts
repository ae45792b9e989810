/** Sums and averages of lists, element by element, from exact fractions. It shares only types. */
import type { AggregateOptions, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import type { OracleFault } from "./planted-faults.ts";
import { nearestDouble, plus, rationalOf, type Rational } from "./rationals.ts";

/** Answers an aggregation of lists of numbers; undefined for others. */
export function vectorStatistic(
  name: string,
  column: TypeSpec,
  lists: readonly Value[],
  options: AggregateOptions,
  fault: OracleFault | null,
): { readonly value: Value; readonly overflow: boolean } | undefined {
  if (name !== "vectorSum" && name !== "vectorAvg") return undefined;
  const length = Number(options["length"]);
  const element = column.element!;
  const counted = (lists as readonly (readonly Value[])[]).filter((list) =>
    fault === "a longer vector counts"
      ? list.length >= length && !list.slice(0, length).includes(null)
      : list.length === length && !list.includes(null),
  );
  if (name === "vectorAvg" && counted.length === 0) return { value: null, overflow: false };
  const sums = Array.from({ length }, (_, i) =>
    counted.reduce<Rational>((sum, list) => plus(sum, rationalOf(list[i]!, element)), {
      n: 0n,
      d: 1n,
    }),
  );
  if (name === "vectorAvg") {
    const doubles = sums.map((sum) => saturated(nearestDouble(sum)));
    return {
      value: doubles.map(({ value }) => value / counted.length + 0),
      overflow: doubles.some(({ overflow }) => overflow),
    };
  }
  const answers = sums.map((sum) =>
    element.type === "float64" ? saturated(nearestDouble(sum)) : whole(sum, element),
  );
  return {
    value: answers.map(({ value }) => value),
    overflow: answers.some(({ overflow }) => overflow),
  };
}

function saturated(double: number): { readonly value: number; readonly overflow: boolean } {
  if (Number.isFinite(double)) return { value: double, overflow: false };
  return { value: double < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE, overflow: true };
}

/** The digits at the scale of the elements, within int64 or 38 digits. */
function whole({ n, d }: Rational, { type, scale = 0 }: TypeSpec) {
  const digits = type === "decimal" ? (n * 10n ** BigInt(scale)) / d : n / d;
  const high = type === "decimal" ? 10n ** 38n - 1n : 2n ** 63n - 1n;
  const low = type === "decimal" ? -high : -high - 1n;
  if (digits > high) return { value: high, overflow: true };
  return digits < low ? { value: low, overflow: true } : { value: digits, overflow: false };
}
