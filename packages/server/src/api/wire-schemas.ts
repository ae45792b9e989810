/** Makes the JSON Schemas of values and objects. OpenAPI 3.1 uses JSON Schema 2020-12. */
import { metadataOf, scalarType } from "@tidemark/core/internal";
import type { ColumnSpec, ScalarType, TypeSpec } from "@tidemark/core/spi";

/** A JSON Schema. */
export type Schema = { readonly [member: string]: unknown };

const LARGEST = "9223372036854775807";

/** Makes a number with all its digits, for bounds that no double holds. */
const exactBound = (digits: string): unknown =>
  (JSON as unknown as { readonly rawJSON: (text: string) => unknown }).rawJSON(digits);

/** Matches at most the digits of an int64, without leading zeros. */
const INT64_PATTERN = `^(?:0|-?(?:${[
  "[1-9][0-9]{0,17}",
  ...[...LARGEST].flatMap((digit, i) =>
    i === 0
      ? [`[1-${Number(digit) - 1}][0-9]{18}`]
      : digit === "0"
        ? []
        : [`${LARGEST.slice(0, i)}[0-${Number(digit) - 1}]${i === 18 ? "" : `[0-9]{${18 - i}}`}`],
  ),
  LARGEST,
].join("|")})|-9223372036854775808)$`;

const BYTES = {
  type: "string",
  contentEncoding: "base64",
  pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
} as const;
const INT32 = { type: "integer", minimum: -2147483648, maximum: 2147483647 } as const;

/** The schema of a value in an answer. Its types include null if the feature is nullable. */
export function answerSchema(column: ColumnSpec, description?: string): Schema {
  return orNull(column, withDescription(typeSchema(column), description));
}

/** The schema of a value that is there. */
function typeSchema(spec: TypeSpec): Schema {
  switch (spec.type) {
    case "list":
      return { type: "array", items: partSchema(spec.element!) };
    case "map":
      return mapSchema(spec.keys!, spec.values!);
    case "struct":
      return objectOf(Object.fromEntries(spec.fields!.map((one) => [one.name, partSchema(one)])));
    default:
      return answerSchemas[spec.type](spec);
  }
}

/** A map with keys that are text is an object, another map a list of pairs. */
function mapSchema(keys: TypeSpec, values: TypeSpec): Schema {
  if (keys.type === "string") return { type: "object", additionalProperties: partSchema(values) };
  const pair = { type: "array", prefixItems: [partSchema(keys), partSchema(values)] };
  return { type: "array", items: { ...pair, minItems: 2, maxItems: 2 } };
}

/** The schema of a part of a value. */
function partSchema(spec: TypeSpec): Schema {
  return orNull(spec, typeSchema(spec));
}

/** The schema, with null if the type is nullable. */
function orNull({ nullable }: TypeSpec, schema: Schema): Schema {
  if (!nullable || schema["type"] === undefined) return schema;
  const types = schema["type"] as string | readonly string[];
  return { ...schema, type: [...(typeof types === "string" ? [types] : types), "null"] };
}

const answerSchemas: Readonly<Record<ScalarType, (spec: TypeSpec) => Schema>> = {
  string: () => ({ type: "string" }),
  boolean: () => ({ type: "boolean" }),
  int32: () => INT32,
  int64: ({ mode }) =>
    mode === "number"
      ? { type: "integer" }
      : { type: ["string", "integer"], pattern: INT64_PATTERN },
  float64: () => ({ type: "number" }),
  decimal: ({ scale }) => ({
    type: "string",
    pattern: `^-?[0-9]+${scale === 0 ? "" : `\\.[0-9]{${scale}}`}$`,
  }),
  timestamp: () => ({ type: "string", format: "date-time" }),
  date: () => ({ type: "string", pattern: "^[+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}$" }),
  bytes: () => BYTES,
  json: () => ({}),
};

/** The schema of a value in a request: an entity key, or a value of a pushed row. */
export function requestSchema(column: ColumnSpec): Schema {
  const type = scalarType(column, `column ${column.name}`);
  const schema = (requestSchemas[type] ?? answerSchemas[type])(column);
  const texts = [metadataOf(column)?.description, schema["description"]];
  const description = texts.filter((text) => text !== undefined).join("\n\n");
  return orNull(column, description === "" ? schema : { ...schema, description });
}

/** Values whose form in a request is wider than in an answer. */
const requestSchemas: Readonly<Partial<Record<ScalarType, (column: ColumnSpec) => Schema>>> = {
  int64: () => ({
    type: ["string", "integer"],
    pattern: INT64_PATTERN,
    minimum: exactBound("-9223372036854775808"),
    maximum: exactBound(LARGEST),
  }),
  decimal: ({ precision = 38, scale = 0 }) => ({
    type: "string",
    pattern:
      `^[+-]?[0-9]{1,${Math.max(precision - scale, 1)}}` +
      (scale === 0 ? "$" : `(?:\\.[0-9]{1,${scale}})?$`),
  }),
  timestamp: () => TIME,
  date: () => ({ type: "string", format: "date" }),
  float64: () => ({
    type: ["number", "string"],
    pattern: "^(?:NaN|-?Infinity)$",
    description: 'The strings "NaN", "Infinity" and "-Infinity" count as missing values',
  }),
};

/** The schema of a time in a request. The time may have any offset. */
export const TIME: Schema = {
  type: "string",
  format: "date-time",
  examples: ["2026-01-31T09:30:00.125Z"],
};

function withDescription(schema: Schema, description: string | undefined): Schema {
  return description === undefined ? schema : { ...schema, description };
}

/**
 * Makes the schema of an object. Every property is required unless `optional` lists it, and no
 * other property is allowed.
 */
export function objectOf(
  properties: { readonly [name: string]: Schema },
  optional: readonly string[] = [],
): Schema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

/** Makes the schema of an object that may have more properties. */
export function openObject(properties: { readonly [name: string]: Schema }): Schema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** Makes the schema of a list. */
export function listOf(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}
