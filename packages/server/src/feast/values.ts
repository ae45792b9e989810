/** Converts values of each value type to the JSON of Feast's clients, and from it. */
import {
  formatTime,
  type ColumnSpec,
  type TypeSpec,
  type Value,
  type ValueType,
} from "@tidemark/core/spi";
import { fromBase64, toBase64, typeOf } from "@tidemark/core/internal";

const DIGITS = /^[+-]?\d{1,20}$/;

/**
 * Converts JSON to an entity key. The text "1" becomes the number 1 if the key is an integer. A
 * value that does not fit stays unchanged, and the store refuses the value.
 */
export function keyFrom(given: unknown, { type }: ColumnSpec): unknown {
  const read = keyReaders[type];
  return read === undefined ? given : read(given);
}

const keyReaders: Readonly<Partial<Record<ValueType, (given: unknown) => unknown>>> = {
  int64: (given) => (typeof given === "string" && DIGITS.test(given) ? BigInt(given) : given),
  int32: (given) => (typeof given === "string" && DIGITS.test(given) ? Number(given) : given),
  decimal: decimalFrom,
  bytes: bytesFrom,
};

/** Decodes base64. Anything else stays unchanged. */
export function bytesFrom(given: unknown): unknown {
  return typeof given === "string" ? (fromBase64(given) ?? given) : given;
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
 * float64 always has a decimal point or an exponent, as in Python. A list of scalars becomes a
 * JSON array. Maps, structs and other lists become a string of JSON text.
 */
export function valueText(column: ColumnSpec): ValueText {
  return feastText(column) ?? typeOf(column).jsonText(column, feastText);
}

/** Feast has lists of values that are there. Other values with parts are JSON text. */
function feastText(spec: TypeSpec): ValueText | undefined {
  if (spec.type === "list" && isFeastList(spec)) return undefined;
  if (spec.type !== "list" && spec.type !== "map" && spec.type !== "struct")
    return feastTexts[spec.type];
  const text = typeOf(spec).jsonText(spec);
  return (value) => JSON.stringify(text(value));
}

function isFeastList({ element }: TypeSpec): boolean {
  const { type, nullable } = element!;
  return !nullable && type !== "list" && type !== "map" && type !== "struct";
}

/** The values that Feast writes in another way than our own API. */
const feastTexts: Readonly<Partial<Record<ValueType, ValueText>>> = {
  json: (value) => JSON.stringify(value),
  float64: (value) => floatText(value as number),
  timestamp: (value) => String(Math.floor((value as number) / 1e6)),
};

function floatText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

/** Writes a time as RFC 3339 with no, three or six digits of a second. */
export function timeText(micros: number): string {
  const text = formatTime(micros);
  if (!text.endsWith("000Z")) return text;
  return text.endsWith("000000Z") ? `${text.slice(0, -8)}Z` : `${text.slice(0, -4)}Z`;
}
