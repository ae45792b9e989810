/**
 * Writes the state of a store in Prometheus' text format. Each part of the metrics reads the store
 * and fills its gauges; a further part belongs in `PARTS`.
 */
import type { Store } from "@tidemark/core";
import { Gauge, Registry } from "prom-client";
import { backfillMetrics } from "./backfill-metrics.ts";
import { checkMetrics } from "./check-metrics.ts";
import { readinessMetrics } from "./readiness-metrics.ts";
import { sourceMetrics } from "./source-metrics.ts";
import type { StoreState } from "./store-state.ts";

/**
 * How long (ms) a status is used again. A status reads the state of every source in every store.
 */
const CACHE_TIME = 5000;

/** Registers metrics, and returns what fills them. */
const PARTS: readonly ((register: Registry) => (state: StoreState) => void)[] = [
  sourceMetrics,
  readinessMetrics,
  backfillMetrics,
  checkMetrics,
];

/**
 * Makes a function that returns the text of the metrics. The text comes from the store's status.
 */
export function storeMetrics(store: Store): () => Promise<string> {
  const registry = new Registry();
  const up = new Gauge({
    name: "tidemark_stores_up",
    help: "1 if the status of the stores could be read",
    registers: [registry],
  });
  const fills = PARTS.map((part) => part(registry));
  let lastRead: { readonly at: number; readonly read: Promise<StoreState> } | null = null;

  function readNow(): Promise<StoreState> {
    const now = performance.now();
    if (lastRead === null || now - lastRead.at > CACHE_TIME)
      lastRead = { at: now, read: readState(store) };
    return lastRead.read;
  }

  return async () => {
    // an unavailable store must not remove the other metrics
    const state = await readNow().catch(() => null);
    // filling waits for nothing, so that two requests do not fill the metrics together
    registry.resetMetrics();
    up.set(state === null ? 0 : 1);
    if (state !== null) for (const fill of fills) fill(state);
    return registry.metrics();
  };
}

/** Reads the state of a store. A store without an online store has no readiness. */
async function readState(store: Store): Promise<StoreState> {
  const [sources, readiness, skipped, checks] = await Promise.all([
    store.status(),
    store.readiness().catch(() => []),
    store.skipped().catch(() => []),
    store.checkResults().catch(() => ({ drift: [], expectations: [] })),
  ]);
  return { sources, readiness, skipped, checks };
}
