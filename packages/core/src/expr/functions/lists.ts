/**
 * Functions of the elements of a list. Each answers what the aggregation of its name answers over
 * rows with these values, by the same code. Missing elements are passed over.
 */
import type { Vector } from "../../columns/batch.ts";
import type { CallOptions, TypeSpec, Value } from "../../specs.ts";
import type { Accumulator } from "../../statistics/accumulator.ts";
import { extremeAccumulator } from "../../statistics/extreme.ts";
import { slopeAccumulator } from "../../statistics/joint-moments.ts";
import { deviationAccumulator, scaleFactor } from "../../statistics/moments.ts";
import { quantileAccumulator } from "../../statistics/quantile-finish.ts";
import { averageEnds, sumAccumulator, sumEnds, sumType } from "../../statistics/sum-state.ts";
import { typeOf } from "../../types/value-types.ts";
import { isNumber } from "../number-types.ts";
import type { Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";
import { typeSpecOf } from "../tree.ts";
import { elementType } from "./parts.ts";

/** A function of the elements that are there. */
interface ListFunction extends FunctionDocs {
  readonly name: string;
  /** "number": only of numbers. "ordered": of all values with an order. */
  readonly takes: "number" | "ordered";
  /** The type of the answer; whether the list may be null is added. */
  readonly result: (element: TypeSpec) => TypeSpec;
  readonly accumulator: (element: TypeSpec, options: CallOptions) => Accumulator;
  /** True if the positions of the elements are a second argument. */
  readonly hasPositions?: true | undefined;
  /** Prints the function as SQL. */
  readonly sql: (list: string, options: CallOptions) => string;
}

function ofElements(function_: ListFunction): ScalarFunction {
  const { name, signature, rule, example, takes, result, accumulator, hasPositions, sql } =
    function_;
  return {
    name,
    signature,
    rule,
    example,
    typeRule(call) {
      const element = checkedElement(call, takes);
      const type = result(typeSpecOf(element));
      return { ...type, nullable: type.nullable || call.arguments[0]!.nullable };
    },
    kernel([list], { call, overflows }) {
      const { read, spec } = list!;
      const element = spec.element!;
      const { layout } = typeOf(element);
      const own = accumulator(element, call.options ?? {});
      const state = own.create();
      return (row) => {
        const elements = read(row) as readonly Value[] | null;
        if (elements === null) return null;
        const { length } = elements;
        const values = layout.of(elements, (value) => value);
        const positions = positionsTo(length);
        const vectors: readonly Vector[] =
          hasPositions === true
            ? [values, { kind: "int32", values: positions, valid: null }]
            : [values];
        own.clear(state);
        own.add(state, vectors, positions, length);
        // No function of a list reads the time.
        return own.finish(state, overflows, NaN);
      };
    },
    sql: ({ options = {} }, print) => ({ text: sql(print(0), options), rank: "atom" }),
  };
}

function checkedElement(call: Call, takes: ListFunction["takes"]): TypeSpec {
  const element = elementType(call);
  if (takes === "number" && !isNumber(element))
    call.refuse("TYPE_MISMATCH", `it takes a list of numbers, and got a list of ${element.type}`);
  if (!typeOf(element).isOrdered)
    call.refuse("TYPE_MISMATCH", `its elements are of type ${element.type}, which has no order`);
  return element;
}

let allPositions = new Int32Array(0);

/** The numbers 0, 1, 2 … of at least so many elements. */
function positionsTo(length: number): Int32Array {
  if (allPositions.length < length) allPositions = Int32Array.from({ length }, (_, i) => i);
  return allPositions;
}

const there = (list: string): string => `FILTER(${list}, e -> e IS NOT NULL)`;
const float = (): TypeSpec => ({ type: "float64", nullable: true });

export const sumOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "sumOf",
  signature: "list of numbers → number",
  rule: "as `sum`: exact, rounded once; 0 of no element; outside its type it saturates",
  example: ["sumOf([1, null, 2.5])", "3.5"],
  takes: "number",
  result(element) {
    const asNumber = element.type === "int32" || element.mode === "number";
    return { ...sumType(element), ...(asNumber ? { mode: "number" } : {}) };
  },
  accumulator: (element) => sumAccumulator(element.type, sumEnds(element)),
  sql: (list) => `REDUCE(${there(list)}, 0, (s, e) -> s + e, s -> s)`,
});

export const avgOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "avgOf",
  signature: "list of numbers → float64",
  rule: "as `avg`: the sum as a double, divided once by the number of elements; null of none",
  example: ["avgOf([1, null, 2])", "1.5"],
  takes: "number",
  result: float,
  accumulator: (element) => sumAccumulator(element.type, averageEnds(element)),
  sql: (list) =>
    `CAST(REDUCE(${there(list)}, 0, (s, e) -> s + e, s -> s) AS DOUBLE)` +
    ` / NULLIF(CARDINALITY(${there(list)}), 0)`,
});

export const minOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "minOf",
  signature: "list of ordered → the type of elements",
  rule: "the smallest element; null of none",
  example: ['minOf(["b", "a"])', '"a"'],
  takes: "ordered",
  result: (element) => ({ ...element, nullable: true }),
  accumulator: (element) => extremeAccumulator(element.type, -1),
  sql: (list) => `ARRAY_MIN(${there(list)})`,
});

export const maxOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "maxOf",
  signature: "list of ordered → the type of elements",
  rule: "the largest element; null of none",
  example: ["maxOf([1, null, 2])", "2"],
  takes: "ordered",
  result: (element) => ({ ...element, nullable: true }),
  accumulator: (element) => extremeAccumulator(element.type, 1),
  sql: (list) => `ARRAY_MAX(${there(list)})`,
});

export const stddevOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "stddevOf",
  signature: "list of numbers, estimator → float64",
  rule: "as `stddev`: the root of the exact variance, rounded once; of a sample of one: null",
  example: ['stddevOf([2, 4, 4, 10], "population")', "3"],
  takes: "number",
  result: float,
  accumulator: (element, { over }) => deviationAccumulator(element, { over: over! }),
  sql: (list, { over }) =>
    `(SELECT ${over === "sample" ? "STDDEV_SAMP" : "STDDEV_POP"}(e) FROM UNNEST(${list}) AS l(e))`,
});

export const slopeOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "slopeOf",
  signature: "list of numbers → float64",
  rule:
    "as `slope` over the positions 0, 1, 2 …; elements keep theirs beside missing ones; " +
    "fewer than two: null",
  example: ["slopeOf([1, null, 5])", "2"],
  takes: "number",
  result: float,
  accumulator: (element) => slopeAccumulator(1n, scaleFactor(element)),
  hasPositions: true,
  sql: (list) =>
    `(SELECT REGR_SLOPE(CAST(e AS DOUBLE), n) FROM UNNEST(${list}) WITH ORDINALITY AS l(e, n))`,
});

export const quantileOf: ScalarFunction = /* @__PURE__ */ ofElements({
  name: "quantileOf",
  signature: "list of numbers, q → float64",
  rule: "as `quantile`: linear between two elements, rounded once; null of none",
  example: ["quantileOf([2, 4, 4, 10], 0.9)", "8.2"],
  takes: "number",
  result: float,
  accumulator: (element, { q }) => quantileAccumulator(element, Number(q)),
  sql(list, { q }) {
    const sorted = `ARRAY_SORT(${there(list)})`;
    const place = `(CARDINALITY(${there(list)}) - 1) * ${String(q)}`;
    const at = (end: string): string =>
      `ELEMENT_AT(${sorted}, CAST(${end}(${place}) AS INTEGER) + 1)`;
    return `(${at("FLOOR")} + (${place} - FLOOR(${place})) * (${at("CEIL")} - ${at("FLOOR")}))`;
  },
});
