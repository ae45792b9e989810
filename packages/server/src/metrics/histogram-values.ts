/** Makes the values of a Prometheus histogram from plain counts. */

/** A value in the form of prom-client. */
export interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The counts of one series of a histogram. */
export interface HistogramCounts {
  /** The number of observations up to each bound and above the previous one; then above all. */
  readonly perBucket: ArrayLike<number>;
  readonly sum: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Returns the values of a histogram. Each bucket counts all observations up to its bound. */
export function histogramValues(
  name: string,
  bounds: readonly number[],
  series: readonly HistogramCounts[],
): HistogramValue[] {
  return series.flatMap(({ perBucket, sum, labels }) => {
    let below = 0;
    const buckets = [...bounds, Infinity].map((bound, i) => ({
      metricName: `${name}_bucket`,
      labels: { le: bound === Infinity ? "+Inf" : bound, ...labels },
      value: (below += perBucket[i]!),
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: below },
    ];
  });
}
