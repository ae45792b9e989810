/** Functions that make a value of another type. */
import { wellFormedText } from "../../bytes/utf8.ts";
import type { Overflows } from "../../columns/overflows.ts";
import type { CallOptions, TypeSpec, Value } from "../../specs.ts";
import {
  castTargets,
  converter,
  numberOf,
  partsOfOptions,
  textReader,
  typeOfOptions,
} from "../casts.ts";
import { jsonAt, jsonElements, jsonSteps, MAX_ROW_LIST } from "../json-path.ts";
import { typeOf } from "../../types/value-types.ts";
import { isNumber } from "../number-types.ts";
import { hashOfText } from "../text-hash.ts";
import type { ScalarFunction } from "../scalar-function.ts";
import { textSql, textWriter } from "../value-text.ts";

export const cast: ScalarFunction = {
  name: "cast",
  signature: "any but json, type → the type",
  rule:
    "a number is rounded, halves away from zero; text is read as of a column; " +
    "what does not fit is null",
  example: ['cast("007", int64())', "7"],
  typeRule(call) {
    const to = typeOfOptions(call.options);
    const { type } = call.arguments[0]!;
    const targets = castTargets(type);
    if (targets.length === 0)
      call.refuse(
        "TYPE_MISMATCH",
        type === "json"
          ? "take a value out of a json document with jsonPath"
          : `a ${type} is not cast; take a part out of it`,
      );
    if (!targets.includes(to.type))
      call.refuse(
        "TYPE_MISMATCH",
        `${type} is not cast to ${to.type}, only to ${targets.join(", ")}` +
          (to.type === "date" ? "; dateOf(x, zone) gives the date of a timestamp" : ""),
      );
    return to;
  },
  kernel([x], { call }) {
    const { read, spec } = x!;
    const convert = converter(spec, call.options!);
    return (row) => {
      const value = read(row);
      return value === null ? null : convert(value);
    };
  },
  sql({ arguments: [x], options }, print) {
    const to = typeOfOptions(options!);
    if (to.type === "string") return { text: textSql(x!, print(0)), rank: "atom" };
    const tried = `TRY_CAST(${print(0)} AS ${sqlType(to)})`;
    const form = x!.type === "string" ? textForm(to) : undefined;
    return {
      text:
        form === undefined
          ? tried
          : `CASE WHEN REGEXP_LIKE(${print(0)}, '\\A${form}\\z') THEN ${tried} END`,
      rank: "atom",
    };
  },
};

function sqlType({ type, precision, scale, element, fields }: TypeSpec): string {
  if (element !== undefined) return `ARRAY(${sqlType(element)})`;
  if (fields !== undefined)
    return `ROW(${fields.map((field) => `"${field.name}" ${sqlType(field)}`).join(", ")})`;
  const names: Partial<Record<TypeSpec["type"], string>> = {
    int32: "INTEGER",
    int64: "BIGINT",
    float64: "DOUBLE",
    decimal: `DECIMAL(${precision}, ${scale})`,
    timestamp: "TIMESTAMP(6) WITH TIME ZONE",
    bytes: "VARBINARY",
  };
  return names[type] ?? type.toUpperCase();
}

/** The texts that are numbers, as a regular expression. An engine's own cast takes more. */
function textForm({ type, scale }: TypeSpec): string | undefined {
  if (type === "int32" || type === "int64" || scale === 0) return "-?[0-9]+";
  if (type === "decimal") return `-?[0-9]+(\\.[0-9]{1,${scale}})?`;
  return type === "boolean" ? "(true|false)" : undefined;
}

export const jsonPath: ScalarFunction = {
  name: "jsonPath",
  signature: "json, path, type → the type",
  rule:
    "a number is read from its digits and cast; a value of another JSON type is null; " +
    "of a list the first 1,000 elements, and what does not fit is null",
  example: [`jsonPath('{"a": {"b": [1.0]}}', "$.a.b[0]", int64())`, "1"],
  typeRule(call) {
    const { type } = call.arguments[0]!;
    if (type !== "json")
      call.refuse("TYPE_MISMATCH", `only a json column has paths, and it got ${type}`);
    return typeOfOptions(call.options);
  },
  kernel([x], { call, overflows }) {
    const { read } = x!;
    const { path, ...type } = call.options!;
    const steps = jsonSteps(String(path))!;
    const valueOf = jsonReader(type, overflows);
    return (row) => {
      const document = read(row);
      const found = document === null ? null : jsonAt(document as string, steps);
      return found === null ? null : valueOf(found);
    };
  },
  sql: ({ options }, print) => ({
    text:
      `TRY_CAST(JSON_EXTRACT(${print(0)}, '${String(options!["path"]).replaceAll("'", "''")}')` +
      ` AS ${sqlType(typeOfOptions(options!))})`,
    rank: "atom",
  }),
};

/** Makes the reader of a JSON value's text as a value of the type. */
function jsonReader(options: CallOptions, overflows: Overflows): (json: string) => Value {
  const to = typeOfOptions(options);
  const parts = partsOfOptions(options).map((part) => jsonReader(part, overflows));
  if (to.type === "list") return listReader(parts[0]!, overflows);
  if (to.type === "struct") {
    const names = partsOfOptions(options).map(({ name, json = name! }) => [String(json)]);
    return (document) =>
      document.startsWith("{")
        ? parts.map((valueOf, i) => {
            const found = jsonAt(document, names[i]!);
            return found === null ? null : valueOf(found);
          })
        : null;
  }
  if (isNumber(to)) return numberReader(to);
  if (to.type === "boolean")
    return (json) => (json === "true" ? true : json === "false" ? false : null);
  if (to.type === "json") return (json) => (json === "null" ? null : json);
  const read = textReader(options);
  return (json) => (json.startsWith('"') ? read(wellFormedText(JSON.parse(json) as string)) : null);
}

/** An array that is longer than a list may be is cut, and counted. */
function listReader(
  valueOf: (json: string) => Value,
  overflows: Overflows,
): (json: string) => Value {
  return (document) => {
    if (!document.startsWith("[")) return null;
    const elements = jsonElements(document, MAX_ROW_LIST + 1);
    if (elements.length > MAX_ROW_LIST) {
      elements.pop();
      overflows.truncated = (overflows.truncated ?? 0) + 1;
    }
    return elements.map(valueOf);
  };
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** Numbers of more digits before the point fit no integer and no decimal. */
const MOST_DIGITS = 40;

function numberReader(to: TypeSpec): (json: string) => Value {
  const hold = numberOf(to);
  return (json) => {
    const found = NUMBER.exec(json);
    if (found === null) return null;
    // The runtime reads a double from digits of any length.
    if (to.type === "float64") return Number.isFinite(Number(json)) ? Number(json) + 0 : null;
    const [, sign, whole, fraction = "", exponent = "0"] = found;
    const digits = (whole! + fraction).replace(/^0+/, "");
    if (digits === "") return hold(0n, 0);
    const scale = fraction.length - Number(exponent);
    const magnitude = digits.length - scale;
    if (magnitude > MOST_DIGITS) return null;
    if (magnitude < -MOST_DIGITS) return hold(0n, 0);
    return hold(BigInt(`${sign}${digits}`), scale);
  };
}

export const hashBucket: ScalarFunction = {
  name: "hashBucket",
  signature: "ordered, count → int32",
  rule: "the first 8 bytes of the MD5 of the value's text, big-endian and unsigned, mod count",
  example: ['hashBucket("a", 10)', "0"],
  typeRule(call) {
    const { nullable, ...spec } = call.arguments[0]!;
    if (!typeOf(spec).isOrdered) call.refuse("TYPE_MISMATCH", `a ${spec.type} value has no order`);
    return { type: "int32", nullable };
  },
  kernel([x], { call }) {
    const { read, spec } = x!;
    const text = textWriter(spec);
    const buckets = Number(call.options!["buckets"]);
    return (row) => {
      const value = read(row);
      return value === null ? null : bucketOf(text(value), buckets);
    };
  },
  sql({ arguments: [x], options }, print) {
    const n = String(options!["buckets"]);
    const hash = `FROM_BIG_ENDIAN_64(SUBSTR(MD5(TO_UTF8(${textSql(x!, print(0))})), 1, 8))`;
    // The hash is unsigned, and an integer of SQL is not.
    const wrapped = 2n ** 64n % BigInt(n);
    return {
      text: `MOD(MOD(${hash}, ${n}) + IF(${hash} < 0, ${wrapped} + ${n}, 0), ${n})`,
      rank: "atom",
    };
  },
};

function bucketOf(text: string, buckets: number): number {
  // 16 bits at a time, because a remainder has up to 31.
  let remainder = 0;
  const { high, low } = hashOfText(text);
  for (const word of [high, low]) {
    remainder = (remainder * 65536 + (word >>> 16)) % buckets;
    remainder = (remainder * 65536 + (word & 0xffff)) % buckets;
  }
  return remainder;
}
