/** How each value type without parts lies in a Parquet column. */
import type { DecodedArray, SchemaElement } from "hyparquet";
import { parseFloat16 } from "hyparquet/src/convert.js";
import type { ColumnSpec, ScalarType } from "@tidemark/core/spi";
import type { ColumnValues } from "./convert.ts";
import { decimalBytes, isFloat16 } from "./elements.ts";
import { timeConverter } from "./times.ts";

/**
 * `long`: timestamps are plain int64 µs, as in Tidemark's Delta tables. `utc`: timestamps carry
 * Parquet's timestamp type, for files that other tools read.
 */
export type TimestampForm = "long" | "utc";

/** A column of values without parts. */
export type ScalarColumn = ColumnSpec & { readonly type: ScalarType };

/** Describes how Tidemark writes a column of values without parts. */
export function elementOf(column: ScalarColumn, timestamps: TimestampForm): SchemaElement {
  return {
    name: column.name,
    repetition_type: column.nullable ? "OPTIONAL" : "REQUIRED",
    ...parquetTypes[column.type].element(column, timestamps),
  };
}

type Physical = Omit<SchemaElement, "name" | "repetition_type">;

interface ParquetType {
  /** The element of a column that Tidemark writes. */
  element(column: ColumnSpec, timestamps: TimestampForm): Physical;
  /**
   * Makes the conversion of physical values; null: the element holds no values of the type.
   * `onFloored` is called for times with nanoseconds.
   */
  conversion(
    element: SchemaElement,
    column: ColumnSpec,
    onFloored: () => void,
  ): ((values: DecodedArray) => ColumnValues) | null;
}

/** Texts are read under a dictionary. See `converterFor`. */
const text: ParquetType = {
  element: () => ({ type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } }),
  conversion: () => null,
};

const int32Conversion: ParquetType["conversion"] = ({ type }) =>
  type === "INT32"
    ? (values) => (values instanceof Int32Array ? values : Int32Array.from(values as number[]))
    : null;

export const parquetTypes: Readonly<Record<ScalarType, ParquetType>> = {
  string: text,
  json: text,
  bytes: {
    element: () => ({ type: "BYTE_ARRAY" }),
    conversion: ({ type }) =>
      type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY"
        ? (values) => Array.from(values as Uint8Array[], (bytes) => bytes.slice())
        : null,
  },
  boolean: {
    element: () => ({ type: "BOOLEAN" }),
    conversion: ({ type }) => (type === "BOOLEAN" ? (values) => values as Uint8Array : null),
  },
  int32: { element: () => ({ type: "INT32" }), conversion: int32Conversion },
  date: {
    element: () => ({ type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } }),
    conversion: int32Conversion,
  },
  int64: {
    element: () => ({ type: "INT64" }),
    conversion: (element) =>
      element.type === "INT64"
        ? (values) =>
            values instanceof BigInt64Array ? values : BigInt64Array.from(values as bigint[])
        : element.type === "INT32"
          ? widenInt32(isUnsigned(element))
          : null,
  },
  float64: {
    element: () => ({ type: "DOUBLE" }),
    conversion(element) {
      if (isFloat16(element)) return (values) => Float64Array.from(values as Uint8Array[], float16);
      return element.type === "DOUBLE" || element.type === "FLOAT"
        ? (values) =>
            values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number>)
        : null;
    },
  },
  timestamp: {
    element: timeElement,
    conversion: (element, _, onFloored) =>
      element.type === "INT64" || element.type === "INT96"
        ? timeConverter(element, onFloored)
        : null,
  },
  decimal: { element: decimalElement, conversion: decimalConversion },
};

function timeElement({ zoneless, zone }: ColumnSpec, timestamps: TimestampForm): Physical {
  if (timestamps === "utc" && zoneless === true && zone === undefined)
    return {
      type: "INT64",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MICROS" },
    };
  return timestamps === "long"
    ? { type: "INT64" }
    : {
        type: "INT64",
        converted_type: "TIMESTAMP_MICROS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
      };
}

function decimalElement({ precision = 38, scale = 0 }: ColumnSpec): Physical {
  const decimal = {
    converted_type: "DECIMAL",
    precision,
    scale,
    logical_type: { type: "DECIMAL", precision, scale },
  } as const;
  if (precision <= 9) return { ...decimal, type: "INT32" };
  if (precision <= 18) return { ...decimal, type: "INT64" };
  return { ...decimal, type: "FIXED_LEN_BYTE_ARRAY", type_length: decimalBytes(precision) };
}

function decimalConversion(
  element: SchemaElement,
  column: ColumnSpec,
): ((values: DecodedArray) => ColumnValues) | null {
  const { type } = element;
  if (scaleOf(element) !== (column.scale ?? 0)) return null;
  if (type === "INT32" || type === "INT64") {
    const wide = type === "INT64" && isUnsigned(element);
    return (values) =>
      Array.from(values as ArrayLike<number | bigint>, (value) =>
        wide ? BigInt.asUintN(64, value as bigint) : BigInt(value),
      );
  }
  return type === "FIXED_LEN_BYTE_ARRAY" || type === "BYTE_ARRAY"
    ? (values) => Array.from(values as Uint8Array[], unscaledOfBytes)
    : null;
}

function widenInt32(unsignedValues: boolean): (values: DecodedArray) => ColumnValues {
  return (values) => {
    const out = new BigInt64Array(values.length);
    for (let i = 0; i < out.length; i++)
      out[i] = BigInt(unsignedValues ? (values[i] as number) >>> 0 : (values[i] as number));
    return out;
  };
}

function isUnsigned({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return (
    converted === "UINT_32" ||
    converted === "UINT_64" ||
    (logical?.type === "INTEGER" && !logical.isSigned)
  );
}

function scaleOf({ logical_type: logical, scale }: SchemaElement): number {
  return logical?.type === "DECIMAL" ? logical.scale : (scale ?? 0);
}

function float16(bytes: Uint8Array): number {
  return parseFloat16(bytes) ?? NaN;
}

/** Reads a big-endian two's complement number. */
function unscaledOfBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  let value = BigInt((bytes[0]! << 24) >> 24);
  let i = 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (; i + 8 <= bytes.length; i += 8) value = (value << 64n) | view.getBigUint64(i);
  for (; i < bytes.length; i++) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}
