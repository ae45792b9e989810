/** Counts requests in plain numbers, which cost less than prom-client's counters. */
import { histogramValues, type HistogramValue } from "./histogram-values.ts";

/**
 * The bounds of the histogram, in seconds: from a small request (0.25 ms) to the default time limit
 * of a request (10 s).
 */
export const BUCKET_BOUNDS: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The counts of one route or service. */
export interface RouteCounts {
  /** The number of answers by status. */
  readonly statuses: Map<number, number>;
  /**
   * The number of answers by duration: up to each bound of `BUCKET_BOUNDS` and above the previous
   * bound. The last number counts the answers above all bounds.
   */
  readonly perBucket: Float64Array;
  /** The sum of all durations. */
  seconds: number;
  /** The number of entities and rows of all requests. */
  entities: number;
}

/** Makes counts of zero. */
export function routeCounts(): RouteCounts {
  return {
    statuses: new Map(),
    perBucket: new Float64Array(BUCKET_BOUNDS.length + 1),
    seconds: 0,
    entities: 0,
  };
}

/** Returns the counts under a name, and makes them if there are none. */
export function countsOf(all: Map<string, RouteCounts>, name: string): RouteCounts {
  let counts = all.get(name);
  if (counts === undefined) all.set(name, (counts = routeCounts()));
  return counts;
}

/** Counts an answer. */
export function countAnswer(
  counts: RouteCounts,
  status: number,
  seconds: number,
  entities: number,
): void {
  counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
  let bound = 0;
  while (bound < BUCKET_BOUNDS.length && seconds > BUCKET_BOUNDS[bound]!) bound++;
  counts.perBucket[bound]!++;
  counts.seconds += seconds;
  counts.entities += entities;
}

/** Returns the values of the histogram of durations, with each name under `label`. */
export function durationValues(
  metric: string,
  label: string,
  all: ReadonlyMap<string, RouteCounts>,
): HistogramValue[] {
  const series = [...all].map(([name, { perBucket, seconds }]) => ({
    perBucket,
    sum: seconds,
    labels: { [label]: name },
  }));
  return histogramValues(metric, BUCKET_BOUNDS, series);
}
