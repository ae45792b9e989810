/** Comparisons by the one order of values (law 3). They are null if an argument is null. */
import type { Value } from "../../specs.ts";
import { typeOf } from "../../types/value-types.ts";
import { isNumber } from "../number-types.ts";
import { compareNumbers } from "../numbers.ts";
import type { BoundArgument, Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";

/** Compares two present values. Numbers of different types compare by their exact values. */
function comparer(a: BoundArgument, b: BoundArgument): (a: Value, b: Value) => number {
  const isOneType = a.spec.type === b.spec.type && a.spec.scale === b.spec.scale;
  if (!isNumber(a.spec) || isOneType)
    return typeOf(a.spec).compare as (a: Value, b: Value) => number;
  return (left, right) => compareNumbers(left as never, a.spec, right as never, b.spec);
}

function checkComparable(call: Call): void {
  const [first, ...others] = call.arguments;
  if (!typeOf(first!).isOrdered)
    call.refuse(
      "TYPE_MISMATCH",
      `a ${first!.type} column has no order; it can only be isNull or isNotNull`,
    );
  for (const other of others)
    if (other.type !== first!.type && !(isNumber(first!) && isNumber(other)))
      call.refuse("TYPE_MISMATCH", `${first!.type} is compared with ${other.type}; cast one`);
}

function comparison(
  name: string,
  operator: string,
  holds: (order: number) => boolean,
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule(call) {
      checkComparable(call);
      return { type: "boolean", nullable: call.arguments.some(({ nullable }) => nullable) };
    },
    kernel([a, b]) {
      const compare = comparer(a!, b!);
      const left = a!.read;
      const right = b!.read;
      if (b!.constant !== undefined) {
        const wanted = b!.constant;
        return (row) => {
          const value = left(row);
          return value === null || wanted === null ? null : holds(compare(value, wanted));
        };
      }
      return (row) => {
        const value = left(row);
        const other = right(row);
        return value === null || other === null ? null : holds(compare(value, other));
      };
    },
    sql: (_, print) => ({
      text: `${print(0, "comparison")} ${operator} ${print(1, "comparison")}`,
      rank: "comparison",
    }),
  };
}

export const eq: ScalarFunction = /* @__PURE__ */ comparison("eq", "=", (order) => order === 0, {
  signature: "ordered, ordered → boolean",
  rule: "equal values; numbers of different types by their exact value",
  example: ['eq("a", "a")', "true"],
});
export const ne: ScalarFunction = /* @__PURE__ */ comparison("ne", "<>", (order) => order !== 0, {
  signature: "ordered, ordered → boolean",
  rule: "different values",
  example: ['ne("a", null)', "null"],
});
export const lt: ScalarFunction = /* @__PURE__ */ comparison("lt", "<", (order) => order < 0, {
  signature: "ordered, ordered → boolean",
  rule: "less; texts by code point, `false` before `true`",
  example: ['lt("10", "9")', "true"],
});
export const lte: ScalarFunction = /* @__PURE__ */ comparison("lte", "<=", (order) => order <= 0, {
  signature: "ordered, ordered → boolean",
  rule: "less or equal",
  example: ["lte(2, 2)", "true"],
});
export const gt: ScalarFunction = /* @__PURE__ */ comparison("gt", ">", (order) => order > 0, {
  signature: "ordered, ordered → boolean",
  rule: "greater",
  example: ["gt(2, 2)", "false"],
});
export const gte: ScalarFunction = /* @__PURE__ */ comparison("gte", ">=", (order) => order >= 0, {
  signature: "ordered, ordered → boolean",
  rule: "greater or equal",
  example: ["gte(2, 2)", "true"],
});

export const inList: ScalarFunction = {
  name: "inList",
  signature: "ordered, [ordered] → boolean",
  rule: "equal to one of the values",
  example: ['inList("a", ["b", "c"])', "false"],
  typeRule(call) {
    checkComparable(call);
    return { type: "boolean", nullable: call.arguments[0]!.nullable };
  },
  kernel([first, ...others]) {
    const { read } = first!;
    const compares = others.map((other) => ({
      read: other.read,
      compare: comparer(first!, other),
    }));
    return (row) => {
      const value = read(row);
      if (value === null) return compares.length === 0 ? false : null;
      let result: boolean | null = false;
      for (const { read: readOther, compare } of compares) {
        const other = readOther(row);
        if (other === null) result = null;
        else if (compare(value, other) === 0) return true;
      }
      return result;
    };
  },
  sql({ arguments: all }, print) {
    const values = all.slice(1).map((_, i) => print(i + 1));
    return { text: `${print(0, "comparison")} IN (${values.join(", ")})`, rank: "comparison" };
  },
};
