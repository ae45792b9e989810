/** Shows which sources are answered. */
import { Gauge, type Registry } from "prom-client";
import type { StoreState } from "./store-state.ts";

/** Registers the metrics of readiness, and returns what fills them. */
export function readinessMetrics(register: Registry): (state: StoreState) => void {
  const registers = [register];
  const all = new Gauge({
    name: "tidemark_ready",
    help: "1 if every feature is answered, as GET /ready says",
    registers,
  });
  const ready = new Gauge({
    name: "tidemark_source_ready",
    help: "1 if the source was level once with its log or its history, so that it is answered",
    labelNames: ["source"],
    registers,
  });
  const needsBackfill = new Gauge({
    name: "tidemark_features_needing_backfill",
    help: "Features of the source that need a backfill, and are refused until then",
    labelNames: ["source"],
    registers,
  });
  return ({ readiness }) => {
    // a store without an online store answers no request, and is neither ready nor not
    if (readiness.length === 0) all.remove();
    else all.set(readiness.every(({ reason }) => reason === null) ? 1 : 0);
    for (const { source, isReady, needsBackfill: features } of readiness) {
      ready.set({ source }, isReady ? 1 : 0);
      needsBackfill.set({ source }, features.length);
    }
  };
}
