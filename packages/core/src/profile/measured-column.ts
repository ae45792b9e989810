/** What a profile measures of a column: its values, the lengths of its values, or their JSON. */
import { toHex } from "../bytes/bytes-text.ts";
import { valueAt, type Vector } from "../columns/batch.ts";
import { hashOfText } from "../expr/text-hash.ts";
import type { ColumnSpec, ScalarType } from "../specs.ts";
import { binaryNumber, decimalToDouble, type BinaryNumber } from "../statistics/rational.ts";
import { formatDate, formatTime } from "../time/parse-time.ts";
import { typeOf, valueTypes } from "../types/value-types.ts";

/**
 * A measured value. A decimal is its unscaled digits, a time µs, and a date days. An int64 is a
 * number where that is exact.
 */
export type Measured = number | bigint | string | boolean;

/** A column as a profile measures it. */
export interface MeasuredColumn {
  readonly column: ColumnSpec;
  /**
   * "length": the bytes of a bytes column, the elements of a list, the entries of a map. "json":
   * the JSON text of a struct.
   */
  readonly measures: "value" | "length" | "json";
  readonly kind: "number" | "time" | "category";
  /** The type of what is measured. */
  readonly form: ColumnSpec & { readonly type: ScalarType };
  /** Personal data: no value of it is shown or stored. */
  readonly isHidden: boolean;
  /** Makes the reader of a vector's values. Missing values and numbers that are none are null. */
  reader(vector: Vector): (row: number) => Measured | null;
  /** The order of values. */
  compare(a: Measured, b: Measured): number;
  /** The value as a double; µs for a time. Only numbers and times have one. */
  toNumber(value: Measured): number;
  /** The value as a whole number of units; of a decimal, its unscaled digits. */
  toExact(value: Measured): BinaryNumber;
  /** Shows a number of `toNumber`: a time as text. */
  shown(value: number): number | string;
}

/** A text of more UTF-16 units is shortened, and told apart by its hash. */
const LONGEST_TEXT = 256;
const KEPT_TEXT = 200;
const DAY = 86_400_000_000;
const NUMBERS: ReadonlySet<string> = new Set(["int32", "int64", "float64", "decimal"]);

/** Makes the measured column of a column. */
export function measuredColumn(column: ColumnSpec, isHidden: boolean): MeasuredColumn {
  const { type } = column;
  const measures =
    type === "bytes" || type === "list" || type === "map"
      ? "length"
      : type === "struct"
        ? "json"
        : "value";
  const form = formOf(column, measures);
  const kind = NUMBERS.has(form.type)
    ? "number"
    : form.type === "timestamp" || form.type === "date"
      ? "time"
      : "category";
  const { compare } = valueTypes[form.type];
  return {
    column,
    measures,
    kind,
    form,
    isHidden,
    reader: readerOf(column, measures),
    compare,
    ...numbersOf(form),
  };
}

function formOf(column: ColumnSpec, measures: MeasuredColumn["measures"]): MeasuredColumn["form"] {
  const { name, type, precision, scale } = column;
  const shared = { name, database: name, nullable: true };
  if (measures === "length") return { ...shared, type: "int32" };
  if (measures === "json" || type === "json") return { ...shared, type: "string" };
  return {
    ...shared,
    type: type as ScalarType,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}

function readerOf(
  column: ColumnSpec,
  measures: MeasuredColumn["measures"],
): MeasuredColumn["reader"] {
  if (measures === "length")
    return (vector) => (row) => {
      if (vector.valid !== null && vector.valid[row] === 0) return null;
      if (vector.kind === "list" || vector.kind === "map")
        return vector.offsets[row + 1]! - vector.offsets[row]!;
      return (valueAt(vector, row) as Uint8Array).length;
    };
  if (measures === "json") {
    const text = typeOf(column).jsonText(column);
    return (vector) => (row) => {
      const value = valueAt(vector, row);
      return value === null ? null : shortened(text(value));
    };
  }
  if (column.type === "float64")
    return (vector) => (row) => {
      const value = valueAt(vector, row) as number | null;
      // law 9: NaN and infinities are missing
      return value === null || !Number.isFinite(value) ? null : value;
    };
  if (column.type === "int64")
    return (vector) => (row) => {
      const value = valueAt(vector, row) as bigint | null;
      return value === null ? null : countedInteger(value);
    };
  if (column.type === "timestamp")
    return (vector) => (row) => {
      const value = valueAt(vector, row);
      return value === null ? null : Number(value);
    };
  if (column.type === "string" || column.type === "json")
    return (vector) => (row) => {
      const value = valueAt(vector, row) as string | null;
      return value === null || value.length <= LONGEST_TEXT ? value : shortened(value);
    };
  return (vector) => (row) => valueAt(vector, row) as Measured | null;
}

/** Numbers are counted faster than bigints. */
function countedInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function shortened(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  const { high, low } = hashOfText(text);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, high);
  view.setInt32(4, low);
  return `${text.slice(0, KEPT_TEXT)}… (${text.length} characters, ${toHex(bytes)})`;
}

function numbersOf({
  type,
  scale = 0,
}: MeasuredColumn["form"]): Pick<MeasuredColumn, "toNumber" | "toExact" | "shown"> {
  const shown = (value: number): number => value;
  switch (type) {
    case "decimal":
      return {
        toNumber: (value) => decimalToDouble(value as bigint, scale),
        toExact: (value) => ({ mantissa: value as bigint, exponent: 0 }),
        shown,
      };
    case "date":
      return {
        toNumber: (value) => (value as number) * DAY,
        toExact: (value) => ({ mantissa: BigInt(value as number) * BigInt(DAY), exponent: 0 }),
        shown: (value) => formatDate(Math.floor(value / DAY)),
      };
    case "timestamp":
      return {
        toNumber: (value) => value as number,
        toExact: (value) => ({ mantissa: BigInt(value as number), exponent: 0 }),
        shown: (value) => formatTime(Math.floor(value)),
      };
    default:
      return {
        toNumber: Number,
        toExact: (value) =>
          typeof value === "bigint"
            ? { mantissa: value, exponent: 0 }
            : binaryNumber(value as number),
        shown,
      };
  }
}

/** A measured value as JSON shows it. */
export function shownValue(measured: MeasuredColumn, value: Measured): number | string | boolean {
  if (measured.kind === "category") return value as string | boolean;
  return measured.shown(measured.toNumber(value));
}
