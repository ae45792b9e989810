/** Describes how a column is stored in a Parquet file. */
import type { SchemaElement } from "hyparquet";
import type { ColumnSpec } from "@tidemark/core/spi";

/**
 * `long`: timestamps are plain int64 µs, as in Tidemark's Delta tables. `utc`: timestamps carry
 * Parquet's timestamp type, for files that other tools read.
 */
export type TimestampForm = "long" | "utc";

export function elementOf(column: ColumnSpec, timestamps: TimestampForm): SchemaElement {
  const base = {
    name: column.name,
    repetition_type: column.nullable ? "OPTIONAL" : "REQUIRED",
  } as const;
  switch (column.type) {
    case "string":
    case "json":
      return {
        ...base,
        type: "BYTE_ARRAY",
        converted_type: "UTF8",
        logical_type: { type: "STRING" },
      };
    case "bytes":
      return { ...base, type: "BYTE_ARRAY" };
    case "boolean":
      return { ...base, type: "BOOLEAN" };
    case "int32":
      return { ...base, type: "INT32" };
    case "int64":
      return { ...base, type: "INT64" };
    case "float64":
      return { ...base, type: "DOUBLE" };
    case "date":
      return { ...base, type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } };
    case "timestamp":
      return timestamps === "long"
        ? { ...base, type: "INT64" }
        : {
            ...base,
            type: "INT64",
            converted_type: "TIMESTAMP_MICROS",
            logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
          };
    case "decimal": {
      const precision = column.precision ?? 38;
      const scale = column.scale ?? 0;
      const decimal = {
        ...base,
        converted_type: "DECIMAL",
        precision,
        scale,
        logical_type: { type: "DECIMAL", precision, scale },
      } as const;
      if (precision <= 9) return { ...decimal, type: "INT32" };
      if (precision <= 18) return { ...decimal, type: "INT64" };
      return { ...decimal, type: "FIXED_LEN_BYTE_ARRAY", type_length: decimalBytes(precision) };
    }
  }
}

/** Returns the fewest bytes whose two's complement holds every number of that many digits. */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  let bytes = 1;
  while (1n << BigInt(8 * bytes - 1) <= largest) bytes++;
  return bytes;
}

/** Returns the column of a leaf of a foreign file; null if Tidemark has no value type for it. */
export function columnOfElement(element: SchemaElement): ColumnSpec | null {
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
  switch (element.type) {
    case "BOOLEAN":
      return { ...base, type: "boolean" };
    case "FLOAT":
    case "DOUBLE":
      return { ...base, type: "float64" };
    case "INT96":
      return { ...base, type: "timestamp", zone: "UTC" };
    case "INT32":
      if (converted === "DATE" || logical?.type === "DATE") return { ...base, type: "date" };
      if (
        converted === "UINT_32" ||
        (logical?.type === "INTEGER" && logical.bitWidth === 32 && !logical.isSigned)
      )
        return { ...base, type: "int64" };
      return { ...base, type: "int32" };
    case "INT64":
      if (logical?.type === "TIMESTAMP")
        return { ...base, type: "timestamp", ...(logical.isAdjustedToUTC ? { zone: "UTC" } : {}) };
      if (converted === "TIMESTAMP_MILLIS" || converted === "TIMESTAMP_MICROS")
        return { ...base, type: "timestamp", zone: "UTC" };
      if (converted === "UINT_64" || (logical?.type === "INTEGER" && !logical.isSigned))
        return { ...base, type: "decimal", precision: 20, scale: 0 };
      return { ...base, type: "int64" };
    case "BYTE_ARRAY":
      if (converted === "JSON" || logical?.type === "JSON") return { ...base, type: "json" };
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
      return logical?.type === "FLOAT16" || logical?.type === "UUID" || converted === "INTERVAL"
        ? null
        : { ...base, type: "bytes" };
    default:
      return null;
  }
}
