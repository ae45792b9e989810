/** The table of results: one row for each column and measure of each comparison. */
import { tableColumn } from "../columns/table-column.ts";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { parseTime } from "../time/parse-time.ts";
import { MEASURES } from "./compare.ts";
import type { DriftMeasure, DriftReport } from "./drift-types.ts";

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

/** The names of its columns, as `measureRows` reads them. */
export const HISTORY_COLUMNS: readonly string[] = DRIFT_COLUMNS.map(({ name }) => name);

/** One row of the table: one measure of one column. */
export interface MeasureRow {
  /** When it was measured, µs. */
  readonly at: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly reference: string;
  readonly column: string;
  readonly measure: DriftMeasure;
  readonly value: number;
  readonly threshold: number | null;
  readonly isExceeded: boolean;
  readonly isExact: boolean;
  readonly rowCount: number;
  readonly referenceRowCount: number;
}

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

/** The rows of a batch with the columns of the table. */
export function* measureRows({ length, vectors }: Batch): Generator<MeasureRow> {
  for (let i = 0; i < length; i++) {
    const values = vectors.map((vector) => valueAt(vector, i));
    const at = (name: string): Value => values[HISTORY_COLUMNS.indexOf(name)] ?? null;
    yield {
      at: Number(at("measured_at")),
      from: at("from_day") as string | null,
      to: at("to_day") as string | null,
      reference: at("reference") as string,
      column: at("column_name") as string,
      measure: at("measure") as DriftMeasure,
      value: at("value") as number,
      threshold: at("threshold") as number | null,
      isExceeded: at("is_exceeded") as boolean,
      isExact: at("is_exact") as boolean,
      rowCount: Number(at("row_count")),
      referenceRowCount: Number(at("reference_row_count")),
    };
  }
}
