/** Reads the rows of a table from the newest time back, so that a long table is not read whole. */
import type { Batch } from "./columns/batch.ts";
import type { OfflineStore } from "./spi.ts";

/** The rows of a span of times. Each span is before the spans that came earlier. */
export interface NewestSpan {
  /** Rows of the span, and others that lie in the same files. */
  readonly batches: AsyncIterable<Batch>;
  /** Whether a time in µs is in the span. */
  readonly has: (at: number) => boolean;
}

/** What is read, and from when. */
export interface NewestOptions {
  readonly table: string;
  readonly columns: readonly string[];
  readonly timeColumn: string;
  /** Rows at this time or later, µs. */
  readonly from: number;
  /** Rows before this time, µs. */
  readonly to: number;
  readonly signal?: AbortSignal | undefined;
}

/** The first span. Each later one is twice as long. */
const FIRST_SPAN = 86_400_000_000;

/**
 * Yields the spans of one version of the table, the newest first. A reader that has enough rows
 * stops between two spans. A table that does not exist has no span.
 */
export async function* newestSpans(
  offline: OfflineStore,
  { table, columns, timeColumn, from, to, signal }: NewestOptions,
): AsyncGenerator<NewestSpan> {
  const state = await offline.state(table, { signal });
  if (state === null) return;
  const { version } = state;
  const known = await offline.describe?.(table, { timeColumn, signal });
  const first = Math.max(from, known?.oldest ?? -Infinity);
  // statistics of a file may be cut to milliseconds
  const last = Math.min(to - 1, known?.newest == null ? Infinity : known.newest + 999);
  // without the ages of the rows everything is one span
  let span = Number.isFinite(first) && Number.isFinite(last) ? FIRST_SPAN : Infinity;
  for (let end = last; end >= first; span *= 2) {
    const begin = span === Infinity ? first : Math.max(first, end - span + 1);
    const isBounded = Number.isFinite(begin) && Number.isFinite(end);
    const range = isBounded ? { column: timeColumn, min: begin, max: end } : undefined;
    const has = (at: number): boolean => at >= begin && at <= end;
    yield { batches: offline.scan(table, { columns, version, range, signal }), has };
    if (begin === first) return;
    end = begin - 1;
  }
}
