/** Reads the query of `GET /v1/quarantine/{source}`, and masks the rows of its answer. */
import type { QuarantinedRow } from "@tidemark/core";
import { maskedKey } from "@tidemark/core/internal";
import type { SourceSpec } from "@tidemark/core/spi";
import { bodyOf, requestInvalid, textIn } from "../request-body.ts";

/** The rows of an answer, unless the query says it. */
const DEFAULT_ROWS = 100;
/** The greatest value of `limit`. */
export const MOST_QUARANTINED = 10_000;

/**
 * Reads the greatest number of rows.
 *
 * @throws REQUEST_INVALID when the query is wrong.
 */
export function quarantineLimit(query: unknown): number {
  const text = textIn(bodyOf({ ...(query as object) }, ["limit"], "the query"), "limit");
  if (text === undefined) return DEFAULT_ROWS;
  if (/^[0-9]{1,6}$/.test(text) && Number(text) <= MOST_QUARANTINED) return Number(text);
  throw requestInvalid(`limit: give a whole number from 0 to ${MOST_QUARANTINED}`);
}

/** Makes the answer: the number of rows, and the first of them. */
export function quarantineAnswer(
  source: SourceSpec,
  rows: readonly QuarantinedRow[],
  { limit, isMasked }: { readonly limit: number; readonly isMasked: boolean },
): object {
  return {
    source: source.name,
    count: rows.length,
    rows: rows
      .slice(0, limit)
      .map((row) => (isMasked ? { ...row, key: maskedKey(source, row.key) } : row)),
  };
}
