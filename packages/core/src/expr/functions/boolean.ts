/** Functions of truth values, in SQL's three-valued logic (law 9: null is unknown). */
import type { TypeSpec, Value } from "../../specs.ts";
import type { Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";

function checkConditions(call: Call): void {
  for (const argument of call.arguments)
    if (argument.type !== "boolean")
      call.refuse("TYPE_MISMATCH", `it takes conditions, and one argument is ${argument.type}`);
}

function combination(name: "and" | "or", decides: boolean, docs: FunctionDocs): ScalarFunction {
  return {
    name,
    isSet: true,
    ...docs,
    typeRule(call): TypeSpec {
      checkConditions(call);
      return { type: "boolean", nullable: call.arguments.some(({ nullable }) => nullable) };
    },
    kernel(arguments_) {
      const terms = arguments_.map(({ read }) => read);
      return (row) => {
        let result: Value = !decides;
        for (const term of terms) {
          const truth = term(row);
          if (truth === decides) return decides;
          if (truth === null) result = null;
        }
        return result;
      };
    },
    sql({ arguments: terms }, print) {
      if (terms.length === 0) return { text: decides ? "FALSE" : "TRUE", rank: "atom" };
      const text = terms.map((_, i) => print(i, "logic")).join(name === "and" ? " AND " : " OR ");
      return { text, rank: terms.length > 1 ? "logic" : "comparison" };
    },
  };
}

export const and: ScalarFunction = /* @__PURE__ */ combination("and", false, {
  signature: "boolean, … → boolean",
  rule: "false if one is false, else null if one is null",
  example: ["and(true, null)", "null"],
});
export const or: ScalarFunction = /* @__PURE__ */ combination("or", true, {
  signature: "boolean, … → boolean",
  rule: "true if one is true, else null if one is null",
  example: ["or(true, null)", "true"],
});

export const not: ScalarFunction = {
  name: "not",
  signature: "boolean → boolean",
  rule: "null stays null",
  example: ["not(null)", "null"],
  typeRule(call) {
    checkConditions(call);
    return { type: "boolean", nullable: call.arguments[0]!.nullable };
  },
  kernel([term]) {
    const { read } = term!;
    return (row) => {
      const truth = read(row);
      return truth === null ? null : truth !== true;
    };
  },
  sql: (_, print) => ({ text: `NOT (${print(0)})`, rank: "comparison" }),
};

function nullCheck(name: string, answer: boolean, sql: string, docs: FunctionDocs): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule: () => ({ type: "boolean", nullable: false }),
    kernel([value]) {
      const { read } = value!;
      return (row) => (read(row) === null) === answer;
    },
    sql: (_, print) => ({ text: `${print(0, "comparison")} ${sql}`, rank: "comparison" }),
  };
}

export const isNull: ScalarFunction = /* @__PURE__ */ nullCheck("isNull", true, "IS NULL", {
  signature: "any → boolean",
  rule: "never null",
  example: ["isNull(null)", "true"],
});
export const isNotNull: ScalarFunction = /* @__PURE__ */ nullCheck(
  "isNotNull",
  false,
  "IS NOT NULL",
  { signature: "any → boolean", rule: "never null", example: ["isNotNull(null)", "false"] },
);
