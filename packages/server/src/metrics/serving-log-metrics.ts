/** Registers the counts of the serving log of this process. */
import type { Store } from "@tidemark/core";
import { Counter, Gauge, type Registry } from "prom-client";

/** Adds the metrics to a registry. A store without a serving log has none. */
export function servingLogMetrics({ servingLog }: Store, register: Registry): void {
  if (servingLog === null) return;
  const registers = [register];
  new Counter({
    name: "tidemark_serving_log_rows_total",
    help: "Rows that the serving log has committed",
    registers,
    collect() {
      this.reset();
      this.inc(servingLog.status().written);
    },
  });
  new Counter({
    name: "tidemark_serving_log_lost_rows_total",
    help: "Rows that the serving log lost: its queue was full, or the store did not take them",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      const { queueFull, writeFailed } = servingLog.status().lost;
      this.inc({ reason: "queue_full" }, queueFull);
      this.inc({ reason: "write_failed" }, writeFailed);
    },
  });
  new Gauge({
    name: "tidemark_serving_log_queued_rows",
    help: "Rows that wait for a commit to the serving log",
    registers,
    aggregator: "sum",
    collect() {
      this.set(servingLog.status().queuedRows);
    },
  });
}
