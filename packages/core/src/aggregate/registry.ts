/** The registry of aggregators: one line for each. Everything that knows aggregations reads it. */
import type { AggregateName } from "../specs.ts";
import type { Aggregator } from "./aggregator.ts";
import { approxCountDistinctAggregator } from "./approx-count-distinct.ts";
import { approxQuantileAggregator } from "./approx-quantile.ts";
import { allAggregator } from "./all.ts";
import { anyAggregator } from "./any.ts";
import { avgAggregator } from "./avg.ts";
import { changesAggregator } from "./changes.ts";
import { correlationAggregator } from "./correlation.ts";
import { bottomKAggregator } from "./bottom-k.ts";
import { bottomKByAggregator } from "./bottom-k-by.ts";
import { countAggregator } from "./count.ts";
import { countDistinctAggregator } from "./count-distinct.ts";
import { covarianceAggregator } from "./covariance.ts";
import { currentStreakAggregator } from "./current-streak.ts";
import { decayedAvgAggregator } from "./decayed-avg.ts";
import { decayedCountAggregator } from "./decayed-count.ts";
import { decayedSumAggregator } from "./decayed-sum.ts";
import { drawdownAggregator } from "./drawdown.ts";
import { distinctValuesAggregator } from "./distinct-values.ts";
import { entropyAggregator } from "./entropy.ts";
import { firstAggregator } from "./first.ts";
import { firstNAggregator } from "./first-n.ts";
import { histogramAggregator } from "./histogram.ts";
import { kurtosisAggregator } from "./kurtosis.ts";
import { lastAggregator } from "./last.ts";
import { lastNAggregator } from "./last-n.ts";
import { latestAggregator } from "./latest.ts";
import { longestStreakAggregator } from "./longest-streak.ts";
import { maxAggregator } from "./max.ts";
import { maxByAggregator } from "./max-by.ts";
import { maxGapAggregator } from "./max-gap.ts";
import { maxSessionAggregator } from "./max-session.ts";
import { meanGapAggregator } from "./mean-gap.ts";
import { meanSessionAggregator } from "./mean-session.ts";
import { medianAggregator } from "./median.ts";
import { minAggregator } from "./min.ts";
import { minByAggregator } from "./min-by.ts";
import { minGapAggregator } from "./min-gap.ts";
import { modeAggregator } from "./mode.ts";
import { mostFrequentAggregator } from "./most-frequent.ts";
import { quantileAggregator } from "./quantile.ts";
import { sessionCountAggregator } from "./session-count.ts";
import { quantilesAggregator } from "./quantiles.ts";
import { shareAggregator } from "./share.ts";
import { skewnessAggregator } from "./skewness.ts";
import { slopeAggregator } from "./slope.ts";
import { stddevAggregator } from "./stddev.ts";
import { sumAggregator } from "./sum.ts";
import { timeSinceFirstAggregator } from "./time-since-first.ts";
import { timeSinceLastAggregator } from "./time-since-last.ts";
import { trendAggregator } from "./trend.ts";
import { topKAggregator } from "./top-k.ts";
import { topKByAggregator } from "./top-k-by.ts";
import { varianceAggregator } from "./variance.ts";
import { vectorAvgAggregator } from "./vector-avg.ts";
import { vectorSumAggregator } from "./vector-sum.ts";

/** Every aggregator, in the order of the page of aggregations. */
export const aggregators: readonly Aggregator[] = [
  sumAggregator,
  avgAggregator,
  minAggregator,
  maxAggregator,
  countDistinctAggregator,
  countAggregator,
  anyAggregator,
  allAggregator,
  shareAggregator,
  varianceAggregator,
  stddevAggregator,
  skewnessAggregator,
  kurtosisAggregator,
  covarianceAggregator,
  correlationAggregator,
  slopeAggregator,
  trendAggregator,
  quantileAggregator,
  medianAggregator,
  quantilesAggregator,
  modeAggregator,
  mostFrequentAggregator,
  histogramAggregator,
  distinctValuesAggregator,
  topKAggregator,
  bottomKAggregator,
  entropyAggregator,
  firstAggregator,
  lastAggregator,
  firstNAggregator,
  lastNAggregator,
  minByAggregator,
  maxByAggregator,
  topKByAggregator,
  bottomKByAggregator,
  timeSinceFirstAggregator,
  timeSinceLastAggregator,
  meanGapAggregator,
  maxGapAggregator,
  minGapAggregator,
  sessionCountAggregator,
  meanSessionAggregator,
  maxSessionAggregator,
  currentStreakAggregator,
  longestStreakAggregator,
  changesAggregator,
  drawdownAggregator,
  decayedSumAggregator,
  decayedCountAggregator,
  decayedAvgAggregator,
  vectorSumAggregator,
  vectorAvgAggregator,
  approxCountDistinctAggregator,
  approxQuantileAggregator,
  latestAggregator,
];

/**
 * The records by name. The map is made when the first one is asked for: made at once, it would keep
 * every aggregator in the bundles of browsers.
 */
let byName: ReadonlyMap<AggregateName, Aggregator> | null = null;

/** Returns the record of an aggregation. */
export function aggregatorNamed(name: AggregateName): Aggregator {
  byName ??= new Map(aggregators.map((aggregator) => [aggregator.name, aggregator]));
  const found = byName.get(name);
  if (found === undefined) throw new TypeError(`there is no aggregation ${name}`);
  return found;
}
