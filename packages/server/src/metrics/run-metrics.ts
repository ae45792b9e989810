/** Shows how far a run of this process is. */
import { Counter, Gauge, type Registry } from "prom-client";

/** What a run has read so far. */
export interface RunCounts {
  /** The name of the change source. */
  readonly name: string;
  readonly changes: number;
  /** The number of changes to read in all; null: the run does not end by itself. */
  readonly total: number | null;
  /** When changes were read last, in milliseconds of Unix time; null: none were read. */
  readonly lastChangeAt: number | null;
}

/** Adds the metrics of runs to a registry. They are read when they are asked for. */
export function runMetrics(runs: () => readonly RunCounts[], register: Registry): void {
  const registers = [register];
  const labelNames = ["changes"] as const;
  new Counter({
    name: "tidemark_run_changes_total",
    help: "Changes that this process has read since its start, by change source",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { name, changes } of runs()) this.inc({ changes: name }, changes);
    },
  });
  new Gauge({
    name: "tidemark_run_expected_changes",
    help: "Changes that the run has to read in all, if it ends by itself",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { name, total } of runs()) if (total !== null) this.set({ changes: name }, total);
    },
  });
  new Gauge({
    name: "tidemark_run_last_change_timestamp_seconds",
    help: "When this process read changes last, in Unix time, by change source",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { name, lastChangeAt } of runs())
        if (lastChangeAt !== null) this.set({ changes: name }, lastChangeAt / 1000);
    },
  });
}
