/** Describes how a column is stored in a Parquet file. */
import type { SchemaElement } from "hyparquet";
import type { ColumnSpec } from "@tidemark/core/spi";
import { isTimeOfDay } from "./times.ts";

/** Returns the fewest bytes whose two's complement holds every number of that many digits. */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  let bytes = 1;
  while (1n << BigInt(8 * bytes - 1) <= largest) bytes++;
  return bytes;
}

export function isUuid({
  type,
  type_length: width,
  logical_type: logical,
}: SchemaElement): boolean {
  return type === "FIXED_LEN_BYTE_ARRAY" && width === 16 && logical?.type === "UUID";
}

export function isFloat16({
  type,
  type_length: width,
  logical_type: logical,
}: SchemaElement): boolean {
  return type === "FIXED_LEN_BYTE_ARRAY" && width === 2 && logical?.type === "FLOAT16";
}

export function isJson({
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): boolean {
  return converted === "JSON" || logical?.type === "JSON";
}

/**
 * Returns the column of a leaf of a foreign file; null if Tidemark has no value type for it. A uuid
 * and a time of day become text. `utcInt96` says that times of 96 bits are instants.
 */
export function columnOfElement(element: SchemaElement, utcInt96: boolean): ColumnSpec | null {
  const { name, converted_type: converted, logical_type: logical } = element;
  const base = { name, database: name, nullable: element.repetition_type !== "REQUIRED" };
  if (element.repetition_type === "REPEATED" || element.num_children) return null;
  if (converted === "DECIMAL" || logical?.type === "DECIMAL") {
    const [precision, scale] =
      logical?.type === "DECIMAL"
        ? [logical.precision, logical.scale]
        : [element.precision ?? 38, element.scale ?? 0];
    return precision <= 38 ? { ...base, type: "decimal", precision, scale } : null;
  }
  if (isUuid(element) || isTimeOfDay(element)) return { ...base, type: "string" };
  const instant = { ...base, type: "timestamp", zone: "UTC" } as const;
  const local = { ...base, type: "timestamp", zoneless: true } as const;
  switch (element.type) {
    case "BOOLEAN":
      return { ...base, type: "boolean" };
    case "FLOAT":
    case "DOUBLE":
      return { ...base, type: "float64" };
    case "INT96":
      return utcInt96 ? instant : local;
    case "INT32":
      if (converted === "DATE" || logical?.type === "DATE") return { ...base, type: "date" };
      if (
        converted === "UINT_32" ||
        (logical?.type === "INTEGER" && logical.bitWidth === 32 && !logical.isSigned)
      )
        return { ...base, type: "int64" };
      return { ...base, type: "int32" };
    case "INT64":
      if (logical?.type === "TIMESTAMP") return logical.isAdjustedToUTC ? instant : local;
      if (converted === "TIMESTAMP_MILLIS" || converted === "TIMESTAMP_MICROS") return instant;
      if (converted === "UINT_64" || (logical?.type === "INTEGER" && !logical.isSigned))
        return { ...base, type: "decimal", precision: 20, scale: 0 };
      return { ...base, type: "int64" };
    case "BYTE_ARRAY":
      if (isJson(element)) return { ...base, type: "json" };
      return {
        ...base,
        type:
          converted === "UTF8" ||
          converted === "ENUM" ||
          logical?.type === "STRING" ||
          logical?.type === "ENUM"
            ? "string"
            : "bytes",
      };
    case "FIXED_LEN_BYTE_ARRAY":
      if (isFloat16(element)) return { ...base, type: "float64" };
      return converted === "INTERVAL" ? null : { ...base, type: "bytes" };
    default:
      return null;
  }
}

/** Says what a column without a value type holds, such as `a list`. */
export function describedElement(element: SchemaElement): string {
  const { converted_type: converted, logical_type: logical } = element;
  if (logical?.type === "LIST" || converted === "LIST" || element.repetition_type === "REPEATED")
    return "a list";
  if (logical?.type === "MAP" || converted === "MAP" || converted === "MAP_KEY_VALUE")
    return "a map";
  if (element.num_children) return "a struct";
  if (converted === "INTERVAL") return "an interval";
  if (converted === "DECIMAL" || logical?.type === "DECIMAL")
    return `a decimal of ${element.precision ?? "more than 38"} digits`;
  return `${logical?.type ?? converted ?? element.type ?? "of an unknown type"}`;
}
