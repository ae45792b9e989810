/** Functions of one number that keep its type. */
import type { TypeSpec } from "../../specs.ts";
import { isNumber, scaleOf } from "../number-types.ts";
import {
  exactFloat,
  powerOfTen,
  roundedQuotient,
  saturatedDecimal,
  saturatedInt32,
  saturatedInt64,
  type HeldNumber,
} from "../numbers.ts";
import type { BoundCall, Call, FunctionDocs, ScalarFunction, SqlText } from "../scalar-function.ts";

/** The type of the number, with room for a digit more in front of a decimal's point. */
function sameType(call: Call): TypeSpec {
  const [x] = call.arguments;
  if (!isNumber(x!)) call.refuse("TYPE_MISMATCH", `it takes a number, and got ${x!.type}`);
  const { type, nullable, mode, scale } = x!;
  return {
    type,
    nullable,
    ...(mode === undefined ? {} : { mode }),
    ...(type === "decimal" ? { precision: 38, scale: scale ?? 0 } : {}),
  };
}

interface Operation {
  readonly float: (x: number, digits: number) => number;
  /** Of digits ÷ 10^scale, at the same scale. An integer has scale 0. */
  readonly exact: (digits: bigint, scale: number, to: number) => bigint;
}

function ofNumber(
  name: string,
  { float, exact }: Operation,
  sql: (argument: string, digits: number) => string,
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule: sameType,
    kernel([x], bound) {
      const { read, spec } = x!;
      const digits = digitsOf(bound);
      const compute = kernelOf({ float, exact }, spec, digits, bound);
      return (row) => {
        const value = read(row);
        return value === null ? null : compute(value as HeldNumber);
      };
    },
    sql: (call, print): SqlText => ({
      text: sql(print(0), Number(call.options?.["digits"] ?? 0)),
      rank: "atom",
    }),
  };
}

function digitsOf({ call }: BoundCall): number {
  return Number(call.options?.["digits"] ?? 0);
}

function kernelOf(
  { float, exact }: Operation,
  spec: TypeSpec,
  digits: number,
  { overflows }: BoundCall,
): (value: HeldNumber) => HeldNumber {
  switch (spec.type) {
    case "float64":
      return (value) => float(value as number, digits) + 0;
    case "int32":
      return (value) => saturatedInt32(Number(exact(BigInt(value), 0, digits)), overflows);
    case "int64":
      return (value) => saturatedInt64(exact(value as bigint, 0, digits), overflows);
    default: {
      const scale = scaleOf(spec)!;
      return (value) => saturatedDecimal(exact(value as bigint, scale, digits), overflows);
    }
  }
}

const one = (scale: number): bigint => powerOfTen(scale);

export const neg: ScalarFunction = /* @__PURE__ */ ofNumber(
  "neg",
  { float: (x) => -x, exact: (x) => -x },
  (x) => `-(${x})`,
  {
    signature: "number → same",
    rule: "the other sign; an overflow saturates",
    example: ["neg(7)", "-7"],
  },
);
export const abs: ScalarFunction = /* @__PURE__ */ ofNumber(
  "abs",
  { float: Math.abs, exact: (x) => (x < 0n ? -x : x) },
  (x) => `ABS(${x})`,
  {
    signature: "number → same",
    rule: "without the sign; an overflow saturates",
    example: ['abs("-2.50")', "2.50"],
  },
);
export const sign: ScalarFunction = /* @__PURE__ */ ofNumber(
  "sign",
  { float: Math.sign, exact: (x, scale) => (x < 0n ? -one(scale) : x > 0n ? one(scale) : 0n) },
  (x) => `SIGN(${x})`,
  { signature: "number → same", rule: "−1, 0 or 1", example: ["sign(-7)", "-1"] },
);
export const floor: ScalarFunction = /* @__PURE__ */ ofNumber(
  "floor",
  { float: Math.floor, exact: (x, scale) => floored(x, one(scale)) },
  (x) => `FLOOR(${x})`,
  {
    signature: "number → same",
    rule: "the greatest whole number that is not greater",
    example: ['floor("-2.50")', "-3.00"],
  },
);
export const ceil: ScalarFunction = /* @__PURE__ */ ofNumber(
  "ceil",
  { float: Math.ceil, exact: (x, scale) => -floored(-x, one(scale)) },
  (x) => `CEIL(${x})`,
  {
    signature: "number → same",
    rule: "the least whole number that is not less",
    example: ['ceil("-2.50")', "-2.00"],
  },
);
export const round: ScalarFunction = /* @__PURE__ */ ofNumber(
  "round",
  {
    float: roundedFloat,
    exact(x, scale, digits) {
      if (digits >= scale) return x;
      const unit = one(scale - digits);
      return roundedQuotient(x, unit) * unit;
    },
  },
  (x, digits) => `ROUND(${x}, ${digits})`,
  {
    signature: "number, digits → same",
    rule: "halves away from zero; of a float64 its exact value, made a double again",
    example: ["round(2.675, 2)", "2.67"],
  },
);

function floored(x: bigint, unit: bigint): bigint {
  const rest = x % unit;
  return x - (rest < 0n ? rest + unit : rest);
}

/** Rounds the exact value of a double, halves away from zero, and takes the nearest double. */
function roundedFloat(x: number, digits: number): number {
  if (Math.abs(x) >= 2 ** 52) return x;
  const { numerator, shift } = exactFloat(x);
  const unscaled = roundedQuotient(numerator * powerOfTen(digits), 1n << BigInt(shift));
  return Number(`${unscaled}e-${digits}`);
}
