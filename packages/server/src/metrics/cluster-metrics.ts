/** Combines the counters of the processes of a cluster. */
import { AggregatorRegistry } from "prom-client";

/** The counters of one process, as plain objects that can be sent to another process. */
export type ProcessCounters = readonly object[];

/**
 * Adds the counters of several processes and returns them as Prometheus text. The text has no
 * metrics of the stores.
 *
 * @example
 * const text = await clusterMetrics([await server.counters(), await other.counters()]);
 */
export async function clusterMetrics(counters: readonly ProcessCounters[]): Promise<string> {
  return AggregatorRegistry.aggregate(counters.map((one) => [...one])).metrics();
}
