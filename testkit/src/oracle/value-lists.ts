/** Aggregations that answer lists and maps, over a plain list of values, for the oracle. */
import type { AggregateOptions, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import type { OracleFault } from "./planted-faults.ts";
import { quantile, unitsOfAll } from "./statistics.ts";
import { compare, textOf } from "./values.ts";

/** Computes a list or a map; undefined: it is none of these. `given` has no null. */
export function valueList(
  name: string,
  column: TypeSpec,
  given: readonly Value[],
  options: AggregateOptions,
  fault: OracleFault | null,
): Value | undefined {
  // No answer is −0.
  const values = given.map((value) => (Object.is(value, -0) ? 0 : value));
  const order = (a: Value, b: Value): number =>
    fault === "text by UTF-16" && typeof a === "string"
      ? a < (b as string)
        ? -1
        : 1
      : compare(column.type, a, b);
  const different = values.filter(
    (value, i) => values.findIndex((other) => textOf(other) === textOf(value)) === i,
  );
  const rowsOf = (value: Value): number =>
    values.filter((other) => textOf(other) === textOf(value)).length;
  const frequent = (): Value[] => {
    const inOrder = fault === "mode of ties by arrival" ? different : different.toSorted(order);
    return inOrder
      .map((value) => ({ value, rows: rowsOf(value) }))
      .sort((a, b) => b.rows - a.rows)
      .map(({ value }) => value);
  };
  switch (name) {
    case "distinctValues": {
      const kept = fault === "least by arrival" ? different : different.toSorted(order);
      return kept.slice(0, Number(options["atMost"])).sort(order);
    }
    case "mostFrequent":
      return frequent().slice(0, Number(options["k"]));
    case "histogram":
      return frequent()
        .slice(0, 1000)
        .sort(order)
        .map((value) => [value, BigInt(rowsOf(value))]);
    case "topK":
    case "bottomK": {
      const once = options["distinct"] === true || fault === "equal values once";
      const sorted = (once ? different : values).toSorted(order);
      if (name === "topK") sorted.reverse();
      return sorted.slice(0, Number(options["k"]));
    }
    case "quantiles": {
      const units = unitsOfAll(column, values);
      if (values.length === 0) return [];
      return (options["q"] as readonly number[]).map((q) => quantile(units, String(q), fault));
    }
    default:
      return undefined;
  }
}
