/** Makes the answer of `GET /v1/quarantine/{source}`. */
import type { QuarantinedRow } from "@tidemark/core";
import { maskedQuarantine } from "@tidemark/core/internal";
import type { SourceSpec } from "@tidemark/core/spi";

/** Makes the answer: the number of rows, and the first of them. */
export function quarantineAnswer(
  source: SourceSpec,
  rows: readonly QuarantinedRow[],
  { limit, isMasked }: { readonly limit: number; readonly isMasked: boolean },
): object {
  return {
    source: source.name,
    count: rows.length,
    rows: rows.slice(0, limit).map((row) => (isMasked ? maskedQuarantine(source, row) : row)),
  };
}
