/** Registers the counts of what this process's store has answered from its online store. */
import { ENTITY_ROW_BOUNDS, type Store } from "@tidemark/core";
import { Counter, Gauge, type Metric, type Registry } from "prom-client";
import { histogramValues } from "./histogram-values.ts";

/** Adds the metrics to a registry. They are read from the store when they are asked for. */
export function answerMetrics(store: Store, register: Registry): void {
  const registers = [register];
  new Counter({
    name: "tidemark_feature_answers_total",
    help: "Values that were answered from the online store, by feature and status",
    labelNames: ["view", "feature", "status"],
    registers,
    collect() {
      this.reset();
      for (const { view, feature, statuses } of store.answerCounts().features)
        for (const [status, count] of Object.entries(statuses))
          if (count > 0) this.inc({ view, feature, status }, count);
    },
  });
  new Counter({
    name: "tidemark_answer_cache_hits_total",
    help: "Answers of a view for an entity that came from the answer cache",
    registers,
    collect() {
      this.reset();
      this.inc(store.answerCounts().answerCache.hits);
    },
  });
  new Counter({
    name: "tidemark_answer_cache_misses_total",
    help: "Answers of a view for an entity that were computed, and that the cache may keep",
    registers,
    collect() {
      this.reset();
      this.inc(store.answerCounts().answerCache.misses);
    },
  });
  const rows = {
    name: "tidemark_entity_rows",
    help: "Stored rows that an answer for one entity was computed from, by view",
    type: "histogram",
    aggregator: "sum",
  } as const;
  register.registerMetric({
    name: rows.name,
    get: async () => ({
      ...rows,
      values: histogramValues(
        rows.name,
        ENTITY_ROW_BOUNDS,
        store
          .answerCounts()
          .entityRows.map(({ view, answers, rows: sum }) => ({
            perBucket: answers,
            sum,
            labels: { view },
          })),
      ),
    }),
  } as unknown as Metric);
  new Gauge({
    name: "tidemark_entity_rows_max",
    help: "Most stored rows of one entity behind an answer since the process started, by view",
    labelNames: ["view"],
    registers,
    aggregator: "max",
    collect() {
      this.reset();
      for (const { view, most } of store.answerCounts().entityRows) this.set({ view }, most);
    },
  });
}
