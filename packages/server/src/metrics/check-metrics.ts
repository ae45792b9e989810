/** Shows what the last checks of data found: drift and expectations. */
import { Gauge, type Registry } from "prom-client";
import type { StoreState } from "./store-state.ts";

/** Registers the metrics of checks, and returns what fills them. */
export function checkMetrics(register: Registry): (state: StoreState) => void {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    ...labelNames: Label[]
  ): Gauge<Label> => new Gauge({ name, help, labelNames, registers: [register] });
  const distance = gauge(
    "tidemark_drift_distance",
    "How far a column was from its reference when it was measured last, by measure",
    "of",
    "column",
    "measure",
  );
  const drifted = gauge(
    "tidemark_drift_exceeded",
    "1 if a measure of the column was beyond its threshold when it was measured last",
    "of",
    "column",
  );
  const measuredAt = gauge(
    "tidemark_drift_measured_timestamp_seconds",
    "When drift was measured last, in Unix time",
    "of",
  );
  const holds = gauge(
    "tidemark_expectation_holds",
    "1 if the expectation held when it was checked last",
    "quality",
    "expectation",
    "severity",
  );
  const failing = gauge(
    "tidemark_expectation_failing_rows",
    "Rows or entities that were against the expectation when it was checked last",
    "quality",
    "expectation",
  );
  const checkedAt = gauge(
    "tidemark_expectation_checked_timestamp_seconds",
    "When the expectation was checked last, in Unix time",
    "quality",
    "expectation",
  );
  return ({ checks }) => {
    for (const { of, column, measures, isDrifted, measuredAt: at } of checks.drift) {
      for (const [measure, value] of Object.entries(measures))
        distance.set({ of, column, measure: snakeCase(measure) }, value);
      drifted.set({ of, column }, isDrifted ? 1 : 0);
      measuredAt.set({ of }, Date.parse(at) / 1000);
    }
    for (const one of checks.expectations) {
      const { quality, expectation, severity } = one;
      holds.set({ quality, expectation, severity }, one.holds ? 1 : 0);
      failing.set({ quality, expectation }, one.failing);
      checkedAt.set({ quality, expectation }, Date.parse(one.checkedAt) / 1000);
    }
  };
}

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
