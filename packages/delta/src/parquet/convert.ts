/**
 * Converts the physical values of a Parquet column to the values of a vector. No value takes a
 * detour through a double or a Date that would lose digits.
 */
import { isAscii } from "node:buffer";
import type { DecodedArray, SchemaElement } from "hyparquet";
import type { ColumnSpec } from "@tidemark/core/spi";

export type ColumnValues =
  | Int32Array
  | Float64Array
  | BigInt64Array
  | Uint8Array
  | bigint[]
  | Uint8Array[];

export interface Converter {
  convert(values: DecodedArray): ColumnValues;
  /** For strings only: converts the plain values of a page, without a view of each. */
  readonly convertPlain: ((page: Uint8Array, count: number) => ColumnValues) | null;
  /** For strings only: the dictionary so far, which the codes index. */
  readonly dictionary: string[];
}

/** Returns the converter of a column; null if the element cannot be read as this column. */
export function converterFor(column: ColumnSpec, element: SchemaElement): Converter | null {
  const dictionary: string[] = [];
  if ((column.type === "string" || column.type === "json") && element.type === "BYTE_ARRAY") {
    const intern = stringInterner(dictionary);
    return {
      convert: (values) => intern(Array.from(values as Uint8Array[], utf8Text)),
      convertPlain: (page, count) => intern(plainTexts(page, count)),
      dictionary,
    };
  }
  const convert = conversionOf(column, element);
  return convert === null ? null : { convert, convertPlain: null, dictionary };
}

function conversionOf(
  column: ColumnSpec,
  element: SchemaElement,
): ((values: DecodedArray) => ColumnValues) | null {
  const { type } = element;
  switch (column.type) {
    case "string":
    case "json":
      return null;
    case "bytes":
      return type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY"
        ? (values) => Array.from(values as Uint8Array[], (bytes) => bytes.slice())
        : null;
    case "boolean":
      return type === "BOOLEAN"
        ? (values) => Uint8Array.from(values as boolean[], (value) => (value ? 1 : 0))
        : null;
    case "int32":
    case "date":
      return type === "INT32"
        ? (values) => (values instanceof Int32Array ? values : Int32Array.from(values as number[]))
        : null;
    case "int64":
      return type === "INT64"
        ? (values) =>
            values instanceof BigInt64Array ? values : BigInt64Array.from(values as bigint[])
        : type === "INT32"
          ? widenInt32(isUnsigned(element))
          : null;
    case "float64":
      return type === "DOUBLE" || type === "FLOAT"
        ? (values) =>
            values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number>)
        : null;
    case "timestamp":
      return type === "INT64" ? timeConverter(element) : type === "INT96" ? julianTimes : null;
    case "decimal":
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
}

/**
 * Gives each distinct string one code. A dictionary page brings every string once; a plain page
 * repeats strings.
 */
function stringInterner(dictionary: string[]): (texts: readonly string[]) => Int32Array {
  const known = new Map<string, number>();
  return (texts) => {
    const codes = new Int32Array(texts.length);
    for (let i = 0; i < codes.length; i++) {
      const text = texts[i]!;
      let code = known.get(text);
      if (code === undefined) {
        code = dictionary.length;
        dictionary.push(text);
        known.set(text, code);
      }
      codes[i] = code;
    }
    return codes;
  };
}

function utf8Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/**
 * The length below which V8 copies a substring. A longer substring would keep the whole string in
 * memory.
 */
const MAX_COPIED_LENGTH = 13;

/** Reads texts that are preceded by their lengths. */
function plainTexts(page: Uint8Array, count: number): readonly string[] {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  const whole = isAscii(bytes) ? bytes.toString("latin1") : null;
  if (!(count >= 0)) throw new Error(`a page claims ${count} texts`);
  const texts: string[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 4 > bytes.length)
      throw new Error(`${count} texts do not fit in ${bytes.length} bytes`);
    const from = at + 4;
    at = from + bytes.readUInt32LE(at);
    if (at > bytes.length) throw new Error(`${count} texts do not fit in ${bytes.length} bytes`);
    texts.push(
      whole !== null && at - from < MAX_COPIED_LENGTH
        ? whole.slice(from, at)
        : bytes.toString("utf8", from, at),
    );
  }
  return texts;
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

/**
 * Converts times to whole µs as doubles; digits beyond µs are floored (law 10: times are integers
 * of µs). NaN marks a time that is no safe integer; the reader makes it missing.
 */
function timeConverter({
  logical_type: logical,
  converted_type: converted,
}: SchemaElement): (values: DecodedArray) => ColumnValues {
  const unit =
    logical?.type === "TIMESTAMP"
      ? logical.unit
      : converted === "TIMESTAMP_MILLIS"
        ? "MILLIS"
        : "MICROS";
  return (values) => {
    const out = new Float64Array(values.length);
    const wide = values instanceof BigInt64Array ? values : BigInt64Array.from(values as bigint[]);
    if (unit === "NANOS") {
      for (let i = 0; i < out.length; i++) {
        const nanos = wide[i]!;
        out[i] = Number((nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n);
      }
      return out;
    }
    const scale = unit === "MILLIS" ? 1000 : 1;
    const halves = new Int32Array(wide.buffer, wide.byteOffset, wide.length * 2);
    for (let i = 0; i < out.length; i++) {
      const value = (halves[2 * i + 1]! * 0x1_0000_0000 + (halves[2 * i]! >>> 0)) * scale;
      out[i] = Number.isSafeInteger(value) ? value : NaN;
    }
    return out;
  };
}

/**
 * Converts INT96, which older Spark writes: nanoseconds of the day in the low bytes, the Julian day
 * in the high bytes.
 */
function julianTimes(values: DecodedArray): ColumnValues {
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const value = values[i] as bigint;
    const micros = Number(
      ((value >> 64n) - 2_440_588n) * 86_400_000_000n + (value & 0xffff_ffff_ffff_ffffn) / 1000n,
    );
    out[i] = Number.isSafeInteger(micros) ? micros : NaN;
  }
  return out;
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
