/** Makes the JSON Schemas of values and objects. OpenAPI 3.1 uses JSON Schema 2020-12. */
import type { ColumnSpec } from "@tidemark/core/spi";

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
  const schema = withDescription(answerTypeSchema(column), description);
  if (!column.nullable || schema["type"] === undefined) return schema;
  const types = schema["type"] as string | readonly string[];
  return { ...schema, type: [...(typeof types === "string" ? [types] : types), "null"] };
}

function answerTypeSchema(column: ColumnSpec): Schema {
  switch (column.type) {
    case "string":
      return { type: "string" };
    case "boolean":
      return { type: "boolean" };
    case "int32":
      return INT32;
    case "int64":
      return column.mode === "number"
        ? { type: "integer" }
        : { type: ["string", "integer"], pattern: INT64_PATTERN };
    case "float64":
      return { type: "number" };
    case "decimal":
      return {
        type: "string",
        pattern: `^-?[0-9]+${column.scale === 0 ? "" : `\\.[0-9]{${column.scale}}`}$`,
      };
    case "timestamp":
      return { type: "string", format: "date-time" };
    case "date":
      return { type: "string", pattern: "^[+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}$" };
    case "bytes":
      return BYTES;
    case "json":
      return {};
  }
}

/** The schema of a value in a request: an entity key, or a value of a pushed row. */
export function requestSchema(column: ColumnSpec): Schema {
  const schema = requestTypeSchema(column);
  if (!column.nullable || schema["type"] === undefined) return schema;
  const types = schema["type"] as string | readonly string[];
  return { ...schema, type: [...(typeof types === "string" ? [types] : types), "null"] };
}

function requestTypeSchema(column: ColumnSpec): Schema {
  switch (column.type) {
    case "int64":
      return {
        type: ["string", "integer"],
        pattern: INT64_PATTERN,
        minimum: exactBound("-9223372036854775808"),
        maximum: exactBound(LARGEST),
      };
    case "decimal": {
      const { precision = 38, scale = 0 } = column;
      return {
        type: "string",
        pattern:
          `^[+-]?[0-9]{1,${Math.max(precision - scale, 1)}}` +
          (scale === 0 ? "$" : `(?:\\.[0-9]{1,${scale}})?$`),
      };
    }
    case "timestamp":
      return TIME;
    case "date":
      return { type: "string", format: "date" };
    case "float64":
      return {
        type: ["number", "string"],
        pattern: "^(?:NaN|-?Infinity)$",
        description: 'The strings "NaN", "Infinity" and "-Infinity" count as missing values',
      };
    default:
      return answerTypeSchema(column);
  }
}

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

/** Makes the schema of a list. */
export function listOf(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}
