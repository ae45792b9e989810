/** The table of results: one row for each expectation of each check. */
import { batchOf, type Batch } from "../columns/batch.ts";
import { tableColumn } from "../columns/table-column.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { parseTime } from "../time/parse-time.ts";
import type { QualityReport } from "./quality-types.ts";

const COLUMNS: readonly ColumnSpec[] = [
  tableColumn("checked_at", "timestamp", false),
  tableColumn("as_of", "timestamp", false),
  tableColumn("quality", "string", false),
  tableColumn("expectation", "string", false),
  tableColumn("subject", "string", false),
  tableColumn("kind", "string", false),
  tableColumn("severity", "string", false),
  tableColumn("on_violation", "string"),
  tableColumn("expected", "string", false),
  tableColumn("is_met", "boolean", false),
  tableColumn("measured", "float64"),
  tableColumn("reference", "float64"),
  tableColumn("row_count", "int64", false),
  tableColumn("failing_row_count", "int64", false),
];

/** The table of the results of checks. No column has a key or a value of a row. */
export const RESULTS_TABLE: TableSpec = {
  name: "quality/results",
  columns: COLUMNS,
  partitionBy: [],
};

/** The rows of a report. `checkedAt`: when it was made, µs. */
export function resultRows({ asOf, results }: QualityReport, checkedAt: number): Batch {
  const t = parseTime(asOf, "UTC");
  return batchOf(
    COLUMNS,
    results.map((one): Value[] => [
      checkedAt,
      t,
      one.quality,
      one.expectation,
      one.on,
      one.kind,
      one.severity,
      one.onViolation,
      one.expected,
      one.holds,
      one.measured,
      one.reference,
      BigInt(one.rows),
      BigInt(one.failing),
    ]),
  );
}
