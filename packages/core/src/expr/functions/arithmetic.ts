/** Arithmetic: integers as int64, decimals with their scale, floats by one IEEE operation. */
import type { TypeSpec } from "../../specs.ts";
import { arithmeticType, isNumber, scaleOf } from "../number-types.ts";
import {
  convertNumber,
  finiteOrNull,
  powerOfTen,
  roundedQuotient,
  saturatedDecimal,
  saturatedFloat,
  saturatedInt64,
  type HeldNumber,
} from "../numbers.ts";
import type {
  BoundArgument,
  Call,
  Reader,
  FunctionDocs,
  ScalarFunction,
} from "../scalar-function.ts";

function checkNumbers(call: Call): void {
  for (const argument of call.arguments)
    if (!isNumber(argument))
      call.refuse(
        "TYPE_MISMATCH",
        `arithmetic takes numbers, and one argument is ${argument.type}`,
      );
}

/** The most fraction digits of a product. */
const MAX_PRODUCT_SCALE = 18;

/** Reads an argument as a number of this type; null where it is missing. */
function numberReader({ read, spec }: BoundArgument, to: TypeSpec): () => (row: number) => never {
  const convert = convertNumber(spec, to);
  return () => (row) => {
    const value = read(row) as HeldNumber | null;
    return (value === null ? null : convert(value)) as never;
  };
}

/** Reads two arguments as numbers of one type, and computes where both are there. */
function ofTwo<T extends HeldNumber>(
  arguments_: readonly BoundArgument[],
  types: readonly [TypeSpec, TypeSpec],
  compute: (a: T, b: T) => HeldNumber | null,
): Reader {
  const left: (row: number) => T | null = numberReader(arguments_[0]!, types[0])();
  const right: (row: number) => T | null = numberReader(arguments_[1]!, types[1])();
  return (row) => {
    const a = left(row);
    if (a === null) return null;
    const b = right(row);
    return b === null ? null : compute(a, b);
  };
}

interface Operations {
  readonly float: (a: number, b: number) => number;
  readonly integer: (a: bigint, b: bigint) => bigint;
}

function sumOrDifference(
  name: "add" | "sub",
  operator: "+" | "-",
  { float, integer }: Operations,
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule(call) {
      checkNumbers(call);
      return arithmeticType(call.arguments);
    },
    kernel(arguments_, { call, overflows }) {
      if (call.type === "float64")
        return ofTwo<number>(arguments_, [call, call], (a, b) =>
          saturatedFloat(float(a, b), overflows),
        );
      const saturate = call.type === "decimal" ? saturatedDecimal : saturatedInt64;
      return ofTwo<bigint>(arguments_, [call, call], (a, b) => saturate(integer(a, b), overflows));
    },
    sql: (_, print) => ({
      text: `${print(0, "comparison")} ${operator} ${print(1, "sum")}`,
      rank: "sum",
    }),
  };
}

export const add: ScalarFunction = /* @__PURE__ */ sumOrDifference(
  "add",
  "+",
  { float: (a, b) => a + b, integer: (a, b) => a + b },
  {
    signature: "number, number → number",
    rule: "int64 and decimals exact; an overflow saturates",
    example: ["add(9007199254740993n, 1)", "9007199254740994"],
  },
);
export const sub: ScalarFunction = /* @__PURE__ */ sumOrDifference(
  "sub",
  "-",
  { float: (a, b) => a - b, integer: (a, b) => a - b },
  {
    signature: "number, number → number",
    rule: "int64 and decimals exact; an overflow saturates",
    example: ['sub("1.00", 0.1)', "0.90"],
  },
);

export const mul: ScalarFunction = {
  name: "mul",
  signature: "number, number → number",
  rule: "digits of decimals add up, to at most 18, then rounded; an overflow saturates",
  example: ['mul("2.50", "0.1")', "0.250"],
  typeRule(call) {
    checkNumbers(call);
    const type = arithmeticType(call.arguments);
    if (type.type !== "decimal") return type;
    const digits = call.arguments.reduce((sum, one) => sum + scaleOf(one)!, 0);
    return { ...type, scale: Math.min(digits, MAX_PRODUCT_SCALE) };
  },
  kernel(arguments_, { call, overflows }) {
    if (call.type === "float64")
      return ofTwo<number>(arguments_, [call, call], (a, b) => saturatedFloat(a * b, overflows));
    if (call.type !== "decimal")
      return ofTwo<bigint>(arguments_, [call, call], (a, b) => saturatedInt64(a * b, overflows));
    // Each factor keeps its own digits, and the product is rounded once.
    const scales = arguments_.map(({ spec }) => scaleOf(spec)!);
    const factors = scales.map((scale): TypeSpec => ({ ...call, scale })) as [TypeSpec, TypeSpec];
    const divisor = powerOfTen(scales[0]! + scales[1]! - call.scale!);
    return ofTwo<bigint>(arguments_, factors, (a, b) =>
      saturatedDecimal(divisor === 1n ? a * b : roundedQuotient(a * b, divisor), overflows),
    );
  },
  sql: (_, print) => ({ text: `${print(0, "sum")} * ${print(1, "product")}`, rank: "product" }),
};

const float: TypeSpec = { type: "float64", nullable: true };

export const div: ScalarFunction = {
  name: "div",
  signature: "number, number → float64",
  rule: "doubles, divided once; null for ÷ 0",
  example: ["div(1, 3)", "0.3333333333333333"],
  typeRule(call) {
    checkNumbers(call);
    return float;
  },
  kernel: (arguments_) =>
    ofTwo<number>(arguments_, [float, float], (a, b) => (b === 0 ? null : finiteOrNull(a / b))),
  sql: (_, print) => ({
    text: `CAST(${print(0)} AS DOUBLE) / NULLIF(CAST(${print(1)} AS DOUBLE), 0)`,
    rank: "product",
  }),
};

export const mod: ScalarFunction = {
  name: "mod",
  signature: "number, number → number",
  rule: "sign of the first number, exact; null for 0",
  example: ["mod(-7, 3)", "-1"],
  typeRule(call) {
    checkNumbers(call);
    return { ...arithmeticType(call.arguments), nullable: true };
  },
  kernel(arguments_, { call, overflows }) {
    if (call.type === "float64")
      return ofTwo<number>(arguments_, [call, call], (a, b) => (b === 0 ? null : (a % b) + 0));
    const saturate = call.type === "decimal" ? saturatedDecimal : saturatedInt64;
    return ofTwo<bigint>(arguments_, [call, call], (a, b) =>
      b === 0n ? null : saturate(a % b, overflows),
    );
  },
  sql: (_, print) => ({ text: `MOD(${print(0)}, NULLIF(${print(1)}, 0))`, rank: "atom" }),
};
