/** Reads the columns of a row of JavaScript values, as JSON holds them. */
import { wellFormedText } from "../bytes/utf8.ts";
import type { ColumnSpec, ScalarType, SourceSpec, Value } from "../specs.ts";
import type { InvalidColumn } from "../spi.ts";
import { parseDate, parseTime } from "../time/parse-time.ts";
import { absentColumn } from "./values/absent-column.ts";
import { bytesOfText } from "./values/bytes-text.ts";
import { decimalOfText, fitDecimal, wholeNumber } from "./values/decimal.ts";
import { Failure, NON_FINITE } from "./values/failure.ts";

/** The declared columns of a row. */
export interface ValueRow {
  readonly values: Value[];
  readonly invalidColumns: readonly InvalidColumn[];
  /** Nullable columns that the row does not have. */
  readonly absentColumns: readonly InvalidColumn[];
  /** How many values are NaN or infinite. */
  readonly nonFinite: number;
  /** Whether every column of the primary key has a value. */
  readonly hasKey: boolean;
}

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
 * Reads the declared columns from members by the columns' names in the definitions. A value that is
 * not of its column's type is missing, and the column is invalid. A delete needs the primary key
 * only.
 */
export function readValueRow(
  source: SourceSpec,
  members: ReadonlyMap<string, unknown> | null,
  kind: "upsert" | "delete",
): ValueRow {
  const values: Value[] = source.columns.map(() => null);
  const invalidColumns: InvalidColumn[] = [];
  const absentColumns: InvalidColumn[] = [];
  const absent: ColumnSpec[] = [];
  let nonFinite = 0;
  for (const [c, column] of source.columns.entries()) {
    const isKey = source.primaryKey.includes(column.name);
    if (kind === "delete" && !isKey) continue;
    const input: unknown = members?.get(column.name) ?? null;
    const value = input === null ? null : columnValue(input, column);
    if (value === NON_FINITE) nonFinite++;
    else if (value instanceof Failure)
      invalidColumns.push({ column: column.name, reason: value.reason });
    else if (value !== null) values[c] = value;
    else if (members?.has(column.name) !== true) absent.push(column);
    else if (!column.nullable)
      invalidColumns.push({ column: column.name, reason: "NULL_NOT_ALLOWED" });
  }
  if (absent.length > 0) {
    const declared = new Set(source.columns.map(({ name }) => name));
    const others = [...(members?.keys() ?? [])].filter((name) => !declared.has(name));
    for (const { name, nullable } of absent) {
      // A nullable column may be left out, unless the row has one that is spelled alike.
      const { text, otherSpelling } = absentColumn(name, others, { seen: false, schema: false });
      if (otherSpelling)
        invalidColumns.push({ column: name, reason: "COLUMN_ABSENT", message: text });
      else if (!nullable) invalidColumns.push({ column: name, reason: "COLUMN_ABSENT" });
      else absentColumns.push({ column: name, reason: "COLUMN_ABSENT", message: text });
    }
  }
  const hasKey = source.columns.every(
    ({ name }, c) => !source.primaryKey.includes(name) || values[c] !== null,
  );
  return { values, invalidColumns, absentColumns, nonFinite, hasKey };
}

/** Reads one value. It is not null. Columns of sources have no parts. */
export function columnValue(input: unknown, column: ColumnSpec): Value | Failure {
  return readers[column.type as ScalarType](input, column);
}

const readers: Readonly<
  Record<ScalarType, (input: unknown, column: ColumnSpec) => Value | Failure>
> = {
  string(input) {
    if (typeof input === "string") return wellFormedText(input);
    return typeof input === "object" ? jsonText(input) : String(input as number);
  },
  json: jsonText,
  boolean: (input) => (typeof input === "boolean" ? input : NOT_A_BOOLEAN),
  int32: (input) => integerValue(input, INT32_LIMIT, Number),
  int64: (input) => integerValue(input, INT64_LIMIT, (whole) => whole),
  float64(input) {
    if (typeof input !== "number") return NOT_A_NUMBER;
    return Number.isFinite(input) ? input + 0 : NON_FINITE;
  },
  decimal: decimalValue,
  timestamp: timeValue,
  date: (input) => (typeof input === "string" ? parseDate(input) : null) ?? NOT_A_DATE,
  bytes: bytesValue,
};

/** Takes bytes, and a text where the definition declares its encoding. */
function bytesValue(input: unknown, { encoding }: ColumnSpec): Value | Failure {
  if (input instanceof Uint8Array) return input;
  if (typeof input !== "string" || encoding === undefined) return NOT_BYTES;
  return bytesOfText(input, encoding) ?? NOT_BYTES;
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
  if (typeof input !== "string" && typeof input !== "number" && typeof input !== "bigint")
    return NOT_A_DECIMAL;
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
