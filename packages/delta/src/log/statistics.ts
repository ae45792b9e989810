/** Reads and writes the statistics of an `add`, which let a reader skip a file. */
import type { ColumnSpec, Value } from "@tidemark/core/spi";
import type { ColumnRange } from "../parquet/statistics.ts";

/** The number of code points that bounds of strings are cut to. */
const MAX_PREFIX = 32;

/**
 * Returns the statistics as JSON text. int64 and decimal bounds keep every digit, which a double
 * would not.
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
  if (value === null) return null;
  switch (column.type) {
    case "int32":
    case "int64":
    case "timestamp":
      return String(value);
    case "float64":
      return Number.isFinite(value) ? JSON.stringify(value) : null;
    case "decimal":
      return decimalText(value as bigint, column.scale ?? 0);
    case "date": {
      const day = new Date((value as number) * 86_400_000);
      return !Number.isNaN(day.getTime()) &&
        day.getUTCFullYear() >= 1 &&
        day.getUTCFullYear() <= 9999
        ? `"${day.toISOString().slice(0, 10)}"`
        : null;
    }
    case "string": {
      const text = upper ? upperPrefix(value as string) : lowerPrefix(value as string);
      return text === null ? null : JSON.stringify(text);
    }
    case "boolean":
    case "bytes":
    case "json":
      return null;
  }
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  return scale <= 0
    ? `${sign}${digits}`
    : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function lowerPrefix(text: string): string {
  return text.length <= MAX_PREFIX
    ? text
    : Array.from(text.slice(0, 2 * MAX_PREFIX))
        .slice(0, MAX_PREFIX)
        .join("");
}

/**
 * Returns the least short text above every text with this prefix: the last code point that has a
 * successor is raised. null if no such text exists.
 */
function upperPrefix(text: string): string | null {
  const points = Array.from(text.slice(0, 2 * MAX_PREFIX + 2), (character) =>
    character.codePointAt(0)!,
  );
  if (points.length <= MAX_PREFIX) return text;
  for (let last = MAX_PREFIX - 1; last >= 0; last--) {
    const point = points[last]!;
    if (point >= 0x10ffff) continue;
    const next = point >= 0xd7ff && point < 0xe000 ? 0xe000 : point + 1;
    return String.fromCodePoint(...points.slice(0, last), next);
  }
  return null;
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
