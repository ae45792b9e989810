/** The counters of all processes of a cluster, for its first one. */
import { AggregatorRegistry } from "prom-client";

/** Asks every process when it is called: the text of `/metrics` without the state of the stores. Call it before a process is started. */
export function clusterMetrics(): () => Promise<string> {
  const registry = new AggregatorRegistry();
  return () => registry.clusterMetrics();
}
