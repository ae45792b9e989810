/**
 * Reads one field of a message under a declared type, from the field's JSON text. The code is
 * naive, and independent of the decoder on purpose.
 */
import type { ColumnSpec, Value } from "../../../packages/core/src/specs.ts";
import type { MessageShape } from "../generate/cells.ts";
import type { WireFormat } from "../generate/definitions.ts";

/** How a field is written: its JSON text, and the column that its writer has. */
export interface WrittenField {
  readonly json: string;
  /** The column in its table; null: no definition of the writer names the column. */
  readonly column: ColumnSpec | null;
  readonly wire: WireFormat;
  readonly shape: MessageShape;
}

/** The number `digits · 10^−scale`. */
interface ExactNumber {
  readonly digits: bigint;
  readonly scale: number;
}

const INT32 = 2n ** 31n;
const INT64 = 2n ** 63n;
/** 9999-12-31 in days. A larger number without a schema is no day. */
const LAST_DAY = 2_932_896;

/** Returns the value of the field as `declared` reads it; null: the value is missing. */
export function readField(field: WrittenField, declared: ColumnSpec): Value {
  const { json } = field;
  if (json === "null") return null;
  switch (declared.type) {
    case "int32":
    case "int64": {
      const whole = wholeOf(numberOf(field));
      const limit = declared.type === "int32" ? INT32 : INT64;
      if (whole === null || whole >= limit || whole < -limit) return null;
      return declared.type === "int32" ? Number(whole) : whole;
    }
    case "float64": {
      const number = numberOf(field);
      if (number === null) return null;
      const isNumber = !isText(json) && !json.startsWith("{");
      const value = isNumber ? Number(json) : Number(`${number.digits}e${-number.scale}`);
      return Number.isFinite(value) ? value : null;
    }
    case "decimal": {
      const number = numberOf(field);
      const digits = number === null ? null : atScale(number, declared.scale!);
      const limit = 10n ** BigInt(declared.precision!);
      return digits !== null && digits < limit && digits > -limit ? digits : null;
    }
    case "string":
      return textOf(field);
    case "json":
      return isText(json) ? jsonOf(JSON.parse(json) as string) : json;
    case "boolean":
      return json === "true" || json === "1"
        ? true
        : json === "false" || json === "0"
          ? false
          : null;
    case "date": {
      const days = /^-?\d+$/.test(json) ? Number(json) : null;
      return days === null || Math.abs(days) > LAST_DAY ? null : days;
    }
    default:
      throw new Error(`the generator declares no other column as ${declared.type}`);
  }
}

const isText = (json: string): boolean => json.startsWith('"');

function textOf(field: WrittenField): string {
  const { json, column } = field;
  if (column?.type === "decimal" && field.shape === "enveloped") {
    const number = numberOf(field);
    return number === null ? json : plainText(number);
  }
  return isText(json) ? (JSON.parse(json) as string) : json;
}

function jsonOf(text: string): string | null {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}

/** Returns the exact number of a field; null: the field is no finite number. */
function numberOf({ json, column, wire, shape }: WrittenField): ExactNumber | null {
  if (column?.type === "decimal" && shape === "enveloped") {
    const read = JSON.parse(json) as string | { readonly scale: number; readonly value: string };
    if (typeof read !== "string") return { digits: signed(read.value), scale: read.scale };
    return wire === "fixed decimal" ? { digits: signed(read), scale: column.scale! } : null;
  }
  const text = isText(json) ? (JSON.parse(json) as string) : json;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const fraction = match[3] ?? "";
  const digits = BigInt(match[2]! + fraction) * (match[1] === "-" ? -1n : 1n);
  return { digits, scale: fraction.length - Number(match[4] ?? 0) };
}

/** Reads a big-endian two's complement. */
function signed(base64: string): bigint {
  const bytes = Buffer.from(base64, "base64");
  const magnitude = [...bytes].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return bytes[0]! >= 128 ? magnitude - 256n ** BigInt(bytes.length) : magnitude;
}

/** Returns the digits at a scale; null: the number has more digits after the point. */
function atScale({ digits, scale }: ExactNumber, wanted: number): bigint | null {
  if (digits === 0n) return 0n;
  if (wanted >= scale) return digits * 10n ** BigInt(wanted - scale);
  const power = 10n ** BigInt(scale - wanted);
  return digits % power === 0n ? digits / power : null;
}

function wholeOf(number: ExactNumber | null): bigint | null {
  return number === null ? null : atScale(number, 0);
}

/** Writes a number with every digit. */
export function plainText({ digits, scale }: ExactNumber): string {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
  const sign = digits < 0n ? "-" : "";
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
