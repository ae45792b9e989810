/** Converts the server's answers to the rows of a store's `getOnlineFeatures`. */
import type { ColumnSpec } from "@tidemark/core/spi";
import { dateIn, shapeMismatch, valueReader } from "./wire.ts";

/** The rows of an answer. */
export interface OnlineRows {
  /** The end of the windows, as an ISO string with six decimals of a second. */
  readonly asOf: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Converts an answer for `length` entities. */
export type AnswerReader = (answer: unknown, length: number) => OnlineRows;

/**
 * Makes a reader of answers with these columns, in this order.
 *
 * @throws DEFINITIONS_DIFFER from the reader when an answer does not fit the columns.
 */
export function answerReader(columns: readonly ColumnSpec[], metadata: boolean): AnswerReader {
  const readers = columns.map((column) => ({ name: column.name, read: valueReader(column) }));

  function rowOf(given: unknown): Record<string, unknown> {
    const members = objectIn(given, "a row");
    const row: Record<string, unknown> = {};
    for (const { name, read } of readers) {
      if (!Object.hasOwn(members, name)) throw shapeMismatch(`feature ${name} is missing`);
      row[name] = metadata ? withMetadata(members[name], name, read) : read(members[name]);
    }
    // the answer may have more features: the server's definition of a service may be newer
    return row;
  }

  return (answer, length) => {
    const { asOf, rows: given } = objectIn(answer, "the answer");
    if (typeof asOf !== "string" || !Array.isArray(given) || given.length !== length)
      throw shapeMismatch(
        `the answer has ${Array.isArray(given) ? given.length : "no"} rows for ${length} entities`,
      );
    return { asOf, rows: (given as readonly unknown[]).map(rowOf) };
  };
}

function withMetadata(given: unknown, name: string, read: (value: unknown) => unknown): unknown {
  const { value, status, eventTime } = objectIn(given, name);
  return { value: read(value), status, eventTime: dateIn(eventTime) };
}

function objectIn(given: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw shapeMismatch(`${what} is ${JSON.stringify(given)}`);
  return given as Readonly<Record<string, unknown>>;
}
