/** Generates one field of one row: its value, and how a Debezium message writes it. */
import type { ColumnSpec, Value } from "../../../packages/core/src/specs.ts";
import type { GeneratedTable, WireFormat } from "./definitions.ts";
import type { Random } from "./random.ts";

/** The form of a message: without schemas, with schemas, or unwrapped. */
export type MessageShape = "bare" | "enveloped" | "unwrapped";

/** Ways in which a field is missing or cannot be read (law 9: missing is missing). */
export type NullKind =
  | "null"
  | "null not allowed"
  | "NaN"
  | "Infinity"
  | "unreadable"
  | "infinite time"
  | "too precise";

/** A field of a row, and how its message writes the field. */
export interface Cell {
  /** The value that Tidemark must hold; null if the field is missing or unreadable. */
  readonly value: Value;
  /** The field's JSON text in a message. */
  readonly json: string;
  readonly missing: NullKind | null;
}

const unavailableText = "__debezium_unavailable_value";

/** Returns the JSON of a column's TOAST marker. */
export function toastMarkerOf(column: ColumnSpec): string {
  return column.type === "bytes"
    ? JSON.stringify(base64(new TextEncoder().encode(unavailableText)))
    : JSON.stringify(unavailableText);
}

/** Makes the field of a value. */
export function cellOf(
  random: Random,
  table: GeneratedTable,
  index: number,
  value: Value,
  shape: MessageShape,
): Cell {
  const column = table.source.columns[index]!;
  if (value === null)
    return { value: null, json: "null", missing: column.nullable ? "null" : "null not allowed" };
  const stored =
    table.wires[index] === "millis" && shape === "enveloped"
      ? Math.floor((value as number) / 1000) * 1000
      : value;
  return {
    value: stored,
    json: jsonOf(random, column, table.wires[index]!, stored, shape),
    missing: null,
  };
}

/**
 * Makes a field that a reader must refuse or take as missing; null if the column's type has no such
 * field.
 */
export function unreadableCellOf(
  random: Random,
  table: GeneratedTable,
  index: number,
  shape: MessageShape,
): Cell | null {
  const column = table.source.columns[index]!;
  const wire = table.wires[index]!;
  const bad = (json: string, missing: NullKind): Cell => ({ value: null, json, missing });
  switch (column.type) {
    case "float64":
      return random.chance(0.5)
        ? bad('"NaN"', "NaN")
        : bad(random.pick(['"Infinity"', '"-Infinity"']), "Infinity");
    case "timestamp":
      if (wire === "text time")
        return random.chance(0.2)
          ? bad('"infinity"', "infinite time")
          : bad(
              random.pick(['"not a time"', '"2025-02-30 00:00:00"', '"2025-03-04"', '""']),
              "unreadable",
            );
      if (wire === "zoned") return bad(random.pick(['"infinity"', '"-infinity"']), "infinite time");
      if (wire === "millis" && shape === "enveloped")
        return bad("9223372036825200", "infinite time");
      return bad(
        random.pick(["9223372036825200000", "-9223372036832400000", "9007199254740992"]),
        "infinite time",
      );
    case "decimal": {
      const digits = 10n ** BigInt(column.precision!) + 3n;
      if (wire === "free decimal" && random.chance(0.6)) {
        return bad(
          freeDecimal(10n ** BigInt(column.scale!) + 1n, column.scale! + 1, shape),
          "too precise",
        );
      }
      return bad(
        wire === "free decimal"
          ? freeDecimal(digits, column.scale!, shape)
          : fixedDecimal(digits, column.scale!, shape),
        "too precise",
      );
    }
    case "date":
      return bad("-2147472692", "infinite time");
    case "int32":
      return bad(random.pick(['"many"', "3000000000", "true"]), "unreadable");
    case "int64":
      return bad(random.pick(['"many"', "9223372036854775808", "true"]), "unreadable");
    case "boolean":
      return bad('"maybe"', "unreadable");
    default:
      return null;
  }
}

function jsonOf(
  random: Random,
  column: ColumnSpec,
  wire: WireFormat,
  value: Exclude<Value, null>,
  shape: MessageShape,
): string {
  switch (column.type) {
    case "string":
    case "json":
      return javaString(value as string);
    case "boolean":
    case "int32":
    case "int64":
    case "date":
      return String(value);
    case "float64":
      return javaDouble(value as number);
    case "bytes":
      return JSON.stringify(base64(value as Uint8Array));
    case "decimal":
      return wire === "free decimal"
        ? freeDecimal(value as bigint, column.scale!, shape)
        : fixedDecimal(value as bigint, column.scale!, shape);
    case "timestamp":
      switch (wire) {
        case "text time":
          return JSON.stringify(timeText(random, value as number));
        case "zoned":
          return JSON.stringify(isoMicros(value as number));
        case "millis":
          return String(shape === "enveloped" ? (value as number) / 1000 : value);
        default:
          return String(value);
      }
    default:
      throw new TypeError(`a ${column.type} is in no message`);
  }
}

/** Writes a string as Java's JSON writer does, which escapes characters beyond the basic plane. */
function javaString(text: string): string {
  return JSON.stringify(text).replace(
    /[\uD800-\uDFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Writes a double as Java prints it: 1.0, 1.0E16, 4.9E-324. */
function javaDouble(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (value === 0) return "0.0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7)
    return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  return `${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

function fixedDecimal(unscaled: bigint, scale: number, shape: MessageShape): string {
  return JSON.stringify(
    shape === "enveloped" ? base64(twosComplement(unscaled)) : decimalText(unscaled, scale),
  );
}

/** Writes a NUMERIC without a declared scale: each value carries its own. */
function freeDecimal(unscaled: bigint, scale: number, shape: MessageShape): string {
  let digits = unscaled;
  let own = scale;
  while (own > 0 && digits % 10n === 0n) {
    digits /= 10n;
    own -= 1;
  }
  return shape === "enveloped"
    ? `{"scale":${own},"value":${JSON.stringify(base64(twosComplement(digits)))}}`
    : JSON.stringify(decimalText(digits, own));
}

/** Returns big-endian bytes, as few as hold the sign. */
function twosComplement(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = Number(BigInt.asUintN(8, rest));
    bytes.unshift(byte);
    rest >>= 8n;
    if ((rest === 0n && byte < 128) || (rest === -1n && byte >= 128)) return new Uint8Array(bytes);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Formats a time in UTC with six digits and Z; years 1 to 9999. */
export function isoMicros(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros - seconds * 1e6).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/**
 * Writes an instant in one of the forms of a varchar: with a zone or none (UTC is declared), with T
 * or a space. Up to nine digits may follow, of which six count (law 10: digits beyond six are
 * floored).
 */
function timeText(random: Random, micros: number): string {
  const zone = random.pick(["", "", "", "Z", "+07", "+05:30", "-08:00"]);
  const offset = zone === "+07" ? 420 : zone === "+05:30" ? 330 : zone === "-08:00" ? -480 : 0;
  const iso = isoMicros(micros + offset * 60e6);
  const [day, clock, fraction] = [iso.slice(0, 10), iso.slice(11, 19), iso.slice(20, 26)];
  const beyond = random.chance(0.2) ? random.pick(["7", "99", "999", "001"]) : "";
  const shortest = fraction.replace(/0+$/, "");
  const digits = beyond !== "" ? fraction + beyond : random.chance(0.5) ? fraction : shortest;
  return `${day}${random.pick([" ", "T"])}${clock}${digits === "" ? "" : `.${digits}`}${zone}`;
}
