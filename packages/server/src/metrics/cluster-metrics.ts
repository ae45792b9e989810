/** Combines the counters of the processes of a cluster. */
import { AggregatorRegistry } from "prom-client";

/** The counters of one process, in the form in which they are sent to another process. */
export type ProcessCounters = readonly object[];

/**
 * Returns the text of `/metrics` for all processes together, without the state of the stores.
 *
 * @example
 * const text = await clusterMetrics([await first.counters(), await second.counters()]);
 */
export async function clusterMetrics(counters: readonly ProcessCounters[]): Promise<string> {
  return AggregatorRegistry.aggregate(counters.map((one) => [...one])).metrics();
}
