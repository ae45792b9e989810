/** Counts the requests of a route in plain numbers, which cost less than prom-client's counters. */

/**
 * The bounds of the histogram, in seconds: from a small request (0.25 ms) to the default time limit
 * of a request (10 s).
 */
export const BUCKET_BOUNDS: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The counts of one route. */
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
  /** The number of all answers. */
  answers: number;
  /** The number of entities and rows of all requests. */
  entities: number;
}

/** Makes counts of zero. */
export function routeCounts(): RouteCounts {
  return {
    statuses: new Map(),
    perBucket: new Float64Array(BUCKET_BOUNDS.length + 1),
    seconds: 0,
    answers: 0,
    entities: 0,
  };
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
  counts.answers++;
  counts.entities += entities;
}

/** A value in the form of prom-client. */
interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Returns the values of a Prometheus histogram. Each bucket counts all answers up to its bound. */
export function histogramValues(
  name: string,
  routes: ReadonlyMap<string, RouteCounts>,
): HistogramValue[] {
  return [...routes].flatMap(([route, { perBucket, seconds, answers }]) => {
    let below = 0;
    const buckets = BUCKET_BOUNDS.map((le, bound) => ({
      metricName: `${name}_bucket`,
      labels: { le, route },
      value: (below += perBucket[bound]!),
    }));
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: "+Inf", route }, value: answers },
      { metricName: `${name}_sum`, labels: { route }, value: seconds },
      { metricName: `${name}_count`, labels: { route }, value: answers },
    ];
  });
}
