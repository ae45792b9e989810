/** Functions of texts, code point by code point. */
import type { TypeSpec, Value } from "../../specs.ts";
import { lowerCase, upperCase } from "../letter-case.ts";
import type { BoundCall, Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";

const text = (nullable: boolean): TypeSpec => ({ type: "string", nullable });
const truth = (nullable: boolean): TypeSpec => ({ type: "boolean", nullable });

function checkTexts(call: Call): void {
  for (const { type } of call.arguments)
    if (type !== "string") call.refuse("TYPE_MISMATCH", `it takes text, and got ${type}`);
}

/** A function of one text, whose other arguments are options. */
function ofText(
  name: string,
  result: (nullable: boolean) => TypeSpec,
  bind: (bound: BoundCall) => (text: string) => Value,
  sql: ScalarFunction["sql"],
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule(call) {
      checkTexts(call);
      return result(call.arguments[0]!.nullable);
    },
    kernel([x], bound) {
      const { read } = x!;
      const compute = bind(bound);
      return (row) => {
        const value = read(row);
        return value === null ? null : compute(value as string);
      };
    },
    sql,
  };
}

const quoted = (value: unknown): string => `'${String(value).replaceAll("'", "''")}'`;
const sqlOf =
  (name: string, ...options: readonly string[]): ScalarFunction["sql"] =>
  ({ options: given }, print) => ({
    text: `${name}(${[print(0), ...options.map((option) => quoted(given![option]))].join(", ")})`,
    rank: "atom",
  });

export const lower: ScalarFunction = /* @__PURE__ */ ofText(
  "lower",
  text,
  () => lowerCase,
  sqlOf("LOWER"),
  {
    signature: "text → text",
    rule: "simple mapping of Unicode, code point by code point; no locale",
    example: ['lower("ŻÓŁW")', '"żółw"'],
  },
);
export const upper: ScalarFunction = /* @__PURE__ */ ofText(
  "upper",
  text,
  () => upperCase,
  sqlOf("UPPER"),
  {
    signature: "text → text",
    rule: "simple mapping of Unicode, code point by code point; no locale",
    example: ['upper("straße")', '"STRAßE"'],
  },
);

export const trim: ScalarFunction = /* @__PURE__ */ ofText(
  "trim",
  text,
  () => (value) => value.replace(/^[ \t-\r]+/, "").replace(/[ \t-\r]+$/, ""),
  (_, print) => ({
    text: `TRIM(BOTH U&' \\0009\\000A\\000B\\000C\\000D' FROM ${print(0)})`,
    rank: "atom",
  }),
  {
    signature: "text → text",
    rule: "without white space of ASCII at the ends",
    example: ['trim(" a b ")', '"a b"'],
  },
);

export const substring: ScalarFunction = /* @__PURE__ */ ofText(
  "substring",
  text,
  ({ call: { options } }) => {
    const start = Number(options!["start"]);
    const length = options!["length"];
    return (value) => {
      const from = codePointIndex(value, 0, start);
      const to = length === undefined ? value.length : codePointIndex(value, from, Number(length));
      return value.slice(from, to);
    };
  },
  ({ options }, print) => {
    const length = options!["length"];
    const more = length === undefined ? "" : `, ${length}`;
    return { text: `SUBSTR(${print(0)}, ${Number(options!["start"]) + 1}${more})`, rank: "atom" };
  },
  {
    signature: "text, start, length → text",
    rule: 'code points, index 0 first; past the end ""',
    example: ['substring("żółw", 1, 2)', '"ół"'],
  },
);

/** The index of the code point `count` code points after the index `from`. */
function codePointIndex(value: string, from: number, count: number): number {
  let i = from;
  for (let n = 0; n < count && i < value.length; n++) i += value.codePointAt(i)! > 0xffff ? 2 : 1;
  return i;
}

export const concat: ScalarFunction = {
  name: "concat",
  signature: "text, text → text",
  rule: "one text after the other",
  example: ['concat("a", "b")', '"ab"'],
  typeRule(call) {
    checkTexts(call);
    return text(call.arguments.some(({ nullable }) => nullable));
  },
  kernel([a, b]) {
    return (row) => {
      const left = a!.read(row);
      const right = b!.read(row);
      return left === null || right === null ? null : (left as string) + (right as string);
    };
  },
  sql: (_, print) => ({ text: `CONCAT(${print(0)}, ${print(1)})`, rank: "atom" }),
};

export const length: ScalarFunction = {
  name: "length",
  signature: "text or bytes → int32",
  rule: "code points, or bytes",
  example: ['length("żółw")', "4"],
  typeRule(call) {
    const { type, nullable } = call.arguments[0]!;
    if (type !== "string" && type !== "bytes")
      call.refuse("TYPE_MISMATCH", `only text and bytes have a length, and it got ${type}`);
    return { type: "int32", nullable };
  },
  kernel([x]) {
    const { read } = x!;
    return (row) => {
      const value = read(row);
      if (value === null) return null;
      return value instanceof Uint8Array ? value.length : codePoints(value as string);
    };
  },
  sql: (_, print) => ({ text: `LENGTH(${print(0)})`, rank: "atom" }),
};

function codePoints(value: string): number {
  let count = 0;
  for (let i = 0; i < value.length; i += value.codePointAt(i)! > 0xffff ? 2 : 1) count++;
  return count;
}

export const startsWith: ScalarFunction = /* @__PURE__ */ ofText(
  "startsWith",
  truth,
  ({ call }) => {
    const prefix = String(call.options!["prefix"]);
    return (value) => value.startsWith(prefix);
  },
  sqlOf("STARTS_WITH", "prefix"),
  {
    signature: "text, prefix → boolean",
    rule: "by code point",
    example: ['startsWith("abc", "ab")', "true"],
  },
);
export const endsWith: ScalarFunction = /* @__PURE__ */ ofText(
  "endsWith",
  truth,
  ({ call }) => {
    const suffix = String(call.options!["suffix"]);
    return (value) => value.endsWith(suffix);
  },
  ({ options }, print) => ({
    text: `STARTS_WITH(REVERSE(${print(0)}), REVERSE(${quoted(options!["suffix"])}))`,
    rank: "atom",
  }),
  {
    signature: "text, suffix → boolean",
    rule: "by code point",
    example: ['endsWith("abc", "bc")', "true"],
  },
);

export const like: ScalarFunction = /* @__PURE__ */ ofText(
  "like",
  truth,
  ({ call }) => {
    const pattern = likePattern(String(call.options!["pattern"]));
    return (value) => fitsPattern(pattern, value);
  },
  ({ options }, print) => ({
    text: `${print(0, "comparison")} LIKE ${quoted(options!["pattern"])} ESCAPE '\\'`,
    rank: "comparison",
  }),
  {
    signature: "text, pattern → boolean",
    rule: "`%` any text, `_` one code point, a backslash takes the next as it is",
    example: ['like("50% off", "50\\\\% %")', "true"],
  },
);

/** A pattern as code points; ANY stands for one, MANY for any number of them. */
type LikePattern = readonly (string | typeof ANY | typeof MANY)[];
const ANY = 1;
const MANY = 2;

/** Reads a pattern: `%` is any text, `_` one code point, and `\` takes the next one as it is. */
function likePattern(pattern: string): LikePattern {
  const points = [...pattern];
  const found: (string | typeof ANY | typeof MANY)[] = [];
  for (let i = 0; i < points.length; i++) {
    const point = points[i]!;
    if (point === "%") found.push(MANY);
    else if (point === "_") found.push(ANY);
    else found.push(point === "\\" ? points[++i]! : point);
  }
  return found;
}

/** Takes one step for each code point, and goes back to the last MANY if the rest does not fit. */
function fitsPattern(pattern: LikePattern, value: string): boolean {
  const points = [...value];
  let p = 0;
  let v = 0;
  let many = -1;
  let resume = 0;
  while (v < points.length) {
    const wanted = pattern[p];
    if (wanted === MANY) {
      many = p++;
      resume = v;
    } else if (p < pattern.length && (wanted === ANY || wanted === points[v])) {
      p++;
      v++;
    } else if (many >= 0) {
      p = many + 1;
      v = ++resume;
    } else return false;
  }
  while (pattern[p] === MANY) p++;
  return p === pattern.length;
}

export const splitPart: ScalarFunction = /* @__PURE__ */ ofText(
  "splitPart",
  () => text(true),
  ({ call: { options } }) => {
    const separator = String(options!["separator"]);
    const index = Number(options!["index"]);
    return (value) => value.split(separator)[index] ?? null;
  },
  ({ options }, print) => ({
    text:
      `SPLIT_PART(${print(0)}, ${quoted(options!["separator"])}, ` +
      `${Number(options!["index"]) + 1})`,
    rank: "atom",
  }),
  {
    signature: "text, separator, index → text",
    rule: "index 0 first; null if there is no such part",
    example: ['splitPart("a-b-c", "-", 1)', '"b"'],
  },
);
