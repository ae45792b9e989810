/** Roots, logarithms and powers as doubles, and ranges of numbers. */
import type { TypeSpec } from "../../specs.ts";
import { exp as expOf, log as logOf, log10, log1p as log1pOf, log2, pow } from "../fdlibm.ts";
import { isNumber } from "../number-types.ts";
import { compareNumbers, convertNumber, finiteOrNull, type HeldNumber } from "../numbers.ts";
import type { BoundCall, Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";

const float: TypeSpec = { type: "float64", nullable: true };

function checkNumber(call: Call): void {
  const [x] = call.arguments;
  if (!isNumber(x!)) call.refuse("TYPE_MISMATCH", `it takes a number, and got ${x!.type}`);
}

function ofDouble(
  name: string,
  bind: (bound: BoundCall) => (x: number) => number | null,
  sql: ScalarFunction["sql"],
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule(call) {
      checkNumber(call);
      return float;
    },
    kernel([x], bound) {
      const { read, spec } = x!;
      const toDouble = convertNumber(spec, float);
      const compute = bind(bound);
      return (row) => {
        const value = read(row);
        return value === null ? null : compute(toDouble(value as HeldNumber) as number);
      };
    },
    sql,
  };
}

/** A function with two arguments in SQL, the second an option. */
const named =
  (name: string, option?: string): ScalarFunction["sql"] =>
  (call, print) => ({
    text: `${name}(${print(0)}${option === undefined ? "" : `, ${call.options![option]!}`})`,
    rank: "atom",
  });

export const sqrt: ScalarFunction = /* @__PURE__ */ ofDouble(
  "sqrt",
  () => (x) => (x < 0 ? null : Math.sqrt(x) + 0),
  named("SQRT"),
  {
    signature: "number → float64",
    rule: "correctly rounded; null below 0",
    example: ["sqrt(2)", "1.4142135623730951"],
  },
);
export const exp: ScalarFunction = /* @__PURE__ */ ofDouble(
  "exp",
  () => (x) => finiteOrNull(expOf(x)),
  named("EXP"),
  {
    signature: "number → float64",
    rule: "fdlibm; null if it is too large",
    example: ["exp(1)", "2.7182818284590455"],
  },
);
export const log: ScalarFunction = /* @__PURE__ */ ofDouble(
  "log",
  ({ call }) => {
    const base = call.options?.["base"];
    const of = base === 2 ? log2 : base === 10 ? log10 : logOf;
    return (x) => (x > 0 ? of(x) + 0 : null);
  },
  (call, print) => ({
    text: `${{ 2: "LOG2", 10: "LOG10" }[Number(call.options?.["base"])] ?? "LN"}(${print(0)})`,
    rank: "atom",
  }),
  {
    signature: "number, base 2 or 10 → float64",
    rule: "fdlibm; natural without a base; null at 0 and below",
    example: ["log(1000, 10)", "3"],
  },
);
export const log1p: ScalarFunction = /* @__PURE__ */ ofDouble(
  "log1p",
  () => (x) => (x > -1 ? log1pOf(x) + 0 : null),
  (_, print) => ({ text: `LN(1 + ${print(0, "comparison")})`, rank: "atom" }),
  {
    signature: "number → float64",
    rule: "fdlibm; ln(1 + x); null at −1 and below",
    example: ["log1p(0)", "0"],
  },
);
export const power: ScalarFunction = /* @__PURE__ */ ofDouble(
  "power",
  ({ call }) => {
    const exponent = Number(call.options!["exponent"]);
    return (x) => finiteOrNull(pow(x, exponent));
  },
  named("POWER", "exponent"),
  {
    signature: "number, exponent → float64",
    rule: "fdlibm; null if it is no finite number",
    example: ["power(2, 10)", "1024"],
  },
);

const SEPARATOR = " ";

export const binOf: ScalarFunction = {
  name: "binOf",
  signature: "number, [edges] → int32",
  rule: "the number of edges that are not above the number",
  example: ["binOf(10, [10, 100])", "1"],
  typeRule(call) {
    checkNumber(call);
    return { type: "int32", nullable: call.arguments[0]!.nullable };
  },
  kernel([x], { call }) {
    const { read, spec } = x!;
    const edges = edgesOf(call.options!["edges"]!);
    return (row) => {
      const value = read(row);
      if (value === null) return null;
      let bin = 0;
      while (
        bin < edges.length &&
        compareNumbers(edges[bin]!, float, value as HeldNumber, spec) <= 0
      )
        bin++;
      return bin;
    };
  },
  sql: (call, print) => ({
    text: `WIDTH_BUCKET(${print(0)}, ARRAY[${edgesOf(call.options!["edges"]!)
      .map((edge) => `DOUBLE '${edge}'`)
      .join(", ")}])`,
    rank: "atom",
  }),
};

/** The edges of `binOf` as an option, which holds no list. */
export function edgesText(edges: readonly number[]): string {
  return edges.map((edge) => String(edge + 0)).join(SEPARATOR);
}

function edgesOf(text: string | number | boolean): readonly number[] {
  return String(text).split(SEPARATOR).map(Number);
}
