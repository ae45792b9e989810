/** What functions of lists, maps and structs answer, naively. It shares only types with core. */
import type { CallExpression, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import { aggregate } from "./aggregate.ts";
import { jointStatistic } from "./joint-statistics.ts";
import { order, rationalOf } from "./rationals.ts";
import { compare } from "./values.ts";

type Present = Exclude<Value, null>;

/** The aggregations whose answers over the elements are those of a function. */
const aggregations: { readonly [name: string]: string | undefined } = {
  sumOf: "sum",
  avgOf: "avg",
  minOf: "min",
  maxOf: "max",
  stddevOf: "stddev",
  quantileOf: "quantile",
};

/** Answers a call whose arguments are there; undefined for other functions. */
export function partAnswer(
  call: CallExpression,
  [first, second]: readonly Present[],
): { readonly value: Value } | undefined {
  const { function: name, options = {}, arguments: of } = call;
  const parts = first as readonly Value[];
  const { element, keys, fields } = of[0]!;
  switch (name) {
    case "member":
      return { value: parts[fields!.findIndex((field) => field.name === options["name"])]! };
    case "elementOf": {
      const index = Number(options["index"]);
      return { value: parts[index < 0 ? parts.length + index : index] ?? null };
    }
    case "contains":
      return { value: parts.some((part) => isEqual(part, element!, second!, of[1]!)) };
    case "valueAt": {
      const pairs = parts as readonly (readonly Value[])[];
      const found = pairs.find(([key]) => isEqual(key!, keys!, second!, of[1]!));
      return { value: found?.[1] ?? null };
    }
    case "slopeOf": {
      const rows = parts.flatMap((part, i) => (part === null ? [] : [[part, i]]));
      const types = [element!, { type: "int32", nullable: false } as const];
      return { value: jointStatistic("slope", types, rows, {}, null)! };
    }
    default: {
      const aggregation = aggregations[name];
      if (aggregation === undefined) return undefined;
      const { value } = aggregate(aggregation, element!, parts, null, options);
      return { value: Object.is(value, -0) ? 0 : value };
    }
  }
}

function isEqual(part: Value, of: TypeSpec, sought: Present, soughtOf: TypeSpec): boolean {
  if (part === null) return false;
  return ["int32", "int64", "float64", "decimal"].includes(of.type)
    ? order(rationalOf(part, of), rationalOf(sought, soughtOf)) === 0
    : compare(of.type, part, sought) === 0;
}
