/** Reads how many rows or changes an answer has at most. */
import { bodyOf, requestInvalid, textIn, type Body } from "../request-body.ts";

/** The rows of an answer, unless the query says it. */
const DEFAULT_ROWS = 100;
/** The greatest value of `limit`. */
export const MOST_ROWS = 10_000;

/**
 * Reads the greatest number of rows.
 *
 * @throws REQUEST_INVALID when the query is wrong.
 */
export function rowLimit(query: unknown): number {
  return limitIn(bodyOf({ ...(query as object) }, ["limit"], "the query"));
}

/**
 * Reads the greatest number of rows from the members of a query.
 *
 * @throws REQUEST_INVALID when it is no number of rows.
 */
export function limitIn(given: Body): number {
  const text = textIn(given, "limit");
  if (text === undefined) return DEFAULT_ROWS;
  if (/^[0-9]{1,6}$/.test(text) && Number(text) <= MOST_ROWS) return Number(text);
  throw requestInvalid(`limit: give a whole number from 0 to ${MOST_ROWS}`);
}
