/** Entity keys on the command line, as texts such as `user_id=4711`. */
import type { ColumnSpec, ValueType } from "@tidemark/core/spi";
import { keyFromText, toUser } from "@tidemark/core/internal";

/** The types whose values stay texts: a Date would lose the microseconds of a text. */
export const TIME_TYPES: ReadonlySet<ValueType> = new Set<ValueType>(["timestamp", "date"]);

/** Splits a text at its first "=". null: no column has the name before it. */
export function keyAndText<Column extends ColumnSpec>(
  given: string,
  columns: readonly Column[],
): { readonly column: Column; readonly text: string } | null {
  const at = given.indexOf("=");
  const name = given.slice(0, Math.max(0, at));
  const column = columns.find((one) => one.name === name);
  return column === undefined ? null : { column, text: given.slice(at + 1) };
}

/**
 * Reads a key from a text, as a value that the store's calls take.
 *
 * @throws KEY_INVALID when the text is no value of the key.
 */
export function userKey(column: ColumnSpec, text: string, location: () => string): unknown {
  const value = keyFromText(column, text, location);
  return TIME_TYPES.has(column.type) ? text : toUser(value, column);
}
