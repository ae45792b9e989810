/**
 * Writes the state of a store's sources in Prometheus' format. Law 9 fixes the names:
 * `quarantined_changes_total` counts messages, `quarantined_rows` rows.
 */
import type { SourceStatus, Store } from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import { Gauge, Registry } from "prom-client";

/**
 * Makes the text from the store's status. The status is read at most every few seconds, because it
 * reads every source's state in every store.
 */
export function storeMetrics(store: Store): () => Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const up = new Gauge({
    name: "tidemark_status_up",
    help: "1: the status of the stores could be read",
    registers,
  });
  const offset = new Gauge({
    name: "tidemark_source_offset",
    help: "The offset of the last change taken, by partition of the source's log",
    labelNames: ["source", "store", "partition"],
    registers,
  });
  const behind = new Gauge({
    name: "tidemark_source_behind",
    help: "Changes that the other store has taken and this one has not",
    labelNames: ["source", "store"],
    registers,
  });
  const stalled = new Gauge({
    name: "tidemark_store_stalled",
    help: "1: the store does not keep up, or could not be asked",
    labelNames: ["source", "store"],
    registers,
  });
  const changes = new Gauge({
    name: "quarantined_changes_total",
    help: "Messages whose row was quarantined or whose key could not be read",
    labelNames: ["source"],
    registers,
  });
  const rows = new Gauge({
    name: "quarantined_rows",
    help: "Rows whose current image is quarantined: they are in no window",
    labelNames: ["source"],
    registers,
  });
  const nonFinite = new Gauge({
    name: "tidemark_non_finite_values_total",
    help: "NaN and infinite values, taken as missing",
    labelNames: ["source"],
    registers,
  });
  const invalidValues = new Gauge({
    name: "tidemark_invalid_values_total",
    help: "Values that could not be read, taken as missing",
    labelNames: ["source"],
    registers,
  });
  const all = [up, offset, behind, stalled, changes, rows, nonFinite, invalidValues];
  let lastRead: { readonly at: number; readonly status: Promise<readonly SourceStatus[]> } | null =
    null;

  function statusNow(): Promise<readonly SourceStatus[]> {
    const now = performance.now();
    if (lastRead === null || now - lastRead.at > 5000)
      lastRead = { at: now, status: store.status() };
    return lastRead.status;
  }

  function fill(status: readonly SourceStatus[]): void {
    for (const { source, online, history, backpressure } of status) {
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
      for (const { role } of backpressure) stalled.set({ source, store: role }, 1);
      if (online === null) continue;
      changes.set({ source }, online.quarantinedChanges);
      rows.set({ source }, online.quarantinedRows);
      nonFinite.set({ source }, online.nonFiniteValues);
      invalidValues.set({ source }, online.invalidValues);
    }
  }

  return async () => {
    for (const gauge of all) gauge.reset();
    // an unavailable store must not remove the other metrics
    const status = await statusNow().catch(() => null);
    up.set(status === null ? 0 : 1);
    if (status !== null) fill(status);
    return registry.metrics();
  };
}

function changesBehind(own: readonly Position[], other: readonly Position[]): number {
  const taken = new Map(own.map(({ partition, offset }) => [partition, offset]));
  return other.reduce(
    (sum, { partition, offset }) => sum + Math.max(0, offset - (taken.get(partition) ?? -1)),
    0,
  );
}
