/** Shows how far the backfills in progress are. */
import { Gauge, type Registry } from "prom-client";
import type { StoreState } from "./store-state.ts";

/** Registers the metrics of backfills, and returns what fills them. */
export function backfillMetrics(register: Registry): (state: StoreState) => void {
  const gauge = (name: string, help: string): Gauge<"source"> =>
    new Gauge({ name, help, labelNames: ["source"], registers: [register] });
  const inProgress = gauge(
    "tidemark_backfill_in_progress",
    "1 if a backfill of the source began and is not done",
  );
  const isWorking = gauge(
    "tidemark_backfill_working",
    "1 if a process works on the backfill of the source now",
  );
  const done = gauge(
    "tidemark_backfill_done_changes",
    "Changes that the backfill in progress has written",
  );
  const expected = gauge(
    "tidemark_backfill_expected_changes",
    "Changes that the backfill in progress has to write in all",
  );
  return ({ sources }) => {
    for (const { source, online } of sources) {
      if (online === null) continue;
      const { backfill } = online;
      inProgress.set({ source }, backfill === null ? 0 : 1);
      if (backfill === null) continue;
      isWorking.set({ source }, backfill.isWorking ? 1 : 0);
      if (backfill.changes !== null) done.set({ source }, backfill.changes);
      if (backfill.of !== null) expected.set({ source }, backfill.of);
    }
  };
}
