/** Converts between values as Tidemark holds them and values as users see them. */
import type { ErrorCode } from "../error-codes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { formatDate, parseDate } from "../time/parse-time.ts";
import { formatDecimal, parseDecimal } from "./decimal-text.ts";
import { described } from "./definition.ts";
import { timeOf } from "./time-input.ts";

/**
 * Converts a value to the column's type in TypeScript.
 *
 * @throws INT64_TOO_LARGE when an int64 of mode "number" lies beyond 2^53.
 *
 * @example
 * const { columns } = specOfSource(transactions);
 * const shown = toUser(5n, columns[0]!);
 */
export function toUser(value: Value, column: ColumnSpec): unknown {
  if (value === null) return null;
  switch (column.type) {
    case "int64": {
      if (column.mode !== "number") return value;
      const number = Number(value);
      if (!Number.isSafeInteger(number))
        throw new TidemarkError(
          "INT64_TOO_LARGE",
          `"${column.name}" is ${String(value)}, which a number cannot hold exactly; ` +
            'drop { mode: "number" } from its column',
        );
      return number;
    }
    case "decimal":
      return formatDecimal(value as bigint, column.scale ?? 0);
    case "timestamp":
      return column.mode === "micros"
        ? BigInt(value as number)
        : new Date(Math.floor((value as number) / 1000));
    case "date":
      return formatDate(value as number);
    case "json":
      return JSON.parse(value as string) as unknown;
    default:
      return value;
  }
}

/**
 * Converts a user's value to the form in which Tidemark holds it.
 * `who` begins the message of an error, and `code` is its code.
 *
 * @throws VALUE_INVALID when the input is no value of the column, unless `code` names another code.
 *
 * @example
 * const { columns } = specOfSource(transactions);
 * const value = fromUser("Hospital", columns[2]!, "vendor");
 */
export function fromUser(
  input: unknown,
  column: ColumnSpec,
  who: string,
  code: ErrorCode = "VALUE_INVALID",
): Value {
  if (input === null) {
    if (column.nullable) return null;
    throw new TidemarkError(code, `${who}: null is not allowed here; give ${expectedForm(column)}`);
  }
  switch (column.type) {
    case "string":
      // A lone surrogate has no UTF-8 bytes, so no adapter could store it.
      if (typeof input === "string" && !/\p{Surrogate}/u.test(input)) return input;
      break;
    case "boolean":
      if (typeof input === "boolean") return input;
      break;
    case "int32":
      if (typeof input === "number" && input === (input | 0)) return input | 0;
      break;
    case "int64": {
      if (typeof input === "number" && !Number.isSafeInteger(input)) break;
      if (typeof input !== "bigint" && typeof input !== "number") break;
      const big = BigInt(input);
      if (big === BigInt.asIntN(64, big)) return big;
      break;
    }
    case "float64":
      // No value is −0 (law 3: no output is −0).
      if (typeof input === "number" && Number.isFinite(input)) return input === 0 ? 0 : input;
      break;
    case "decimal": {
      const digits =
        typeof input === "string"
          ? parseDecimal(input, column.precision ?? 38, column.scale ?? 0)
          : null;
      if (digits !== null) return digits;
      break;
    }
    case "timestamp":
      if (
        typeof input === "bigint" &&
        column.mode === "micros" &&
        Number.isSafeInteger(Number(input))
      )
        return Number(input);
      return timeOf(input, who, code);
    case "date": {
      const days = typeof input === "string" ? parseDate(input) : null;
      if (days !== null && days === (days | 0)) return days;
      break;
    }
    case "bytes":
      if (input instanceof Uint8Array) return input;
      break;
    case "json": {
      const text = jsonText(input);
      if (text !== undefined) return text;
      break;
    }
  }
  throw new TidemarkError(code, `${who}: ${described(input)} is not ${expectedForm(column)}`);
}

function jsonText(input: unknown): string | undefined {
  try {
    return JSON.stringify(input) as string | undefined;
  } catch {
    return undefined; // A cycle, or a bigint.
  }
}

function expectedForm(column: ColumnSpec): string {
  switch (column.type) {
    case "string":
      return "a string (well-formed text)";
    case "int32":
      return "an int32 (a whole number of 32 bits)";
    case "int64":
      return "an int64 (a bigint, or a whole number up to 2^53)";
    case "float64":
      return "a float64 (a finite number)";
    case "decimal":
      return (
        `a decimal(${column.precision}, ${column.scale}) (a string such as "12.50", ` +
        "with no more digits than these)"
      );
    case "timestamp":
      return "a timestamp (a Date, an ISO string with a zone, or micros(n))";
    case "date":
      return 'a date ("YYYY-MM-DD", a day of the calendar)';
    case "bytes":
      return "a bytes value (a Uint8Array)";
    case "json":
      return "a json value (anything JSON.stringify takes)";
    case "boolean":
      return "a boolean";
  }
}
