/** Runs the examples of the registry of functions. */
import { scalarFunction } from "../../../src/expr/scalar-functions.ts";
import { formatDate, parseDate } from "../../../src/time/parse-time.ts";
import { typeOf } from "../../../src/types/value-types.ts";
import { formatDecimal } from "../../../src/types/decimal-text.ts";
import { boundExpression } from "../../../src/expr/bind.ts";
import { edgesText } from "../../../src/expr/functions/math.ts";
import { scalarFunctions } from "../../../src/expr/scalar-functions.ts";
import { callExpression, literalExpression } from "../../../src/expr/tree.ts";
import type { CallOptions, Expression, TypeSpec, Value } from "../../../src/specs.ts";

/** Functions whose texts are decimals. */
const ofNumbers: readonly string[] =
  "add sub mul div mod neg abs sign floor ceil round sqrt exp log log1p power binOf".split(" ");

/** The names of what stands behind the first argument, if it is no expression. */
const optionNames: { readonly [name: string]: readonly string[] | undefined } = {
  round: ["digits"],
  log: ["base"],
  power: ["exponent"],
  binOf: ["edges"],
  hashBucket: ["buckets"],
  substring: ["start", "length"],
  startsWith: ["prefix"],
  endsWith: ["suffix"],
  like: ["pattern"],
  matches: ["pattern"],
  splitPart: ["separator", "index"],
  member: ["name"],
  elementOf: ["index"],
  stddevOf: ["over"],
  quantileOf: ["q"],
  ...Object.fromEntries(
    "hourOf minuteOfDay dayOfWeek dayOfMonth monthOf yearOf isWeekend dateOf"
      .split(" ")
      .map((name) => [name, ["zone"]]),
  ),
};

/** The time of the answers, µs. */
const AS_OF = Date.parse("2026-07-05T12:00:00Z") * 1000;

/** Functions of lists, maps and structs. */
const ofParts: readonly string[] = (
  "struct member elementOf contains valueAt " +
  "sumOf avgOf minOf maxOf stddevOf slopeOf quantileOf"
).split(" ");

/** Evaluates an example, such as `add(1, 2)`, and prints its answer. */
export function runExample(text: string): string {
  const names = scalarFunctions.map(({ name }) => name);
  const functions = names.map(
    (name) =>
      (...terms: readonly unknown[]): Expression =>
        made(name, terms),
  );
  const when = (condition: unknown, then: unknown): readonly unknown[] => [condition, then];
  const type =
    (type: string) =>
    (digits?: object): object => ({ type, ...digits });
  // The registry's own text is run, not a stranger's.
  const run = new Function(...names, "when", "int64", `return ${text};`) as (
    ...all: readonly unknown[]
  ) => Expression;
  const expression = run(...functions, when, type("int64"));
  const noColumn = (name: string): never => {
    throw new TypeError(`an example has no column ${name}`);
  };
  const answer = boundExpression(expression, noColumn, { count: 0 }, () => AS_OF)(0);
  return printed(answer, expression);
}

function made(name: string, given: readonly unknown[]): Expression {
  if (name === "elapsed") {
    const [unit, ...times] = given;
    return callExpression(scalarFunction(name), times.map(time), { unit: String(unit) });
  }
  if (name === "cast") return conversion(name, "string", given[0], given[1]);
  if (name === "jsonPath") return conversion(name, "json", given[0], given[2], { path: given[1] });
  if (name === "daysBetween") return callExpression(scalarFunction(name), given.map(date));
  if (optionNames[name]?.[0] === "zone")
    return callExpression(scalarFunction(name), [time(given[0])], { zone: String(given[1]) });
  const named = optionNames[name];
  if (ofParts.includes(name)) {
    const [parts, ...others] = given;
    if (name === "struct") return partsNode(parts);
    const options = (named ?? []).map((option, i) => [option, others[i]] as const);
    return callExpression(
      scalarFunction(name),
      [
        partsNode(parts),
        ...(named === undefined ? others.map((one) => node(one, false, spec("string"))) : []),
      ],
      Object.fromEntries(options) as CallOptions,
    );
  }
  const flat = (named === undefined ? given : given.slice(0, 1)).flat(2);
  const isDecimal = ofNumbers.includes(name) && flat.some((one) => typeof one === "string");
  // A null has the type of the first value that is there.
  const there = flat.find((one) => one !== null) ?? true;
  const first = node(there, isDecimal, spec("boolean"));
  const nodes = flat.map((one) => node(one, isDecimal, first));
  const options: CallOptions = Object.fromEntries(
    (named ?? []).flatMap((option, i) => {
      const value = given[i + 1];
      if (value === undefined) return [];
      const held = Array.isArray(value) ? edgesText(value as number[]) : (value as string | number);
      return [[option, held] as const];
    }),
  );
  return callExpression(scalarFunction(name), nodes, options);
}

function conversion(
  name: string,
  of: "string" | "json",
  value: unknown,
  type: unknown,
  options: object = {},
): Expression {
  const literal = literalExpression(value as string, spec(of));
  return callExpression(scalarFunction(name), [literal], { ...options, ...(type as CallOptions) });
}

function node(value: unknown, isDecimal: boolean, first: TypeSpec): Expression {
  if (typeof value === "object" && value !== null) return value as Expression;
  if (value === null) {
    const { type } = first;
    return literalExpression(null, { type, nullable: true });
  }
  if (isDecimal) return decimal(String(value));
  switch (typeof value) {
    case "string":
      return literalExpression(value, spec("string"));
    case "boolean":
      return literalExpression(value, spec("boolean"));
    case "bigint":
      return literalExpression(value, spec("int64"));
    default: {
      const number = value as number;
      return Number.isInteger(number)
        ? literalExpression(BigInt(number), spec("int64"))
        : literalExpression(number, spec("float64"));
    }
  }
}

/** The literal of a list, a map or a struct. Definitions have none. */
function partsNode(parts: unknown): Expression {
  const of = (values: readonly unknown[]): { type: TypeSpec; values: readonly Value[] } => {
    const hasFraction = values.some((one) => typeof one === "number" && !Number.isInteger(one));
    const nodes = values.map((one) =>
      hasFraction && typeof one === "number"
        ? literalExpression(one, spec("float64"))
        : node(one, false, spec("int64")),
    );
    const first = nodes.find((one) => !one.nullable)!;
    return {
      type: { type: first.type, nullable: true },
      values: nodes.map((one) => (one.op === "literal" ? one.value : null)),
    };
  };
  const literal = { op: "literal", nullable: false } as const;
  if (Array.isArray(parts)) {
    const { type, values } = of(parts as readonly unknown[]);
    return { ...literal, type: "list", element: type, value: values };
  }
  if (parts instanceof Map) {
    const [keys, values] = [of([...parts.keys()]), of([...parts.values()])];
    const value = keys.values.map((key, i) => [key, values.values[i]!]);
    return { ...literal, type: "map", keys: keys.type, values: values.type, value };
  }
  const members = Object.entries(parts as object);
  const { type, values } = of(members.map(([, value]) => value as unknown));
  const fields = members.map(([name]) => ({ ...type, name }));
  return { ...literal, type: "struct", fields, value: values };
}

function time(text: unknown): Expression {
  if (typeof text === "object" && text !== null) return text as Expression;
  return literalExpression(Date.parse(String(text)) * 1000, spec("timestamp"));
}

function date(text: unknown): Expression {
  return literalExpression(parseDate(String(text)), spec("date"));
}

function decimal(text: string): Expression {
  const [whole, fraction = ""] = text.split(".");
  return literalExpression(BigInt(whole! + fraction), {
    ...spec("decimal"),
    precision: 38,
    scale: fraction.length,
  });
}

function spec(type: TypeSpec["type"]): TypeSpec {
  return { type, nullable: false };
}

function printed(value: Value, spec: TypeSpec): string {
  const { type, scale } = spec;
  if (type === "decimal" && value !== null) return formatDecimal(value as bigint, scale ?? 0);
  if (type === "date") return JSON.stringify(formatDate(value as number));
  if (type === "struct" && value !== null) return typeOf(spec).jsonText(spec)(value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
