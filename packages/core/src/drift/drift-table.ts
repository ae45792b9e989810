/** The table of results: one row for each column and measure of each comparison. */
import { tableColumn } from "../columns/table-column.ts";
import { batchOf, type Batch } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { parseTime } from "../time/parse-time.ts";
import { MEASURES } from "./compare.ts";
import type { DriftReport } from "./drift-types.ts";

const DRIFT_COLUMNS: readonly ColumnSpec[] = [
  tableColumn("measured_at", "timestamp", false),
  tableColumn("from_day", "string"),
  tableColumn("to_day", "string"),
  tableColumn("reference", "string", false),
  tableColumn("column_name", "string", false),
  tableColumn("measure", "string", false),
  tableColumn("value", "float64", false),
  tableColumn("threshold", "float64"),
  tableColumn("is_exceeded", "boolean", false),
  tableColumn("is_exact", "boolean", false),
  tableColumn("row_count", "int64", false),
  tableColumn("reference_row_count", "int64", false),
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
