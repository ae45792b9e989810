/** Reads and writes the statistics of an `add`, which let a reader skip a file. */
import type { ColumnSpec, Value } from "@tidemark/core/spi";
import type { ColumnRange } from "../parquet/statistics.ts";
import { hasScalarType } from "../types.ts";
import { deltaTypes } from "./delta-types.ts";

/**
 * Returns the statistics as JSON text. int64 and decimal bounds keep every digit, which a double
 * would not. Columns with parts have none.
 */
export function statsText(
  rows: number,
  columns: readonly ColumnSpec[],
  ranges: readonly ColumnRange[],
): string {
  const min: string[] = [];
  const max: string[] = [];
  const nulls: string[] = [];
  columns.forEach((column, c) => {
    if (!hasScalarType(column)) return;
    const range = ranges[c]!;
    const name = JSON.stringify(column.name);
    nulls.push(`${name}:${range.nulls}`);
    const low = boundText(column, range.min, false);
    const high = boundText(column, range.max, true);
    if (low === null || high === null) return;
    min.push(`${name}:${low}`);
    max.push(`${name}:${high}`);
  });
  const bounds = `"minValues":{${min.join()}},"maxValues":{${max.join()}}`;
  return `{"numRecords":${rows},${bounds},"nullCount":{${nulls.join()}}}`;
}

function boundText(column: ColumnSpec, value: Value, upper: boolean): string | null {
  return value === null || !hasScalarType(column)
    ? null
    : (deltaTypes[column.type].bound?.(value, upper, column) ?? null);
}

export interface FileStatistics {
  /** The number of rows; null if the statistics do not say. */
  readonly rows: number | null;
  /** False if no row of the file has a value in [min, max] in the column. */
  mayHold(range: { readonly column: string; readonly min: number; readonly max: number }): boolean;
  /**
   * The least and the greatest value; "none" if all values are null; null if the statistics do not
   * say.
   */
  range(column: string): { readonly min: number; readonly max: number } | "none" | null;
}

const NO_STATISTICS: FileStatistics = { rows: null, mayHold: () => true, range: () => null };

export function parseStats(text: string | null | undefined): FileStatistics {
  if (!text) return NO_STATISTICS;
  let stats: {
    numRecords?: number;
    minValues?: Record<string, unknown>;
    maxValues?: Record<string, unknown>;
    nullCount?: Record<string, unknown>;
  };
  try {
    stats = JSON.parse(text);
  } catch {
    return NO_STATISTICS;
  }
  const rows = typeof stats.numRecords === "number" ? stats.numRecords : null;
  return {
    rows,
    range(column) {
      if (rows !== null && stats.nullCount?.[column] === rows) return "none";
      const [min, max] = [stats.minValues?.[column], stats.maxValues?.[column]];
      return typeof min === "number" && typeof max === "number" ? { min, max } : null;
    },
    mayHold({ column, min, max }) {
      if (rows !== null && stats.nullCount?.[column] === rows) return false;
      const low = stats.minValues?.[column];
      const high = stats.maxValues?.[column];
      // JSON.parse may have rounded an int64 bound. Rounding keeps the order, so a bound beyond the
      // range is truly beyond it.
      return !(typeof low === "number" && low > max) && !(typeof high === "number" && high < min);
    },
  };
}
