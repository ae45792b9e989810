/** The measures of drift, with the titles that pages give them. */
import type { MeasuredDrift } from "../api/types.ts";

/** The name of a measure. */
export type Measure = keyof MeasuredDrift["measures"];

/** The measures in the order of reports. */
export const MEASURES: readonly (readonly [Measure, string])[] = [
  ["psi", "PSI"],
  ["ks", "KS"],
  ["jensenShannon", "Jensen–Shannon"],
  ["wasserstein", "Wasserstein"],
  ["nullRate", "Null rate"],
];
