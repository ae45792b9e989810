/** The counters of the processes of a cluster, put together. */
import { AggregatorRegistry } from "prom-client";

/** What one process has counted, as it goes from process to process. */
export type Counters = readonly object[];

/** The text of `/metrics` for all of them together, without the state of the stores. */
export async function clusterMetrics(counters: readonly Counters[]): Promise<string> {
  return AggregatorRegistry.aggregate(counters.map((one) => [...one])).metrics();
}
