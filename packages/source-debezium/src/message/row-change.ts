/** Makes a change from a row of JavaScript values, for decoders of a user's own messages. */
import {
  parseDate,
  parseTime,
  type Change,
  type ColumnSpec,
  type InvalidColumn,
  type SourceSpec,
  type Value,
} from "@tidemark/core/spi";
import { decimalOfText, fitDecimal, wholeNumber } from "../values/decimal.ts";
import { Failure, NON_FINITE } from "../values/failure.ts";
import { type KafkaMessage, partitionName } from "./kafka-message.ts";

/** What a message says of one row. */
export interface RowChangeInput {
  /** Whether the message sets the row or deletes it; default `"upsert"`. */
  readonly kind?: "upsert" | "delete" | undefined;
  /**
   * The row: JSON values by the column's name in the definitions. An int64 or a decimal may be
   * text, so that no digit is lost. A timestamp is text or a `Date`, never a bare number. A delete
   * needs only the primary key.
   */
  readonly row: unknown;
  /**
   * The log order of the change, below 2⁵⁶. Without it, the offset orders the changes of a
   * partition, and the table must have one partition.
   */
  readonly order?: bigint | null | undefined;
  /** Commit time, µs. The default is the last microsecond of the message's timestamp. */
  readonly committed?: number | null | undefined;
}

const NONE: readonly never[] = [];
const NOT_A_BOOLEAN = new Failure("NOT_A_BOOLEAN");
const NOT_AN_INTEGER = new Failure("NOT_AN_INTEGER");
const INTEGER_OUT_OF_RANGE = new Failure("INTEGER_OUT_OF_RANGE");
const NOT_A_NUMBER = new Failure("NOT_A_NUMBER");
const NOT_A_DECIMAL = new Failure("NOT_A_DECIMAL");
const NOT_A_TIME = new Failure("NOT_A_TIME");
const NOT_A_DATE = new Failure("NOT_A_DATE");
const NOT_BYTES = new Failure("NOT_BYTES");
const NOT_JSON = new Failure("NOT_JSON");

const INT32_LIMIT = 2n ** 31n;
const INT64_LIMIT = 2n ** 63n;

/**
 * Makes the change of one row of `source`. Topic, partition, offset and timestamp come from the
 * message. A value that is not of its column's type is missing, and the column is listed as
 * invalid. A row without a readable primary key is quarantined as `KEY_UNREADABLE`.
 *
 * @example
 * rowChange(payments, message, { row: { id: "17", amount: "12.50", at: "2025-06-14T09:30:00Z" } });
 */
export function rowChange(
  source: SourceSpec,
  message: KafkaMessage,
  { kind = "upsert", row, order = null, committed }: RowChangeInput,
): Change {
  const { topic, partition, offset, timestamp } = message;
  const values: Value[] = source.columns.map(() => null);
  const invalidColumns: InvalidColumn[] = [];
  let nonFinite = 0;
  const members = typeof row === "object" && row !== null ? new Map(Object.entries(row)) : null;
  for (const [c, column] of source.columns.entries()) {
    const isKey = source.primaryKey.includes(column.name);
    if (kind === "delete" && !isKey) continue;
    const input: unknown = members?.get(column.name) ?? null;
    const value = input === null ? null : columnValue(input, column);
    if (value === NON_FINITE) nonFinite++;
    else if (value instanceof Failure)
      invalidColumns.push({ column: column.name, reason: value.reason });
    else if (value !== null) values[c] = value;
    else if (!column.nullable) {
      const reason = members?.has(column.name) === true ? "NULL_NOT_ALLOWED" : "COLUMN_ABSENT";
      invalidColumns.push({ column: column.name, reason });
    }
  }
  const hasKey = source.columns.every(
    ({ name }, c) => !source.primaryKey.includes(name) || values[c] !== null,
  );
  return {
    source: source.name,
    topic,
    partition,
    offset,
    kind: hasKey ? kind : "none",
    values: hasKey ? values : null,
    oldKey: null,
    unavailable: NONE,
    invalidColumns: hasKey ? invalidColumns : NONE,
    undecodable: hasKey
      ? null
      : {
          reason: "KEY_UNREADABLE",
          message: `${partitionName(message)}, offset ${offset}: no primary key can be read`,
        },
    nonFinite: hasKey ? nonFinite : 0,
    order,
    committed: committed ?? (timestamp === null ? null : timestamp * 1000 + 999),
    snapshot: false,
    op: kind === "delete" ? "d" : "u",
    timestamp,
    transaction: null,
    extra: null,
  };
}

function columnValue(input: unknown, column: ColumnSpec): Value | Failure {
  switch (column.type) {
    case "string":
      if (typeof input === "string") return input;
      return typeof input === "object" ? jsonText(input) : String(input as number);
    case "json":
      return jsonText(input);
    case "boolean":
      return typeof input === "boolean" ? input : NOT_A_BOOLEAN;
    case "int32":
      return integerValue(input, INT32_LIMIT, (whole) => Number(whole));
    case "int64":
      return integerValue(input, INT64_LIMIT, (whole) => whole);
    case "float64":
      if (typeof input !== "number") return NOT_A_NUMBER;
      return Number.isFinite(input) ? input + 0 : NON_FINITE;
    case "decimal":
      return decimalValue(input, column);
    case "timestamp":
      return timeValue(input, column);
    case "date":
      return (typeof input === "string" ? parseDate(input) : null) ?? NOT_A_DATE;
    case "bytes":
      return input instanceof Uint8Array ? input : NOT_BYTES;
  }
}

function jsonText(input: unknown): string | Failure {
  const text: unknown = JSON.stringify(input);
  return typeof text === "string" ? text : NOT_JSON;
}

function integerValue(
  input: unknown,
  limit: bigint,
  convert: (whole: bigint) => number | bigint,
): Value | Failure {
  let whole: bigint | null = null;
  if (typeof input === "bigint") whole = input;
  else if (typeof input === "number") whole = Number.isSafeInteger(input) ? BigInt(input) : null;
  else if (typeof input === "string") {
    const read = decimalOfText(input);
    whole = read instanceof Failure ? null : wholeNumber(read);
  }
  if (whole === null) return NOT_AN_INTEGER;
  return whole < -limit || whole >= limit ? INTEGER_OUT_OF_RANGE : convert(whole);
}

function decimalValue(input: unknown, column: ColumnSpec): Value | Failure {
  if (typeof input !== "string" && typeof input !== "number") return NOT_A_DECIMAL;
  const read = decimalOfText(String(input));
  const limit = 10n ** BigInt(column.precision ?? 38);
  return read instanceof Failure ? read : fitDecimal(read, column.scale ?? 0, limit);
}

function timeValue(input: unknown, column: ColumnSpec): Value | Failure {
  if (input instanceof Date) {
    const millis = input.getTime();
    return Number.isNaN(millis) ? NOT_A_TIME : millis * 1000 + 0;
  }
  return (typeof input === "string" ? parseTime(input, column.zone ?? null) : null) ?? NOT_A_TIME;
}
