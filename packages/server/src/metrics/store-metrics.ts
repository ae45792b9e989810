/**
 * Writes the state of a store's sources in Prometheus' text format. Law 9 fixes two names:
 * `quarantined_changes_total` counts messages, `quarantined_rows` counts rows.
 */
import type { SourceStatus, Store } from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import { Counter, Gauge, Registry } from "prom-client";

/**
 * How long (ms) a status is used again. A status reads the state of every source in every store.
 */
const CACHE_TIME = 5000;

/**
 * Makes a function that returns the text of the metrics. The text comes from the store's status.
 */
export function storeMetrics(store: Store): () => Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const up = new Gauge({
    name: "tidemark_stores_up",
    help: "1 if the status of the stores could be read",
    registers,
  });
  const offset = new Gauge({
    name: "tidemark_source_offset",
    help: "Offset of the last change taken, by partition of the source's log",
    labelNames: ["source", "store", "partition"],
    registers,
  });
  const behind = new Gauge({
    name: "tidemark_source_behind_changes",
    help: "Changes that the other store has taken and this store has not",
    labelNames: ["source", "store"],
    registers,
  });
  const backpressure = new Gauge({
    name: "tidemark_store_backpressure",
    help: "1 if the store does not keep up with the source's log, or is unavailable",
    labelNames: ["source", "store"],
    registers,
  });
  const quarantinedChanges = new Counter({
    name: "quarantined_changes_total",
    help: "Messages whose row was quarantined or whose key could not be read",
    labelNames: ["source"],
    registers,
  });
  const quarantinedRows = new Gauge({
    name: "quarantined_rows",
    help: "Rows whose current image is quarantined: they are in no window",
    labelNames: ["source"],
    registers,
  });
  const nonFiniteValues = new Counter({
    name: "tidemark_non_finite_values_total",
    help: "NaN and infinite values, which count as missing",
    labelNames: ["source"],
    registers,
  });
  const invalidValues = new Counter({
    name: "tidemark_invalid_values_total",
    help: "Values that could not be read, which count as missing",
    labelNames: ["source"],
    registers,
  });
  let lastRead: { readonly at: number; readonly status: Promise<readonly SourceStatus[]> } | null =
    null;

  function statusNow(): Promise<readonly SourceStatus[]> {
    const now = performance.now();
    if (lastRead === null || now - lastRead.at > CACHE_TIME)
      lastRead = { at: now, status: store.status() };
    return lastRead.status;
  }

  function fill(status: readonly SourceStatus[]): void {
    for (const { source, online, history, backpressure: heldUp } of status) {
      const stores = [
        ["online", online?.positions],
        ["history", history?.positions],
      ] as const;
      for (const [name, positions] of stores) {
        if (positions === undefined) continue;
        for (const one of positions)
          offset.set({ source, store: name, partition: one.partition }, one.offset);
        const other = name === "online" ? history?.positions : online?.positions;
        if (other !== undefined)
          behind.set({ source, store: name }, changesBehind(positions, other));
      }
      for (const { role } of heldUp) backpressure.set({ source, store: role }, 1);
      if (online === null) continue;
      quarantinedChanges.inc({ source }, online.quarantinedChanges);
      quarantinedRows.set({ source }, online.quarantinedRows);
      nonFiniteValues.inc({ source }, online.nonFiniteValues);
      invalidValues.inc({ source }, online.invalidValues);
    }
  }

  return async () => {
    registry.resetMetrics();
    // an unavailable store must not remove the other metrics
    const status = await statusNow().catch(() => null);
    up.set(status === null ? 0 : 1);
    if (status !== null) fill(status);
    return registry.metrics();
  };
}

/** Counts the changes that `other` has taken and `own` has not. */
function changesBehind(own: readonly Position[], other: readonly Position[]): number {
  const taken = new Map(own.map(({ partition, offset }) => [partition, offset]));
  return other.reduce(
    (sum, { partition, offset }) => sum + Math.max(0, offset - (taken.get(partition) ?? -1)),
    0,
  );
}
