/** Converts values of each value type to the JSON of Feast's clients, and from it. */
import { formatDate, formatTime, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { fromBase64, toBase64, toUser } from "@tidemark/core/internal";

const DIGITS = /^[+-]?\d{1,20}$/;

/**
 * Converts JSON to an entity key. The text "1" becomes the number 1 if the key is an integer. A
 * value that does not fit stays unchanged, and the store refuses the value.
 */
export function keyFrom(given: unknown, { type }: ColumnSpec): unknown {
  switch (type) {
    case "int64":
      return typeof given === "string" && DIGITS.test(given) ? BigInt(given) : given;
    case "int32":
      return typeof given === "string" && DIGITS.test(given) ? Number(given) : given;
    case "decimal":
      return decimalFrom(given);
    case "bytes":
      return typeof given === "string" ? (fromBase64(given) ?? given) : given;
    default:
      return given;
  }
}

/**
 * Converts a JSON number to a decimal. A double keeps 15 digits of a decimal. A number with more
 * digits stays unchanged, and the store refuses the number.
 */
export function decimalFrom(given: unknown): unknown {
  if (typeof given === "bigint") return String(given);
  if (typeof given !== "number") return given;
  const text = String(given);
  return /^-?[\d.]+$/.test(text) && text.replace(/\D/g, "").replace(/^0+/, "").length <= 15
    ? text
    : given;
}

/** Writes an entity key of the answer. */
export function keyText(key: unknown, { type }: ColumnSpec): string {
  if (type === "bytes") return `"${toBase64(key as Uint8Array)}"`;
  return typeof key === "bigint" ? String(key) : JSON.stringify(key);
}

/** Converts a value to JSON text. */
export type ValueText = (value: Exclude<Value, null>) => string;

/**
 * Makes a writer of the column's values. An int64 becomes a JSON number with all its digits. A
 * float64 always has a decimal point or an exponent, as in Python.
 */
export function valueText(column: ColumnSpec): ValueText {
  switch (column.type) {
    case "string":
    case "json":
      return (value) => JSON.stringify(value);
    case "float64":
      return (value) => floatText(value as number);
    case "decimal":
      return (value) => `"${String(toUser(value, column))}"`;
    case "timestamp":
      return (value) => String(Math.floor((value as number) / 1e6));
    case "date":
      return (value) => `"${formatDate(value as number)}"`;
    case "bytes":
      return (value) => `"${toBase64(value as Uint8Array)}"`;
    default:
      return String;
  }
}

function floatText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

/** Writes a time as RFC 3339 with no, three or six digits of a second. */
export function timeText(micros: number): string {
  const text = formatTime(micros);
  if (!text.endsWith("000Z")) return text;
  return text.endsWith("000000Z") ? `${text.slice(0, -8)}Z` : `${text.slice(0, -4)}Z`;
}
