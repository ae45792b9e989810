/**
 * Shows what each source has taken, and what it lacks. Law 9 fixes two of the names behind the
 * prefix: `quarantined_changes_total` counts messages, `quarantined_rows` counts rows.
 */
import type { NotTaken, SourceStatus } from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import { Counter, Gauge, type Registry } from "prom-client";
import type { StoreState } from "./store-state.ts";

/** Registers the metrics of the sources, and returns what fills them. */
export function sourceMetrics(register: Registry): (state: StoreState) => void {
  const registers = [register];
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    ...labels: Label[]
  ): Gauge<Label | "source"> =>
    new Gauge({ name, help, labelNames: ["source" as const, ...labels], registers });
  const counter = <Label extends string = never>(
    name: string,
    help: string,
    ...labels: Label[]
  ): Counter<Label | "source"> =>
    new Counter({ name, help, labelNames: ["source" as const, ...labels], registers });

  const offset = gauge(
    "tidemark_source_offset",
    "Offset of the last change taken, by partition of the source's log",
    "store",
    "partition",
  );
  const behind = gauge(
    "tidemark_source_behind_changes",
    "Changes that the other store has taken and this store has not",
    "store",
  );
  const lagMessages = gauge(
    "tidemark_source_lag_messages",
    "Messages of the log that the slower store lacks, as the last run measured it",
  );
  const lagSeconds = gauge(
    "tidemark_source_lag_seconds",
    "Age of the newest commit taken when the lag was measured, and 0 if nothing was missing",
  );
  const partitionLagMessages = gauge(
    "tidemark_partition_lag_messages",
    "Messages of the partition that the slower store lacks, as the last run measured it",
    "partition",
  );
  const partitionLagSeconds = gauge(
    "tidemark_partition_lag_seconds",
    "Age of the partition's newest commit taken when the lag was measured; 0: nothing is missing",
    "partition",
  );
  const lagAge = gauge(
    "tidemark_source_lag_measured_timestamp_seconds",
    "When a run measured the lag last, in Unix time; a run measures it every ten seconds",
  );
  const lastCommit = gauge(
    "tidemark_source_last_commit_timestamp_seconds",
    "The newest commit time that was taken, in Unix time",
  );
  const lastEvent = gauge(
    "tidemark_source_last_event_timestamp_seconds",
    "The newest event time that was taken, in Unix time",
  );
  const backpressure = gauge(
    "tidemark_store_backpressure",
    "1 if the store does not keep up with the source's log, or is unavailable",
    "store",
  );
  const rows = counter(
    "tidemark_source_rows_total",
    "Rows by outcome: applied, quarantined, undecodable, skipped; no source: of no declared table",
    "outcome",
  );
  const quarantinedChanges = counter(
    "tidemark_quarantined_changes_total",
    "Messages whose row was quarantined or whose key could not be read",
  );
  const quarantinedRows = gauge(
    "tidemark_quarantined_rows",
    "Rows whose current image is quarantined: they are in no window",
  );
  const notTaken = counter(
    "tidemark_not_taken_total",
    "Messages and values that were not taken, by kind and reason as in tidemark status",
    "kind",
    "reason",
  );
  const takenLater = counter(
    "tidemark_taken_later_total",
    "Undecodable messages that tidemark retry has taken since",
  );
  const nonFiniteValues = counter(
    "tidemark_non_finite_values_total",
    "NaN and infinite values, which count as missing",
  );
  const invalidValues = counter(
    "tidemark_invalid_values_total",
    "Values that could not be read, which count as missing",
  );

  const violations = counter(
    "tidemark_expectation_violations_total",
    "Messages whose row violated an expectation that its source declares",
    "expectation",
    "on_violation",
  );

  function fillLag({ source, lag }: SourceStatus): void {
    if (lag === null) return;
    lagMessages.set({ source }, lag.messages);
    if (lag.seconds !== null) lagSeconds.set({ source }, lag.seconds);
    lagAge.set({ source }, Date.parse(lag.at) / 1000);
    for (const { partition, messages, seconds } of lag.partitions) {
      partitionLagMessages.set({ source, partition }, messages);
      if (seconds !== null) partitionLagSeconds.set({ source, partition }, seconds);
    }
  }

  function fillPositions({ source, online, history }: SourceStatus): void {
    for (const [store, own, other] of [
      ["online", online?.positions, history?.positions],
      ["history", history?.positions, online?.positions],
    ] as const) {
      if (own === undefined) continue;
      for (const one of own) offset.set({ source, store, partition: one.partition }, one.offset);
      if (other !== undefined) behind.set({ source, store }, changesBehind(own, other));
    }
  }

  function fillOnline({ source, online, rowsTaken }: SourceStatus): void {
    if (online === null) return;
    quarantinedChanges.inc({ source }, online.quarantinedChanges);
    quarantinedRows.set({ source }, online.quarantinedRows);
    for (const { kind, reason, count } of online.notTaken)
      notTaken.inc({ source, kind, reason }, count);
    takenLater.inc({ source }, online.takenLater);
    nonFiniteValues.inc({ source }, online.nonFiniteValues);
    invalidValues.inc({ source }, online.invalidValues);
    for (const { expectation, onViolation: on_violation, messages } of online.violations)
      violations.inc({ source, expectation, on_violation }, messages);
    const ofKind = (kind: NotTaken["kind"]): number =>
      online.notTaken.reduce((sum, one) => sum + (one.kind === kind ? one.count : 0), 0);
    const quarantined = ofKind("quarantined");
    rows.inc({ source, outcome: "applied" }, Math.max(0, (rowsTaken ?? 0) - quarantined));
    rows.inc({ source, outcome: "quarantined" }, quarantined);
    rows.inc({ source, outcome: "undecodable" }, ofKind("undecodable"));
    rows.inc({ source, outcome: "skipped" }, ofKind("skipped"));
  }

  return ({ sources, skipped }) => {
    for (const one of sources) {
      const { source } = one;
      fillLag(one);
      fillPositions(one);
      fillOnline(one);
      if (one.lastCommit !== null) lastCommit.set({ source }, Date.parse(one.lastCommit) / 1000);
      if (one.lastEvent !== null) lastEvent.set({ source }, Date.parse(one.lastEvent) / 1000);
      for (const { role } of one.backpressure) backpressure.set({ source, store: role }, 1);
    }
    for (const { source, count } of skipped)
      rows.inc({ source: source ?? "", outcome: "skipped" }, count);
    if (skipped.length === 0) rows.inc({ source: "", outcome: "skipped" }, 0);
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
