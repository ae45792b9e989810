/**
 * Reads the value of a declared column from the JSON of a message. The column's value type and the
 * message's schema, if it has one, choose the reader.
 */
import { wellFormedText } from "../../bytes/utf8.ts";
import type { ScalarType } from "../../specs.ts";
import { scalarType } from "../../types/value-types.ts";
import { bytesReader } from "./bytes-reader.ts";
import {
  type Decimal,
  decimalNumber,
  decimalOfText,
  decimalText,
  fitDecimal,
  isSpecial,
  wholeNumber,
} from "../values/decimal.ts";
import { Failure, NON_FINITE, WITHOUT_SCALE } from "../values/failure.ts";
import { FALSE, isJson, NUMBER, OBJECT, copiedText, TRUE } from "./json-text.ts";
import { isDecimalSchema, numericReader } from "./numeric.ts";
import { dateReader, timeReader } from "./time-reader.ts";
import type { ColumnContext } from "./column-context.ts";
import type { ReaderOptions, ValueReader } from "./value-reader.ts";

const NOT_A_BOOLEAN = new Failure("NOT_A_BOOLEAN");
const NOT_AN_INTEGER = new Failure("NOT_AN_INTEGER");
const INTEGER_OUT_OF_RANGE = new Failure("INTEGER_OUT_OF_RANGE");
const NOT_A_NUMBER = new Failure("NOT_A_NUMBER");
const NUMBER_OUT_OF_RANGE = new Failure("NUMBER_OUT_OF_RANGE");
const NOT_JSON = new Failure("NOT_JSON");

const INT32_LIMIT = 2n ** 31n;
const INT64_LIMIT = 2n ** 63n;

/** Makes the reader of a column by its value type. */
export function columnReader(options: ReaderOptions): ValueReader {
  const { column } = options;
  return readers[scalarType(column, `column "${column.name}"`)](options);
}

const readers: Readonly<Record<ScalarType, (options: ReaderOptions) => ValueReader>> = {
  string: textReader,
  json: jsonReader,
  boolean: () => booleanReader,
  int32: integerReader,
  int64: integerReader,
  float64: floatReader,
  decimal: decimalReader,
  timestamp: timeReader,
  date: dateReader,
  bytes: bytesReader,
};

/**
 * Reads text as it is, and a decimal as PostgreSQL prints it. Anything else, such as an array or a
 * number, stays the JSON text of the message.
 */
function textReader(options: ReaderOptions): ValueReader {
  const numeric = numericReader(options);
  const { field } = options;
  // Only a schema tells a decimal in base64 from other bytes, such as a bytea or a bit(n). Their
  // base64 is text like any other.
  const decimals = field?.type === "bytes" && isDecimalSchema(field);
  const objects = field === null || isDecimalSchema(field);
  return (row, i) => {
    const text = row.isString(i);
    if (text ? decimals : objects && row.kind(i) === OBJECT) {
      const decimal = numeric(row, i);
      if (!(decimal instanceof Failure)) return decimalText(decimal);
      if (text) return decimal;
    }
    return wellFormed(text ? row.string(i) : copiedText(row.raw(i)), options.context);
  };
}

function jsonReader({ context }: ReaderOptions): ValueReader {
  return (row, i) => {
    if (!row.isString(i)) return wellFormed(copiedText(row.raw(i)), context);
    const text = row.string(i);
    return isJson(text) ? wellFormed(text, context) : NOT_JSON;
  };
}

/** Replaces halves of surrogate pairs, and counts the text. */
function wellFormed(text: string, { row }: ColumnContext): string {
  const result = wellFormedText(text);
  if (result !== text) row.halfPairs++;
  return result;
}

const booleanReader: ValueReader = (row, i) => {
  const kind = row.kind(i);
  if (kind === TRUE) return true;
  if (kind === FALSE) return false;
  const raw = row.raw(i);
  return kind === NUMBER && (raw === "0" || raw === "1") ? raw === "1" : NOT_A_BOOLEAN;
};

function integerReader(options: ReaderOptions): ValueReader {
  const wide = options.column.type === "int64";
  const limit = wide ? INT64_LIMIT : INT32_LIMIT;
  const numeric = numericReader(options);
  return (row, i) => {
    if (row.kind(i) === NUMBER) {
      const raw = row.raw(i);
      const number = Number(raw);
      // A safe integer prints the digits of the message. All others are read exactly below.
      if (Number.isSafeInteger(number) && String(number) === raw) {
        if (wide) return BigInt(number);
        return number === (number | 0) ? number : INTEGER_OUT_OF_RANGE;
      }
    }
    const decimal = numeric(row, i);
    if (decimal instanceof Failure) return failureOf(decimal, NOT_AN_INTEGER);
    const integer = wholeNumber(decimal);
    if (integer === null) return NOT_AN_INTEGER;
    if (integer >= limit || integer < -limit) return INTEGER_OUT_OF_RANGE;
    return wide ? integer : Number(integer);
  };
}

/** The column's own failure, with the message of the decimal's. */
function failureOf(decimal: Failure, own: Failure): Failure {
  if (decimal === WITHOUT_SCALE) return decimal;
  return decimal.message === undefined ? own : new Failure(own.reason, decimal.message);
}

function floatReader(options: ReaderOptions): ValueReader {
  const numeric = numericReader(options);
  let told = false;
  const tellLoss = (raw: string): void => {
    told = true;
    warnOfDigits(options, raw);
  };
  return (row, i) => {
    let number: number;
    if (row.kind(i) === NUMBER) {
      const raw = row.raw(i);
      number = Number(raw);
      if (!told && raw.length > DOUBLE_DIGITS && numberLosesDigits(raw, number)) tellLoss(raw);
    } else {
      if (row.isString(i) && isSpecial(row.string(i))) return NON_FINITE;
      const decimal = numeric(row, i);
      if (decimal instanceof Failure) return failureOf(decimal, NOT_A_NUMBER);
      number = decimalNumber(decimal);
      if (!told && losesDigits(decimal, number)) tellLoss(row.raw(i));
    }
    return Number.isFinite(number) ? number : NUMBER_OUT_OF_RANGE;
  };
}

/** The digits that every double keeps. */
const DOUBLE_DIGITS = 15;
/** The most digits that a writer prints of a double. More come from no double. */
const MAX_DOUBLE_DIGITS = 17;

/** Whether a JSON number is no double: a whole number, or one with more digits. */
function numberLosesDigits(raw: string, number: number): boolean {
  if (!Number.isFinite(number)) return false;
  if (/^-?\d+$/.test(raw)) return BigInt(raw) !== BigInt(number);
  const digits =
    /^-?0*([\d.]+)/
      .exec(raw)?.[1]
      ?.replace(".", "")
      .replace(/^0+|0+$/g, "") ?? "";
  return digits.length > MAX_DOUBLE_DIGITS;
}

/** Whether the double nearest to the decimal prints other digits. */
function losesDigits(decimal: Decimal, number: number): boolean {
  const { unscaled } = decimal;
  if (!Number.isFinite(number) || (unscaled < SAFE_UNSCALED && unscaled > -SAFE_UNSCALED))
    return false;
  const nearest = decimalOfText(String(number));
  if (nearest instanceof Failure) return false;
  const scale = Math.max(nearest.scale, decimal.scale);
  const at = (one: Decimal): bigint => one.unscaled * 10n ** BigInt(scale - one.scale);
  return at(nearest) !== at(decimal);
}

/** A decimal of at most 15 digits is a double without a loss. */
const SAFE_UNSCALED = 10n ** BigInt(DOUBLE_DIGITS);
/** The longest value in a warning, in characters. */
const EXAMPLE_LIMIT = 80;

function warnOfDigits({ column, warn }: ReaderOptions, raw: string): void {
  const value = raw.length <= EXAMPLE_LIMIT ? raw : `${raw.slice(0, EXAMPLE_LIMIT)}…`;
  warn(
    "DIGITS_LOST",
    `column "${column.database}" is declared as float64, and its value ${value} has more digits ` +
      `than a float64 keeps: declare decimal("${column.database}", { precision, scale }), or ` +
      "int64()",
  );
}

function decimalReader(options: ReaderOptions): ValueReader {
  const scale = options.column.scale ?? 0;
  const limit = 10n ** BigInt(options.column.precision ?? 38);
  const numeric = numericReader(options);
  return (row, i) => {
    const decimal = numeric(row, i);
    return decimal instanceof Failure ? decimal : fitDecimal(decimal, scale, limit);
  };
}
