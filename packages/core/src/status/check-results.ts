/**
 * Keeps what the last checks of data found, in a cell of the namespace: drift and expectations. A
 * server shows it in its metrics, although another process has checked.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { MEASURES } from "../drift/compare.ts";
import type { DriftMeasure, DriftReport } from "../drift/drift-types.ts";
import { isRetryable } from "../errors.ts";
import { decodeJson, encodeJson } from "../online/json-cell.ts";
import type { ExpectationResult, QualityReport } from "../quality/quality-types.ts";
import type { OnlineStore } from "../spi.ts";

/** The drift of one column, as it was measured last. */
export interface DriftResult {
  /** What was compared, such as `source transactions`. */
  readonly of: string;
  readonly column: string;
  readonly measuredAt: string;
  readonly measures: { readonly [measure in DriftMeasure]?: number };
  /** Whether a measure is beyond its threshold. */
  readonly isDrifted: boolean;
}

/** Whether an expectation held when it was checked last. */
export interface ExpectationState extends Pick<
  ExpectationResult,
  "quality" | "expectation" | "on" | "severity" | "holds" | "measured" | "failing"
> {
  readonly checkedAt: string;
}

/** What the last checks found. */
export interface CheckResults {
  readonly drift: readonly DriftResult[];
  readonly expectations: readonly ExpectationState[];
}

/** The most columns and the most expectations that are kept; the newest stay. */
const KEPT_RESULTS = 1_000;
const ATTEMPTS = 20;
const NONE: CheckResults = { drift: [], expectations: [] };

function resultsKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "check-results", [])([]);
}

/** Reads what the last checks found. */
export async function checkResults(store: OnlineStore, namespace: string): Promise<CheckResults> {
  const [cell] = await store.read([resultsKey(namespace)]);
  return cell == null ? NONE : (decodeJson(cell.value) as CheckResults);
}

/** Keeps the drift of a source, a view or a service. It replaces what was measured of it before. */
export async function keepDrift(
  store: OnlineStore,
  namespace: string,
  report: DriftReport,
): Promise<void> {
  if (report.of.kind === "rows") return;
  const of = `${report.of.kind} ${report.of.name}`;
  const measured = report.columns.map((one): DriftResult => {
    const measures = MEASURES.flatMap((measure) =>
      one[measure] === null ? [] : [[measure, one[measure]] as const],
    );
    return {
      of,
      column: one.column,
      measuredAt: report.measuredAt,
      measures: Object.fromEntries(measures),
      isDrifted: one.exceeded.length > 0,
    };
  });
  await change(store, namespace, ({ drift, expectations }) => ({
    drift: newest([...measured, ...drift.filter((one) => one.of !== of)]),
    expectations,
  }));
}

/** Keeps whether expectations hold. `ofAll`: every quality was checked, so others are gone. */
export async function keepExpectations(
  store: OnlineStore,
  namespace: string,
  { asOf: checkedAt, results }: QualityReport,
  ofAll: boolean,
): Promise<void> {
  const checked = results.map(
    ({ quality, expectation, on, severity, holds, measured, failing }): ExpectationState => ({
      quality,
      expectation,
      on,
      severity,
      holds,
      measured,
      failing,
      checkedAt,
    }),
  );
  const qualities = new Set(checked.map(({ quality }) => quality));
  await change(store, namespace, ({ drift, expectations }) => ({
    drift,
    expectations: newest([
      ...checked,
      ...expectations.filter(({ quality }) => !ofAll && !qualities.has(quality)),
    ]),
  }));
}

/** The newest results come first. */
function newest<T>(results: readonly T[]): readonly T[] {
  return results.slice(0, KEPT_RESULTS);
}

/** Results only inform, so a store that does not answer or has other writers fails no check. */
async function change(
  store: OnlineStore,
  namespace: string,
  next: (before: CheckResults) => CheckResults,
): Promise<void> {
  const key = resultsKey(namespace);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [cell = null] = await store.read([key]);
      const value = encodeJson(
        next(cell === null ? NONE : (decodeJson(cell.value) as CheckResults)),
      );
      const written = { key, value, expected: cell?.version ?? null, expires: null };
      if ((await store.write({ source: "", cells: [written], positions: [] })) === "done") return;
    }
  } catch (error) {
    if (!isRetryable(error)) throw error;
  }
}
