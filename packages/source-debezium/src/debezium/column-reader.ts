/**
 * Reads the value of a declared column from the JSON of a message. The column's value type and the
 * message's schema, if it has one, choose the reader.
 */
import { parseDate, parseTime, type Value } from "@tidemark/core/spi";
import type { ConnectField } from "./connect-schema.ts";
import {
  decimalNumber,
  decimalText,
  fitDecimal,
  isBase64,
  isSpecial,
  wholeNumber,
} from "../values/decimal.ts";
import { Failure, NON_FINITE, WITHOUT_SCALE } from "../values/failure.ts";
import { FALSE, isJson, type JsonMembers, NUMBER, OBJECT, copiedText, TRUE } from "./json-text.ts";
import { type NumericOptions, numericReader } from "./numeric.ts";

/** Reads the value of member `i`. The member is not null. */
export type ValueReader = (row: JsonMembers, i: number) => Value | Failure;

/** The unit of a number in a timestamp column, where no schema gives it. */
export type TimeUnit = "ns" | "us" | "ms" | "days";

export interface ReaderOptions extends NumericOptions {
  /** The unit of a timestamp without a schema. */
  readonly unit: TimeUnit;
}

const NOT_A_BOOLEAN = new Failure("NOT_A_BOOLEAN");
const NOT_AN_INTEGER = new Failure("NOT_AN_INTEGER");
const INTEGER_OUT_OF_RANGE = new Failure("INTEGER_OUT_OF_RANGE");
const NOT_A_NUMBER = new Failure("NOT_A_NUMBER");
const NUMBER_OUT_OF_RANGE = new Failure("NUMBER_OUT_OF_RANGE");
const NOT_A_TIME = new Failure("NOT_A_TIME");
const TIME_INFINITE = new Failure("TIME_INFINITE");
const TIME_OUT_OF_RANGE = new Failure("TIME_OUT_OF_RANGE");
const NOT_A_DATE = new Failure("NOT_A_DATE");
const NOT_BYTES = new Failure("NOT_BYTES");
const NOT_JSON = new Failure("NOT_JSON");

/**
 * PostgreSQL's infinity and −infinity, as µs and as ms in a timestamp. In a date they overflow the
 * int32 of the days.
 */
const INFINITE_TIMES = new Set([
  "9223372036825200000",
  "-9223372036832400000",
  "9223372036825200",
  "-9223372036832400",
]);
const INFINITE_DAYS = new Set(["-2147472692", "-2147472691"]);
const INFINITE_TEXT = /^[+-]?infinity$/;

const TIME_LIMIT = 2 ** 53;
const INT32_LIMIT = 2n ** 31n;
const INT64_LIMIT = 2n ** 63n;

/** Makes the reader of a column by its value type. */
export function columnReader(options: ReaderOptions): ValueReader {
  switch (options.column.type) {
    case "string":
      return textReader(options);
    case "json":
      return jsonReader;
    case "boolean":
      return booleanReader;
    case "int32":
    case "int64":
      return integerReader(options);
    case "float64":
      return floatReader(options);
    case "decimal":
      return decimalReader(options);
    case "timestamp":
      return timeReader(options);
    case "date":
      return dateReader(options);
    case "bytes":
      return bytesReader;
  }
}

/**
 * Reads text as it is, and a decimal as PostgreSQL prints it. Anything else, such as an array or a
 * number, stays the JSON text of the message.
 */
function textReader(options: ReaderOptions): ValueReader {
  const numeric = numericReader(options);
  // A bytea has no name in the schema. Its base64 is text like any other.
  const decimals = options.field?.type === "bytes" && options.field.name !== null;
  return (row, i) => {
    const text = row.isString(i);
    if (text ? decimals : row.kind(i) === OBJECT) {
      const decimal = numeric(row, i);
      if (!(decimal instanceof Failure)) return decimalText(decimal);
      if (text) return decimal;
    }
    return text ? row.string(i) : copiedText(row.raw(i));
  };
}

const jsonReader: ValueReader = (row, i) => {
  if (!row.isString(i)) return copiedText(row.raw(i));
  const text = row.string(i);
  return isJson(text) ? text : NOT_JSON;
};

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
    if (decimal instanceof Failure) return decimal === WITHOUT_SCALE ? decimal : NOT_AN_INTEGER;
    const integer = wholeNumber(decimal);
    if (integer === null) return NOT_AN_INTEGER;
    if (integer >= limit || integer < -limit) return INTEGER_OUT_OF_RANGE;
    return wide ? integer : Number(integer);
  };
}

function floatReader(options: ReaderOptions): ValueReader {
  const numeric = numericReader(options);
  return (row, i) => {
    let number: number;
    if (row.kind(i) === NUMBER) number = Number(row.raw(i));
    else {
      if (row.isString(i) && isSpecial(row.string(i))) return NON_FINITE;
      const decimal = numeric(row, i);
      if (decimal instanceof Failure) return decimal === WITHOUT_SCALE ? decimal : NOT_A_NUMBER;
      number = decimalNumber(decimal);
    }
    return Number.isFinite(number) ? number : NUMBER_OUT_OF_RANGE;
  };
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

function timeReader({ column, field, unit }: ReaderOptions): ValueReader {
  const zone = column.zone ?? null;
  const timeUnit = unitOf(field) ?? unit;
  return (row, i) => {
    if (row.isString(i)) {
      const text = row.string(i);
      return parseTime(text, zone) ?? (INFINITE_TEXT.test(text) ? TIME_INFINITE : NOT_A_TIME);
    }
    if (row.kind(i) !== NUMBER) return NOT_A_TIME;
    const raw = row.raw(i);
    if (!/^-?\d+$/.test(raw)) return NOT_A_TIME;
    if (timeUnit === "ns") {
      const nanos = BigInt(raw);
      return inRange(Number((nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n));
    }
    if (INFINITE_TIMES.has(raw)) return TIME_INFINITE;
    if (timeUnit === "days" && INFINITE_DAYS.has(raw)) return TIME_INFINITE;
    // A number beyond 2^53 stays beyond 2^53 when it loses its last digits, so the check is right.
    return inRange(
      Number(raw) * (timeUnit === "us" ? 1 : timeUnit === "ms" ? 1_000 : 86_400_000_000),
    );
  };
}

const inRange = (micros: number): number | Failure =>
  micros > -TIME_LIMIT && micros < TIME_LIMIT ? micros + 0 : TIME_OUT_OF_RANGE;

function unitOf(field: ConnectField | null): TimeUnit | null {
  switch (field?.name) {
    case "io.debezium.time.Timestamp":
    case "org.apache.kafka.connect.data.Timestamp":
      return "ms";
    case "io.debezium.time.MicroTimestamp":
      return "us";
    case "io.debezium.time.NanoTimestamp":
      return "ns";
    case "io.debezium.time.Date":
    case "org.apache.kafka.connect.data.Date":
      return "days";
    default:
      return null;
  }
}

function dateReader({ field }: ReaderOptions): ValueReader {
  const timeUnit = unitOf(field) ?? "days";
  return (row, i) => {
    if (row.isString(i)) {
      const text = row.string(i);
      return (
        parseDate(text.endsWith("Z") ? text.slice(0, -1) : text) ??
        (INFINITE_TEXT.test(text) ? TIME_INFINITE : NOT_A_DATE)
      );
    }
    const raw = row.raw(i);
    if (row.kind(i) !== NUMBER || timeUnit !== "days" || !/^-?\d+$/.test(raw)) return NOT_A_DATE;
    if (INFINITE_DAYS.has(raw)) return TIME_INFINITE;
    const days = Number(raw);
    return days === (days | 0) ? days + 0 : TIME_OUT_OF_RANGE;
  };
}

const bytesReader: ValueReader = (row, i) => {
  if (!row.isString(i)) return NOT_BYTES;
  const text = row.string(i);
  return text === "" || isBase64(text) ? new Uint8Array(Buffer.from(text, "base64")) : NOT_BYTES;
};
