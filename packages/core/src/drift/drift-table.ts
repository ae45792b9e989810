/** The table of results: one row for each column and measure of each comparison. */
import { batchOf, type Batch } from "../columns/batch.ts";
import type { ColumnSpec, Value, ValueType } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { parseTime } from "../time/parse-time.ts";
import { MEASURES } from "./compare.ts";
import type { DriftReport } from "./drift-types.ts";

const column = (name: string, type: ValueType, nullable = true): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable,
});

const DRIFT_COLUMNS: readonly ColumnSpec[] = [
  column("measured_at", "timestamp", false),
  column("from_day", "string"),
  column("to_day", "string"),
  column("reference", "string", false),
  column("column_name", "string", false),
  column("measure", "string", false),
  column("value", "float64", false),
  column("threshold", "float64"),
  column("is_exceeded", "boolean", false),
  column("is_exact", "boolean", false),
  column("row_count", "int64", false),
  column("reference_row_count", "int64", false),
];

/** The name of the table of drift beside a table of profiles. */
export function driftTableOf(profiles: string): string {
  return profiles.replace(/profiles$/, "drift");
}

/** The table of drift with this name. */
export function driftTable(name: string): TableSpec {
  return { name, columns: DRIFT_COLUMNS, partitionBy: [] };
}

/** The rows of a report. */
export function driftRows(report: DriftReport): Batch {
  const { measuredAt, from, to, reference, thresholds } = report;
  const rows = report.columns.flatMap((one) =>
    MEASURES.flatMap((measure): Value[][] => {
      const value = one[measure];
      if (value === null) return [];
      return [
        [
          parseTime(measuredAt, "UTC"),
          from,
          to,
          reference,
          one.column,
          measure,
          value,
          thresholds[measure] ?? null,
          one.exceeded.includes(measure),
          one.isExact,
          BigInt(one.rows),
          BigInt(one.referenceRows),
        ],
      ];
    }),
  );
  return batchOf(DRIFT_COLUMNS, rows);
}
