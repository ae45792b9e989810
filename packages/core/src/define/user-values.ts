/** Converts between values as Tidemark holds them and values as users see them. */
import type { ErrorCode } from "../error-codes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";
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
  return value === null ? null : typeOf(column).toUser(value, column, column.name);
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
  const type = typeOf(column);
  if (input !== null) {
    const value = type.fromUser(input, column, (time) => timeOf(time, who, code));
    if (value !== undefined) return value;
    throw new TidemarkError(code, `${who}: ${described(input)} is not ${type.expected(column)}`);
  }
  if (column.nullable) return null;
  throw new TidemarkError(code, `${who}: null is not allowed here; give ${type.expected(column)}`);
}
