/** What functions answer, naively, from exact fractions. It shares only types with core. */
import type { CallExpression, Expression, Value } from "../../../packages/core/src/specs.ts";
import {
  heldAs,
  nearestDouble,
  negative,
  order,
  over,
  plus,
  rationalOf,
  times,
  truncated,
  type Rational,
} from "./rationals.ts";
import { partAnswer } from "./part-functions.ts";
import { singleAnswer } from "./single-functions.ts";
import { compare } from "./values.ts";

/** Answers a call whose arguments have these values. */
export function answerOf(call: CallExpression, values: readonly Value[]): Value {
  const answer = truthOf(call, values) ?? choiceOf(call, values);
  if (answer !== undefined) return answer.value;
  // No answer holds −0.
  if (call.function === "struct") return values.map((value) => (Object.is(value, -0) ? 0 : value));
  if (values.includes(null)) return null;
  const there = values as readonly Exclude<Value, null>[];
  const ofParts = partAnswer(call, there);
  if (ofParts !== undefined) return ofParts.value;
  const single = singleAnswer(call, there);
  return single === undefined ? arithmetic(call, there) : single;
}

interface Answered {
  readonly value: Value;
}
const answered = (value: Value): Answered => ({ value });

function truthOf(
  { function: name, arguments: of }: CallExpression,
  values: readonly Value[],
): Answered | undefined {
  const [first] = values;
  switch (name) {
    case "and":
      return answered(values.includes(false) ? false : values.includes(null) ? null : true);
    case "or":
      return answered(values.includes(true) ? true : values.includes(null) ? null : false);
    case "not":
      return answered(first === null ? null : first !== true);
    case "isNull":
      return answered(first === null);
    case "isNotNull":
      return answered(first !== null);
    case "inList": {
      const orders = values.slice(1).map((one, i) => orderOf(first!, of[0]!, one, of[i + 1]!));
      return answered(orders.includes(0) ? true : orders.includes(null) ? null : false);
    }
    default: {
      const holds = comparisons[name];
      if (holds === undefined) return undefined;
      const found = orderOf(first!, of[0]!, values[1]!, of[1]!);
      return answered(found === null ? null : holds(found));
    }
  }
}

const comparisons: { readonly [name: string]: ((order: number) => boolean) | undefined } = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

const numbers: readonly string[] = ["int32", "int64", "float64", "decimal"];

function orderOf(a: Value, aOf: Expression, b: Value, bOf: Expression): number | null {
  if (a === null || b === null) return null;
  return numbers.includes(aOf.type)
    ? order(rationalOf(a, aOf), rationalOf(b, bOf))
    : compare(aOf.type, a, b);
}

/** The answers that are one of the arguments. */
function choiceOf(call: CallExpression, values: readonly Value[]): Answered | undefined {
  const { arguments: of } = call;
  const as = (i: number): Answered => {
    const value = values[i]!;
    return answered(
      value === null || !numbers.includes(call.type)
        ? value
        : heldAs(rationalOf(value, of[i]!), call),
    );
  };
  const among = (i: number, j: number): number => orderOf(values[i]!, of[i]!, values[j]!, of[j]!)!;
  switch (call.function) {
    case "caseWhen": {
      const pairs = Math.floor(of.length / 2);
      for (let i = 0; i < pairs; i++) if (values[2 * i] === true) return as(2 * i + 1);
      return of.length % 2 === 1 ? as(of.length - 1) : answered(null);
    }
    case "coalesce":
      return values[0] === null ? as(1) : as(0);
    case "nullIf":
      return orderOf(values[0]!, of[0]!, values[1]!, of[1]!) === 0 ? answered(null) : as(0);
    case "least":
    case "greatest": {
      if (values.includes(null)) return answered(null);
      const second = call.function === "least" ? among(1, 0) < 0 : among(1, 0) > 0;
      return as(second ? 1 : 0);
    }
    case "clamp": {
      if (values.includes(null)) return answered(null);
      const raised = among(0, 1) < 0 ? 1 : 0;
      return as(among(raised, 2) > 0 ? 2 : raised);
    }
    default:
      return undefined;
  }
}

function arithmetic(call: CallExpression, values: readonly Exclude<Value, null>[]): Value {
  const exact = values.map((value, i) => rationalOf(value, call.arguments[i]!));
  // Arithmetic of float64 takes doubles, whatever the arguments are.
  const [a, b] = (
    call.type === "float64"
      ? exact.map((x): Rational => rationalOf(nearestDouble(x), { ...call, type: "float64" }))
      : exact
  ) as [Rational, Rational];
  switch (call.function) {
    case "add":
      return heldAs(plus(a, b), call);
    case "sub":
      return heldAs(plus(a, negative(b)), call);
    case "mul":
      return heldAs(times(a, b), call);
    case "div":
      return b.n === 0n ? null : heldAs(over(a, b), call, "null");
    case "mod":
      return b.n === 0n ? null : heldAs(plus(a, negative(times(b, truncated(over(a, b))))), call);
    default:
      throw new TypeError(`the oracle has no function ${call.function}`);
  }
}
