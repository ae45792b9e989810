/** Makes layouts of the history in which few rows have many time buckets, runs and corrections. */
import type { LayoutLimits } from "../../../packages/core/src/offline/merge-plan.ts";
import { Random } from "./random.ts";

/** The limits of a layout. In some nothing is merged before it must be, in others all is. */
export function smallLayout(seed: number): LayoutLimits {
  const random = new Random(seed);
  return {
    cheapRows: random.pick([0, 0, 10, 50_000]),
    rowsPerChange: random.pick([0, 0, 1.5]),
    corrections: random.pick([5, 1_000]),
    corrected: random.pick([0.25, 10]),
    runs: random.pick([2, 24]),
    sealedRows: random.pick([3, 10, 1_000]),
    bucketRows: random.pick([5, 20, 1_000]),
    partRows: random.pick([2, 5]),
    correctionAge: random.pick([0, Infinity]),
  };
}

/** A layout of many small time buckets, whose corrections wait until a merge is asked for. */
export const UNMERGED_LAYOUT: LayoutLimits = {
  cheapRows: 0,
  rowsPerChange: 0,
  corrections: 1_000,
  corrected: Infinity,
  correctionAge: Infinity,
  runs: 24,
  sealedRows: 10,
  bucketRows: 20,
  partRows: 5,
};
