/**
 * Writes the state of a store's sources in Prometheus' text format. Law 9 fixes two of the names
 * behind the prefix: `quarantined_changes_total` counts messages, `quarantined_rows` counts rows.
 */
import type { SourceReadiness, SourceStatus, Store } from "@tidemark/core";
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
  const lagMessages = new Gauge({
    name: "tidemark_source_lag_messages",
    help: "Messages of the log that the slower store lacks, as the last run measured it",
    labelNames: ["source"],
    registers,
  });
  const lagSeconds = new Gauge({
    name: "tidemark_source_lag_seconds",
    help: "Age of the newest commit taken when the lag was measured, and 0 if nothing was missing",
    labelNames: ["source"],
    registers,
  });
  const lagAge = new Gauge({
    name: "tidemark_source_lag_measured_timestamp_seconds",
    help: "When a run measured the lag last, in Unix time; a run measures it every ten seconds",
    labelNames: ["source"],
    registers,
  });
  const lastCommit = new Gauge({
    name: "tidemark_source_last_commit_timestamp_seconds",
    help: "The newest commit time that was taken, in Unix time",
    labelNames: ["source"],
    registers,
  });
  const backpressure = new Gauge({
    name: "tidemark_store_backpressure",
    help: "1 if the store does not keep up with the source's log, or is unavailable",
    labelNames: ["source", "store"],
    registers,
  });
  const quarantinedChanges = new Counter({
    name: "tidemark_quarantined_changes_total",
    help: "Messages whose row was quarantined or whose key could not be read",
    labelNames: ["source"],
    registers,
  });
  const quarantinedRows = new Gauge({
    name: "tidemark_quarantined_rows",
    help: "Rows whose current image is quarantined: they are in no window",
    labelNames: ["source"],
    registers,
  });
  const notTaken = new Counter({
    name: "tidemark_not_taken_total",
    help: "Messages and values that were not taken, by kind and reason as in tidemark status",
    labelNames: ["source", "kind", "reason"],
    registers,
  });
  const takenLater = new Counter({
    name: "tidemark_taken_later_total",
    help: "Undecodable messages that tidemark retry has taken since",
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
  type Read = readonly [readonly SourceStatus[], readonly SourceReadiness[]];
  let lastRead: { readonly at: number; readonly read: Promise<Read> } | null = null;

  function readNow(): Promise<Read> {
    const now = performance.now();
    if (lastRead === null || now - lastRead.at > CACHE_TIME)
      lastRead = { at: now, read: Promise.all([store.status(), readiness()]) };
    return lastRead.read;
  }

  /** A store without an online store has no readiness. */
  async function readiness(): Promise<readonly SourceReadiness[]> {
    return store.readiness().catch(() => []);
  }

  function fill(status: readonly SourceStatus[]): void {
    for (const one of status) {
      const { source, online, history, backpressure: heldUp } = one;
      if (one.lag !== null) {
        lagMessages.set({ source }, one.lag.messages);
        if (one.lag.seconds !== null) lagSeconds.set({ source }, one.lag.seconds);
        lagAge.set({ source }, Date.parse(one.lag.at) / 1000);
      }
      if (one.lastCommit !== null) lastCommit.set({ source }, Date.parse(one.lastCommit) / 1000);
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
      for (const { kind, reason, count } of online.notTaken)
        notTaken.inc({ source, kind, reason }, count);
      takenLater.inc({ source }, online.takenLater);
      nonFiniteValues.inc({ source }, online.nonFiniteValues);
      invalidValues.inc({ source }, online.invalidValues);
    }
  }

  return async () => {
    registry.resetMetrics();
    // an unavailable store must not remove the other metrics
    const read = await readNow().catch(() => null);
    up.set(read === null ? 0 : 1);
    if (read !== null) {
      fill(read[0]);
      for (const one of read[1]) {
        ready.set({ source: one.source }, one.isReady ? 1 : 0);
        needsBackfill.set({ source: one.source }, one.needsBackfill.length);
      }
    }
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
