/** Makes expressions as definitions make them, and rewrites them. */
import type {
  CallOptions,
  ColumnSpec,
  Expression,
  TypeSpec,
  Value,
  ValueType,
} from "../../../packages/core/src/specs.ts";
import type { Random } from "./random.ts";

/** Makes the expression of a column's value. */
export function columnNode(column: ColumnSpec): Expression {
  const { name, database, ...type } = column;
  void database;
  return { op: "column", name, ...type };
}

/** Makes a literal of the column's type. */
export function literalNode(
  value: Value,
  { type, precision, scale }: Pick<ColumnSpec, "type" | "precision" | "scale">,
): Expression {
  const digits = type === "decimal" ? { precision, scale } : {};
  return { op: "literal", value, type, nullable: value === null, ...digits };
}

/** Calls a function that answers a truth value. */
export function conditionNode(name: string, ...terms: readonly Expression[]): Expression {
  const nullable = !/^is(Not)?Null$/.test(name) && terms.some((term) => term.nullable);
  return { op: "call", function: name, arguments: terms, type: "boolean", nullable };
}

/** Compares a column with values of its type: `eq`, `lt`, `inList` and so on. */
export function comparedColumn(
  name: string,
  column: ColumnSpec,
  ...values: readonly Value[]
): Expression {
  return conditionNode(
    name,
    columnNode(column),
    ...values.map((value) => literalNode(value, column)),
  );
}

/** Makes a struct of these expressions. */
export function structNode(members: readonly Expression[]): Expression {
  const fields = members.map((one, i) => {
    const { type, nullable, precision, scale, zone, mode } = one;
    return {
      name: `member_${i}`,
      type,
      nullable,
      ...(precision === undefined ? {} : { precision }),
      ...(scale === undefined ? {} : { scale }),
      ...(zone === undefined ? {} : { zone }),
      ...(mode === undefined ? {} : { mode }),
    };
  });
  return {
    op: "call",
    function: "struct",
    arguments: members,
    options: { names: fields.map(({ name }) => name).join(",") },
    type: "struct",
    nullable: false,
    fields,
  };
}

/** The names of the comparisons of two values. */
export const comparisons = ["eq", "ne", "lt", "lte", "gt", "gte"] as const;

/** Returns the columns that an expression reads. */
export function columnsIn(expression: Expression | null): readonly string[] {
  if (expression === null || expression.op === "literal") return [];
  return expression.op === "column"
    ? [expression.name]
    : expression.arguments.flatMap((argument) => columnsIn(argument));
}

/** Returns the expression with every column replaced. */
export function withColumns(
  expression: Expression,
  replace: (column: Extract<Expression, { op: "column" }>) => Expression,
): Expression {
  if (expression.op === "literal") return expression;
  if (expression.op === "column") return replace(expression);
  return {
    ...expression,
    arguments: expression.arguments.map((argument) => withColumns(argument, replace)),
  };
}

const numbers: readonly ValueType[] = ["int32", "int64", "float64", "decimal"];
const isNumber = ({ type }: TypeSpec): boolean => numbers.includes(type);
const scaleOf = ({ type, scale }: TypeSpec): number => (type === "decimal" ? (scale ?? 0) : 0);

/** Calls a function that answers no truth value. Its type follows the rules of the language. */
export function callNode(name: string, ...terms: readonly Expression[]): Expression {
  return { op: "call", function: name, arguments: terms, ...typeOfCall(name, terms) };
}

function typeOfCall(name: string, terms: readonly Expression[]): TypeSpec {
  const nullable = terms.some((term) => term.nullable);
  switch (name) {
    case "add":
    case "sub":
      return arithmetic(terms, nullable);
    case "mul": {
      const type = arithmetic(terms, nullable);
      const digits = terms.reduce((sum, term) => sum + scaleOf(term), 0);
      return type.type === "decimal" ? { ...type, scale: Math.min(digits, 18) } : type;
    }
    case "mod":
      return arithmetic(terms, true);
    case "div":
      return { type: "float64", nullable: true };
    case "caseWhen": {
      const values = terms.filter((_, i) => i % 2 === 1 || i === terms.length - 1);
      const mayBeNull = terms.length % 2 === 0 || values.some((value) => value.nullable);
      return new Set(values.map(({ type }) => type)).size > 1
        ? arithmetic(values, mayBeNull)
        : ofFirst(values, mayBeNull);
    }
    case "coalesce":
      return ofFirst(
        terms,
        terms.every((term) => term.nullable),
      );
    case "nullIf":
      return { ...ofFirst(terms.slice(0, 1), true), ...digitsOf(terms[0]!) };
    default:
      return ofFirst(terms, nullable);
  }
}

function digitsOf({ type, precision, scale }: TypeSpec): Partial<TypeSpec> {
  return type === "decimal" ? { precision, scale } : {};
}

function arithmetic(terms: readonly TypeSpec[], nullable: boolean): TypeSpec {
  const types = terms.map(({ type }) => type);
  if (types.includes("float64")) return { type: "float64", nullable };
  if (types.includes("decimal"))
    return { type: "decimal", nullable, precision: 38, scale: Math.max(...terms.map(scaleOf)) };
  const asNumber = terms.every(({ type, mode }) => type === "int32" || mode === "number");
  return { type: "int64", nullable, ...(asNumber ? { mode: "number" } : {}) };
}

function ofFirst(terms: readonly TypeSpec[], nullable: boolean): TypeSpec {
  const [{ type, mode }] = terms as readonly [TypeSpec];
  return {
    type,
    nullable,
    ...(mode === undefined ? {} : { mode }),
    ...(type === "decimal" ? { precision: 38, scale: Math.max(...terms.map(scaleOf)) } : {}),
  };
}

/** Names of functions of numbers; the frequent ones are named twice. */
const functionsOfNumbers =
  "add sub mul add sub mul div mod caseWhen coalesce nullIf least greatest clamp cast".split(" ");

/** The types of casts. */
const castTypes = [
  { type: "int32" },
  { type: "int64" },
  { type: "float64" },
  { type: "decimal", precision: 12, scale: 2 },
  { type: "decimal", precision: 38, scale: 6 },
] as const satisfies readonly Partial<TypeSpec>[];

/** Calls a function with options. Its values are of type `to`. */
export function conversionNode(
  name: string,
  of: Expression,
  to: TypeSpec,
  options: CallOptions,
): Expression {
  return { op: "call", function: name, arguments: [of], options, ...to };
}

/** Says whether values of the type are lists, maps or structs. */
export function hasParts({ type }: TypeSpec): boolean {
  return type === "list" || type === "map" || type === "struct";
}

/** Makes a number out of a list, a map or a struct by functions of their parts. */
export function numberOfParts(random: Random, of: Expression): Expression {
  const part = takenOut(random, of);
  if (isNumber(part)) return part;
  if (hasParts(part)) return numberOfParts(random, part);
  if (part.type === "boolean")
    return callNode(
      "caseWhen",
      part,
      literalNode(2, { type: "int32" }),
      literalNode(1, { type: "int32" }),
    );
  if (part.type !== "json")
    return conversionNode(
      "hashBucket",
      part,
      { type: "int32", nullable: part.nullable },
      { buckets: 1000 },
    );
  const isThere = conditionNode("isNull", part);
  return callNode("caseWhen", isThere, literalNode(1, { type: "int32" }));
}

/** A number of time between some instant and the time of the answer. */
export function sinceInstant(random: Random): Expression {
  const instant = random.pick([0, -62_135_596_800e6, 1_700_000_000_123_457]);
  const terms = [
    literalNode(instant, { type: "timestamp" }),
    { op: "call", function: "asOf", arguments: [], type: "timestamp", nullable: false },
  ] as const;
  const unit = random.pick(["seconds", "minutes", "hours", "days"]);
  return {
    op: "call",
    function: "elapsed",
    arguments: random.chance(0.5) ? terms : terms.toReversed(),
    options: { unit },
    type: "float64",
    nullable: false,
  };
}

/** A part of a value, or a function of the elements of a list. */
function takenOut(random: Random, of: Expression): Expression {
  const { element, fields, keys, values } = of;
  if (fields !== undefined) {
    const { name, ...field } = random.pick(fields);
    const nullable = field.nullable || of.nullable;
    return conversionNode("member", of, { ...field, nullable }, { name });
  }
  if (keys !== undefined) {
    const key = partLiteral(random, keys);
    return { op: "call", function: "valueAt", arguments: [of, key], ...values!, nullable: true };
  }
  const { type, mode, scale, precision } = element!;
  const name = random.pick(
    isNumber(element!)
      ? "elementOf contains sumOf avgOf minOf maxOf stddevOf slopeOf quantileOf".split(" ")
      : hasParts(element!) || type === "json"
        ? ["elementOf"]
        : ["elementOf", "contains", "minOf", "maxOf"],
  );
  const same: TypeSpec = { ...element!, nullable: true };
  const float: TypeSpec = { type: "float64", nullable: true };
  switch (name) {
    case "elementOf":
      return conversionNode(name, of, same, { index: random.pick([0, 1, 2, -1, -1, -2, 7]) });
    case "contains":
      return { ...conditionNode(name, of, partLiteral(random, element!)), nullable: of.nullable };
    case "minOf":
    case "maxOf":
      return { op: "call", function: name, arguments: [of], ...same };
    case "sumOf": {
      const sum: TypeSpec =
        type === "float64"
          ? { type, nullable: of.nullable }
          : type === "decimal"
            ? { type, nullable: of.nullable, precision: 38, scale }
            : { type: "int64", nullable: of.nullable };
      const asNumber = type === "int32" || mode === "number";
      void precision;
      return {
        op: "call",
        function: name,
        arguments: [of],
        ...sum,
        ...(asNumber ? { mode: "number" } : {}),
      };
    }
    case "stddevOf":
      return conversionNode(name, of, float, { over: random.pick(["sample", "population"]) });
    case "quantileOf":
      return conversionNode(name, of, float, { q: random.pick([0, 1, 0.5, 0.9, 1 / 3]) });
    default:
      return { op: "call", function: name, arguments: [of], ...float };
  }
}

/** A value that may be among parts of this type. */
function partLiteral(random: Random, of: TypeSpec): Expression {
  const like = { ...of, nullable: false };
  switch (of.type) {
    case "boolean":
      return literalNode(random.chance(0.5), like);
    case "string":
      return literalNode(random.pick(["a", "", "A", "Hospital", "Sport", "😀"]), like);
    case "bytes":
      return literalNode(Uint8Array.of(1), like);
    case "int64":
    case "decimal":
      return literalNode(random.pick([0n, 1n, 2n, 5n, -1n]), like);
    default:
      return literalNode(random.pick([0, 1, 2, 5, -1]), like);
  }
}

/** Makes a number out of a column that holds none; undefined if there is no such column. */
function numberOfOther(random: Random, columns: readonly ColumnSpec[]): Expression | undefined {
  const others = columns.filter((column) => !isNumber(column));
  if (others.length === 0) return undefined;
  const column = columnNode(random.pick(others));
  if (hasParts(column)) return numberOfParts(random, column);
  const options = random.pick(castTypes);
  const to: TypeSpec = { ...options, nullable: true };
  if (column.type === "json") {
    const path = random.pick(["$", "$.a[0]", "$.a[2].b", "$[0]"]);
    return conversionNode("jsonPath", column, to, { path, ...options });
  }
  if (column.type === "string" && random.chance(0.5)) {
    const cased = callNode(random.pick(["lower", "upper"]), column);
    return random.chance(0.5)
      ? conversionNode("cast", cased, to, options)
      : { ...callNode("length", cased), type: "int32" };
  }
  const buckets = random.pick([2, 10, 1000]);
  const bucket: TypeSpec = { type: "int32", nullable: column.nullable };
  return conversionNode("hashBucket", column, bucket, { buckets });
}

/** Makes a random function of numbers; undefined if there is no column of numbers. */
export function randomNumber(
  random: Random,
  columns: readonly ColumnSpec[],
  depth: number,
): Expression | undefined {
  const candidates = columns.filter(isNumber);
  if (candidates.length === 0) return undefined;
  const make = (left: number): Expression => {
    if (left === 0 || random.chance(0.2)) {
      const other = random.chance(0.3) ? numberOfOther(random, columns) : undefined;
      return other ?? columnNode(random.pick(candidates));
    }
    const name = random.pick(functionsOfNumbers);
    const a = make(left - 1);
    if (name === "caseWhen") {
      const condition = conditionNode(random.pick(comparisons), a, make(left - 1));
      const otherwise = random.chance(0.6) ? [make(left - 1)] : [];
      return callNode(name, condition, make(left - 1), ...otherwise);
    }
    switch (name) {
      case "cast": {
        const options = random.pick(castTypes);
        return conversionNode(name, a, { ...options, nullable: true }, options);
      }
      case "coalesce":
      case "least":
      case "greatest":
        return callNode(name, a, literalLike(random, a));
      case "clamp":
        return callNode(name, a, literalLike(random, a), literalLike(random, a));
      case "nullIf":
        return callNode(name, a, random.chance(0.5) ? literalLike(random, a) : make(left - 1));
      default:
        return callNode(name, a, random.chance(0.3) ? literalLike(random, a) : make(left - 1));
    }
  };
  return make(depth);
}

/** A small literal of the type of an expression. */
function literalLike(random: Random, of: Expression): Expression {
  const n = random.pick([-7, -1, 0, 1, 2, 3, 10, 1000]);
  switch (of.type) {
    case "float64":
      return literalNode(n / 4, of);
    case "int32":
      return literalNode(n, of);
    default:
      return literalNode(BigInt(n), { ...of });
  }
}
