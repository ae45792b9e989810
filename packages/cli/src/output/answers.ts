/** Answers as JSON text in which no digit is lost, and which is equal only where the values are. */
import { formatTime, valueAt, type Batch, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { toUser } from "@tidemark/core/internal";
import { compactJson } from "../input/exact-json.ts";

/** Row `i` of the batch: the JSON text of each value from column `first` on. */
export function answerTexts(batch: Batch, i: number, first = 0): string[] {
  return batch.vectors
    .slice(first)
    .map((vector, f) => valueText(valueAt(vector, i), batch.columns[first + f]!));
}

/**
 * int64 all its digits · float64 the shortest text that reads back as the same double · decimal its
 * digits as a string · timestamp ISO with microseconds · date YYYY-MM-DD · bytes base64 · json as
 * it is.
 */
function valueText(value: Value, column: ColumnSpec): string {
  if (value === null) return "null";
  switch (column.type) {
    case "int64":
      return String(value);
    case "timestamp":
      return `"${formatTime(value as number)}"`;
    case "bytes":
      return `"${Buffer.from(value as Uint8Array).toString("base64")}"`;
    case "json":
      return compactJson(value as string);
    case "decimal":
    case "date":
      return JSON.stringify(toUser(value, column));
    default:
      return JSON.stringify(value);
  }
}

/** An answer: feature name → value. */
export function answerLine(features: readonly string[], texts: readonly string[]): string {
  return `{${features.map((name, f) => `${JSON.stringify(name)}:${texts[f]}`).join(",")}}`;
}
