/** Compares the states of a column on two sides. */
import type { ColumnState } from "../profile/column-state.ts";
import { categoryBins, numberBins, numbersOf } from "./bins.ts";
import {
  jensenShannon,
  kolmogorovSmirnov,
  stabilityIndex,
  wasserstein,
  type CountedNumbers,
} from "./distances.ts";
import type { ColumnDrift, DriftMeasure, DriftThresholds } from "./drift-types.ts";

/** The measures in the order of reports. */
export const MEASURES: readonly DriftMeasure[] = [
  "psi",
  "ks",
  "jensenShannon",
  "wasserstein",
  "nullRate",
];

const SECOND = 1e6;

type Distances = Pick<ColumnDrift, DriftMeasure>;
const NONE: Distances = {
  psi: null,
  ks: null,
  jensenShannon: null,
  wasserstein: null,
  nullRate: null,
};

/** Compares a column with its reference. */
export function columnDrift(
  current: ColumnState,
  reference: ColumnState,
  thresholds: DriftThresholds,
): ColumnDrift {
  const distances = distancesOf(current, reference);
  return {
    column: current.measured.column.name,
    rows: current.rows,
    referenceRows: reference.rows,
    isExact: current.isExact && reference.isExact,
    ...distances,
    exceeded: MEASURES.filter((measure) => {
      const [value, threshold] = [distances[measure], thresholds[measure]];
      return value !== null && threshold !== undefined && value > threshold;
    }),
  };
}

function distancesOf(current: ColumnState, reference: ColumnState): Distances {
  // without rows there is no distribution
  if (current.rows === 0 || reference.rows === 0) return NONE;
  const nullRate = Math.abs(current.nulls / current.rows - reference.nulls / reference.rows);
  if (current.measured.kind === "category") {
    const bins = categoryBins(current, reference);
    return bins === null ? { ...NONE, nullRate } : { ...NONE, ...ofBins(bins), nullRate };
  }
  const [numbers, others] = [numbersOf(current), numbersOf(reference)];
  // of personal data a fixed profile has no values
  if (!isKnown(current, numbers) || !isKnown(reference, others)) return { ...NONE, nullRate };
  const bins = numberBins(numbers, others, { current: current.nulls, reference: reference.nulls });
  const binned = { ...NONE, ...ofBins(bins), nullRate };
  if (numbers.length === 0 || others.length === 0) return binned;
  const unit = current.measured.kind === "time" ? SECOND : 1;
  return {
    ...binned,
    ks: kolmogorovSmirnov(numbers, others),
    wasserstein: wasserstein(numbers, others) / unit,
  };
}

function isKnown({ rows, nulls }: ColumnState, numbers: CountedNumbers): boolean {
  return rows === nulls || numbers.length > 0;
}

function ofBins({
  current,
  reference,
}: {
  readonly current: readonly number[];
  readonly reference: readonly number[];
}): Pick<Distances, "psi" | "jensenShannon"> {
  return {
    psi: stabilityIndex(current, reference),
    jensenShannon: jensenShannon(current, reference),
  };
}
