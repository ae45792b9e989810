/**
 * Registers the metrics of the Node process under Tidemark's prefix, and the version. With a prefix
 * of their own they meet no namesakes where a program has metrics of Node already.
 */
import { readFileSync } from "node:fs";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** The prefix of every metric. */
const METRIC_PREFIX = "tidemark_";

/** The version in package.json, one directory above both `src/metrics/` and `dist/`. */
function packageVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), "utf8");
      return (JSON.parse(text) as { readonly version: string }).version;
    } catch {
      // the file is one directory higher in the sources
    }
  }
  return "unknown";
}

/** Adds the metrics of this process to a registry. */
export function processMetrics(register: Registry): void {
  collectDefaultMetrics({ register, prefix: METRIC_PREFIX });
  // these gauges are called _total, as only counters are; the sums of their namesakes say the same
  for (const kind of ["resources", "handles", "requests"])
    register.removeSingleMetric(`${METRIC_PREFIX}nodejs_active_${kind}_total`);
  new Gauge({
    name: "tidemark_build_info",
    help: "1, with the version of Tidemark as a label",
    labelNames: ["version"],
    registers: [register],
    aggregator: "first",
  }).set({ version: packageVersion() }, 1);
}
