/** Functions that choose one of their arguments. */
import { compareValues } from "../../columns/compare.ts";
import type { Expression, TypeSpec, Value } from "../../specs.ts";
import { arithmeticType, isNumber, typeOfFirst } from "../number-types.ts";
import { typeOf } from "../../types/value-types.ts";
import { compareNumbers, convertNumber, saturatedDecimal, type HeldNumber } from "../numbers.ts";
import type {
  BoundArgument,
  BoundCall,
  Call,
  FunctionDocs,
  Reader,
  ScalarFunction,
} from "../scalar-function.ts";

/**
 * Holds an answer in the result's type. A decimal that got more fraction digits may have too many
 * digits: it saturates, and is counted as overflow.
 */
function held(
  read: Reader,
  arguments_: readonly BoundArgument[],
  { call, overflows }: BoundCall,
): Reader {
  const fits = arguments_.every(({ spec }) => spec.type !== "decimal" || spec.scale === call.scale);
  if (call.type !== "decimal" || fits) return read;
  return (row) => {
    const value = read(row);
    return value === null ? null : saturatedDecimal(value as bigint, overflows);
  };
}

/** Reads an argument as a value of the result's type, before it is held. */
function readerAs({ read, spec }: BoundArgument, to: TypeSpec): Reader {
  if (!isNumber(to) || (spec.type === to.type && spec.scale === to.scale)) return read;
  const convert = convertNumber(spec, to);
  return (row) => {
    const value = read(row);
    return value === null ? null : convert(value as HeldNumber);
  };
}

function firstType(call: Call, values: readonly Expression[]): TypeSpec {
  return (
    typeOfFirst(values) ??
    call.refuse(
      "TYPE_MISMATCH",
      `the result is ${values[0]!.type} as its first value, which cannot hold ` +
        `${values
          .slice(1)
          .map(({ type }) => type)
          .join(" and ")}; cast one`,
    )
  );
}

export const coalesce: ScalarFunction = {
  name: "coalesce",
  signature: "any, same → type of the first",
  rule: "the second value where the first is null",
  example: ['coalesce(null, "none")', '"none"'],
  typeRule(call) {
    const type = firstType(call, call.arguments);
    return { ...type, nullable: call.arguments.every(({ nullable }) => nullable) };
  },
  kernel(arguments_, bound) {
    const [first, second] = arguments_.map((one) => readerAs(one, bound.call));
    return held((row) => first!(row) ?? second!(row), arguments_, bound);
  },
  sql: (_, print) => ({ text: `COALESCE(${print(0)}, ${print(1)})`, rank: "atom" }),
};

export const nullIf: ScalarFunction = {
  name: "nullIf",
  signature: "ordered, ordered → type of the first",
  rule: "null where the two are equal",
  example: ['nullIf("", "")', "null"],
  typeRule(call) {
    const [first, other] = call.arguments;
    if (!typeOf(first!).isOrdered)
      call.refuse("TYPE_MISMATCH", `a ${first!.type} value has no order, and equals nothing`);
    if (first!.type !== other!.type && !(isNumber(first!) && isNumber(other!)))
      call.refuse("TYPE_MISMATCH", `${first!.type} is compared with ${other!.type}; cast one`);
    return { ...typeOfFirst([first!])!, ...digits(first!), nullable: true };
  },
  kernel([first, other]) {
    const compare = comparer(first!.spec, other!.spec);
    return (row) => {
      const value = first!.read(row);
      const equal = other!.read(row);
      return value === null || equal === null ? value : compare(value, equal) === 0 ? null : value;
    };
  },
  sql: (_, print) => ({ text: `NULLIF(${print(0)}, ${print(1)})`, rank: "atom" }),
};

function digits({ type, precision, scale }: TypeSpec): Partial<TypeSpec> {
  return type === "decimal" ? { precision, scale } : {};
}

function comparer(a: TypeSpec, b: TypeSpec): (left: Value, right: Value) => number {
  return isNumber(a)
    ? (left, right) => compareNumbers(left as HeldNumber, a, right as HeldNumber, b)
    : (left, right) => compareValues(a.type, left, right);
}

/** Takes the first argument, unless a later one comes before (−1) or after it (1). */
function extreme(name: string, sign: -1 | 1, sql: string, docs: FunctionDocs): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule: typeOfOrdered,
    kernel(arguments_, bound) {
      const [left, right] = arguments_.map((one) => readerAs(one, bound.call));
      const { type } = bound.call;
      const read: Reader = (row) => {
        const a = left!(row);
        const b = right!(row);
        if (a === null || b === null) return null;
        return compareValues(type, b, a) * sign > 0 ? b : a;
      };
      return held(read, arguments_, bound);
    },
    sql: (_, print) => ({ text: `${sql}(${print(0)}, ${print(1)})`, rank: "atom" }),
  };
}

function typeOfOrdered(call: Call): TypeSpec {
  const first = call.arguments[0]!;
  if (!typeOf(first).isOrdered) call.refuse("TYPE_MISMATCH", `a ${first.type} value has no order`);
  return firstType(call, call.arguments);
}

export const least: ScalarFunction = /* @__PURE__ */ extreme("least", -1, "LEAST", {
  signature: "ordered, same → type of the first",
  rule: "the smaller value",
  example: ["least(2, null)", "null"],
});
export const greatest: ScalarFunction = /* @__PURE__ */ extreme("greatest", 1, "GREATEST", {
  signature: "ordered, same → type of the first",
  rule: "the larger value",
  example: ['greatest("9", "10")', '"9"'],
});

export const clamp: ScalarFunction = {
  name: "clamp",
  signature: "number, same, same → type of the first",
  rule: "the number within two bounds",
  example: ["clamp(12, 0, 10)", "10"],
  typeRule(call) {
    if (!isNumber(call.arguments[0]!))
      call.refuse("TYPE_MISMATCH", `it takes numbers, and got ${call.arguments[0]!.type}`);
    return firstType(call, call.arguments);
  },
  kernel(arguments_, bound) {
    const [value, least, greatest] = arguments_.map((one) => readerAs(one, bound.call));
    const read: Reader = (row) => {
      const x = value!(row);
      const low = least!(row);
      const high = greatest!(row);
      if (x === null || low === null || high === null) return null;
      const raised = x < low ? low : x;
      return raised > high ? high : raised;
    };
    return held(read, arguments_, bound);
  },
  sql: (_, print) => ({
    text: `LEAST(GREATEST(${print(0)}, ${print(1)}), ${print(2)})`,
    rank: "atom",
  }),
};

/** The arguments are conditions and values by turns, and the value of no condition at the end. */
export const caseWhen: ScalarFunction = {
  name: "caseWhen",
  signature: "[when(boolean, value)], value → one type, or the type of arithmetic",
  rule: "the value of the first true condition, else the last value, else null",
  example: ['caseWhen([when(gt(5, 3), "high")], "low")', '"high"'],
  typeRule(call) {
    const { conditions, values } = branchesOf(call.arguments);
    for (const { type } of conditions)
      if (type !== "boolean")
        call.refuse("TYPE_MISMATCH", `when() takes a condition first, and got ${type}`);
    const types = new Set(values.map(({ type }) => type));
    const [first] = values;
    if (types.size > 1 && !values.every(isNumber))
      call.refuse(
        "TYPE_MISMATCH",
        `its values are of several types (${[...types].join(", ")}); cast them to one`,
      );
    const nullable = call.arguments.length % 2 === 0 || values.some((one) => one.nullable);
    const type =
      types.size > 1 ? arithmeticType(values) : typeOfFirst([first!, ...values.slice(1)])!;
    return { ...type, nullable };
  },
  kernel(arguments_, bound) {
    const { conditions, values } = branchesOf(arguments_);
    const readers = values.map((one) => readerAs(one, bound.call));
    const read: Reader = (row) => {
      for (let i = 0; i < conditions.length; i++)
        if (conditions[i]!.read(row) === true) return readers[i]!(row);
      return readers.length > conditions.length ? readers.at(-1)!(row) : null;
    };
    return held(read, values, bound);
  },
  sql({ arguments: all }, print) {
    const { conditions } = branchesOf(all);
    const whens = conditions.map((_, i) => `WHEN ${print(i * 2)} THEN ${print(i * 2 + 1)}`);
    const otherwise = all.length % 2 === 0 ? "" : ` ELSE ${print(all.length - 1)}`;
    return { text: `CASE ${whens.join(" ")}${otherwise} END`, rank: "atom" };
  },
};

function branchesOf<T>(all: readonly T[]): {
  readonly conditions: readonly T[];
  readonly values: readonly T[];
} {
  const odd = all.length % 2 === 1;
  return {
    conditions: all.filter((_, i) => i % 2 === 0 && !(odd && i === all.length - 1)),
    values: all.filter((_, i) => i % 2 === 1 || (odd && i === all.length - 1)),
  };
}
