/** Keeps how long the last rewrite took, in the metadata of the versions table. */
import { LEAST_MEASURED, type MeasuredRate } from "../plan/measured-rate.ts";
import type { MetadataStep, TableState } from "../spi.ts";

/** The key in the metadata of the versions table. */
const RATE = "rewrite-rate";

/** The rate of the last rewrite. null: none was measured. */
export function lastRewriteRate(versions: TableState): MeasuredRate | null {
  const text = versions.metadata.get(RATE);
  return text === undefined ? null : (JSON.parse(text) as MeasuredRate);
}

/** The steps that keep a rate, if it is of enough changes. */
export function rewriteRateSteps(versions: TableState, rate: MeasuredRate): MetadataStep[] {
  if (rate.changes < LEAST_MEASURED) return [];
  const expected = versions.metadata.get(RATE) ?? null;
  return [{ key: RATE, expected, next: JSON.stringify(rate) }];
}
