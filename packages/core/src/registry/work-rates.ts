/**
 * Estimates how long the work of a plan takes: by the rate of the last such work over the same
 * stores, else by a sample of the change log.
 */
import type { HistoryContext } from "../offline/history-context.ts";
import { LEAST_MEASURED, type MeasuredRate } from "../plan/measured-rate.ts";
import { changesReader, READ_COLUMNS } from "../offline/change-log.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import type { TableState } from "../spi.ts";

/** Where the seconds of an estimate come from. */
export type RateBasis = "last-time" | "sample" | "typical";

/** The kinds of work with a rate. */
type Work = "backfill" | "rewrite";

/** Changes a second on one core, where nothing was measured: SQLite and Delta tables on disk. */
const TYPICAL_RATE: Readonly<Record<Work, number>> = { backfill: 7_000, rewrite: 35_000 };
/** How often the time of decoding a change the work takes, as measured on the same stores. */
const TIMES_DECODING: Readonly<Record<Work, number>> = { backfill: 12, rewrite: 2.5 };
/** The most changes and ms of a sample. */
const SAMPLE_CHANGES = 20_000;
const SAMPLE_TIME = 500;

/** Estimates the seconds of work on so many changes. */
export function estimatedSeconds(
  work: Work,
  rows: number,
  last: MeasuredRate | null,
  decoding: number | null,
): { readonly seconds: number; readonly secondsFrom: RateBasis } {
  if (last !== null)
    return { seconds: Math.ceil((rows * last.seconds) / last.changes), secondsFrom: "last-time" };
  return decoding === null
    ? { seconds: Math.ceil(rows / TYPICAL_RATE[work]), secondsFrom: "typical" }
    : { seconds: Math.ceil(rows * decoding * TIMES_DECODING[work]), secondsFrom: "sample" };
}

/**
 * Measures the seconds of decoding a change, over the first changes of the log. null: the log has
 * too few.
 */
export async function decodingSeconds(
  { offline, source, tables }: HistoryContext,
  { version, rows }: TableState,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  if (rows < LEAST_MEASURED) return null;
  const [changesIn, rowChanges] = [changesReader(source), rowChangesOf(source)];
  const began = performance.now();
  // the program is not compiled yet for the first half
  let [read, half, time] = [0, 0, 0];
  for await (const batch of offline.scan(tables.changes.name, {
    columns: READ_COLUMNS,
    version,
    signal,
  })) {
    for (const change of changesIn(batch)) {
      rowChanges(change);
      if (++read === SAMPLE_CHANGES) break;
      if (read % 100 === 0 && performance.now() - began > SAMPLE_TIME) break;
      if (read * 2 >= Math.min(rows, SAMPLE_CHANGES) && half === 0)
        [half, time] = [read, performance.now()];
    }
    if (read >= SAMPLE_CHANGES || performance.now() - began > SAMPLE_TIME) break;
  }
  return (
    (half === 0 || read === half
      ? (performance.now() - began) / read
      : (performance.now() - time) / (read - half)) / 1000
  );
}
