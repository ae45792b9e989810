/** Answers read back from their text, apart from the code that wrote them. */
import type { Value } from "@tidemark/core";
import { parseDate, parseTime, type ColumnSpec } from "@tidemark/core/spi";

/** The values of one line by name: numbers as their digits. */
export function readAnswer(line: string): Map<string, unknown> {
  const digits = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? { digits: context!.source } : value;
  return new Map(Object.entries(JSON.parse(line, digits) as object));
}

/** What a value of this column says, in a form that is equal for equal values only. */
export function normalizedJson(json: unknown, column: ColumnSpec): unknown {
  if (json === null) return null;
  const digits = (json as { readonly digits?: string }).digits;
  switch (column.type) {
    case "int64":
      return BigInt(digits!);
    case "int32":
    case "float64":
      return Number(digits);
    case "decimal": {
      if ((/\.(\d+)$/.exec(json as string)?.[1]?.length ?? 0) !== column.scale)
        throw new Error(`${String(json)} has not ${column.scale} fraction digits`);
      return BigInt((json as string).replace(".", ""));
    }
    case "timestamp":
      if (!/\.\d{6}Z$/.test(json as string)) throw new Error(`${String(json)} has no microseconds`);
      return parseTime(json as string, null);
    case "date":
      return parseDate(json as string);
    case "bytes":
      return Buffer.from(json as string, "base64").toString("hex");
    default:
      return json;
  }
}

/** A value of the oracle in the same form. */
export function normalizedValue(value: Value, column: ColumnSpec): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value !== null && column.type === "json")
    return readAnswer(`{"value":${value as string}}`).get("value");
  return value;
}
