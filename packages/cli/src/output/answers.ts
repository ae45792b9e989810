/** Writes answers as JSON. The text keeps every digit and is equal only for equal values. */
import { formatTime, valueAt, type Batch, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { toBase64, toUser } from "@tidemark/core/internal";
import { compactJson } from "../input/exact-json.ts";

/** The JSON text of each value in row `i`, from column `first` on. */
export function answerTexts(batch: Batch, i: number, first = 0): string[] {
  return batch.vectors
    .slice(first)
    .map((vector, f) => valueText(valueAt(vector, i), batch.columns[first + f]!));
}

/**
 * The JSON text of one value. int64: all digits. float64: the shortest text of the same double.
 * decimal: its digits as a string. timestamp: ISO with microseconds. date: YYYY-MM-DD. bytes:
 * base64. json: unchanged.
 */
function valueText(value: Value, column: ColumnSpec): string {
  if (value === null) return "null";
  switch (column.type) {
    case "int64":
      return String(value);
    case "timestamp":
      return `"${formatTime(value as number)}"`;
    case "bytes":
      return `"${toBase64(value as Uint8Array)}"`;
    case "json":
      return compactJson(value as string);
    case "decimal":
    case "date":
      return JSON.stringify(toUser(value, column));
    default:
      return JSON.stringify(value);
  }
}

/** One answer: feature name → value. */
export function answerLine(features: readonly string[], texts: readonly string[]): string {
  return `{${features.map((name, f) => `${JSON.stringify(name)}:${texts[f]}`).join(",")}}`;
}
