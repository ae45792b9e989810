/**
 * Counts the requests of each route in plain numbers, because counting must cost less than the
 * request.
 */

/**
 * The bounds of the histogram: from a quarter of a millisecond, a small request, to the limit of a
 * long one.
 */
export const BUCKET_BOUNDS: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export interface RouteCounts {
  readonly statuses: Map<number, number>;
  /**
   * Counts answers by duration: up to this bound of `SECONDS` and above the previous one. The last
   * count is above all bounds.
   */
  readonly perBucket: Float64Array;
  seconds: number;
  answers: number;
  entities: number;
}

export function routeCounts(): RouteCounts {
  return {
    statuses: new Map(),
    perBucket: new Float64Array(BUCKET_BOUNDS.length + 1),
    seconds: 0,
    answers: 0,
    entities: 0,
  };
}

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

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * Returns the values of a Prometheus histogram: each bound counts all answers that took no longer.
 */
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
