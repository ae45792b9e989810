/** The identity of a key: as bytes for a cell of the online store, and as text for a Map. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ValueType, Value } from "../specs.ts";
import { ByteWriter } from "./bytes.ts";
import { compareStrings } from "./compare.ts";

/** The first byte of every cell key. It names the layout of the key. */
const KEY_FORMAT = 1;

/**
 * The tag of each type. Users' files hold them, so they never change.
 * int32 and int64 share a tag, so that a key column may be widened.
 */
const TYPE_TAGS: Record<ValueType, number> = {
  string: 1,
  boolean: 2,
  int32: 3,
  int64: 3,
  float64: 4,
  decimal: 5,
  timestamp: 6,
  date: 7,
  bytes: 8,
  json: 9,
};

/**
 * Makes the canonical bytes of one cell's key.
 * They are format, namespace, space, then the keys by name, each with its tag and its length.
 * 1, 1n and "1" are the same int64.
 *
 * @throws KEY_INVALID when a value is null or not of its column's type.
 */
export function cellKey(cell: {
  readonly namespace: string;
  readonly space: string;
  readonly keys: readonly { readonly column: ColumnSpec; readonly value: Value }[];
}): Uint8Array {
  return cellKeys(
    cell.namespace,
    cell.space,
    cell.keys.map((key) => key.column),
  )(cell.keys.map((key) => key.value));
}

/**
 * Makes an encoder of `cellKey` for many keys of the same columns. Values come in the order of
 * `columns`.
 */
export function cellKeys(
  namespace: string,
  space: string,
  columns: readonly ColumnSpec[],
): (values: readonly Value[]) => Uint8Array {
  const prefixWriter = new ByteWriter(64);
  prefixWriter.byte(KEY_FORMAT);
  prefixWriter.text(namespace);
  prefixWriter.text(space);
  const prefix = prefixWriter.copy();
  const order = columns
    .map((_, c) => c)
    .sort((a, b) => compareStrings(columns[a]!.name, columns[b]!.name));
  const writer = new ByteWriter(256);
  return (values) => {
    writer.clear();
    writer.raw(prefix);
    for (const c of order) writeKey(writer, columns[c]!, values[c] ?? null);
    return writer.copy();
  };
}

/**
 * A short text of a key, for use in a Map. Keys of the same columns are equal exactly if their
 * texts are.
 * The text of a single string column is nearly always the string itself.
 */
export function keyText(columns: readonly ColumnSpec[], values: readonly Value[]): string {
  if (columns.length === 1) {
    const value = values[0] ?? null;
    if (value === null) return "~";
    if (typeof value === "string") return value.charCodeAt(0) === TILDE ? "~" + value : value;
    return scalarText(value);
  }
  let text = "";
  for (let c = 0; c < columns.length; c++) {
    const value = values[c] ?? null;
    if (value === null) {
      text += "~,";
      continue;
    }
    const part = typeof value === "string" ? value : scalarText(value);
    text += typeof value === "string" ? part.length + ":" + part : part + ",";
  }
  return text;
}

const TILDE = 0x7e;

function scalarText(value: number | bigint | boolean | Uint8Array): string {
  if (typeof value !== "object") return String(value);
  let text = "";
  for (const byte of value) text += byte < 16 ? "0" + byte.toString(16) : byte.toString(16);
  return text;
}

function writeKey(writer: ByteWriter, column: ColumnSpec, value: Value): void {
  writer.byte(TYPE_TAGS[column.type]);
  switch (column.type) {
    case "string":
    case "json":
      if (typeof value !== "string") throw invalidKey(column, value);
      return writer.text(value);
    case "boolean":
      if (typeof value !== "boolean") throw invalidKey(column, value);
      writer.byte(1);
      return writer.byte(value ? 1 : 0);
    case "int32":
    case "int64":
    case "timestamp":
    case "date": {
      writer.byte(8);
      // Big-endian with the sign bit flipped, so that bytes sort as numbers do.
      return writer.int64(toInt64(column, value) ^ -INT64_LIMIT, false);
    }
    case "float64":
      if (typeof value !== "number" || !Number.isFinite(value)) throw invalidKey(column, value);
      writer.byte(8);
      return writer.float64(value === 0 ? 0 : value, false);
    case "decimal":
      if (typeof value !== "bigint") throw invalidKey(column, value);
      return writer.text(decimalKeyText(value, column.scale ?? 0));
    case "bytes":
      if (!(value instanceof Uint8Array)) throw invalidKey(column, value);
      writer.varint(value.length);
      return writer.raw(value);
  }
}

const INTEGER_TEXT = /^-?\d{1,20}$/;
const INT64_LIMIT = 1n << 63n;

function toInt64(column: ColumnSpec, value: Value): bigint {
  let exact: bigint;
  if (typeof value === "bigint") exact = value;
  else if (typeof value === "number" && Number.isSafeInteger(value)) exact = BigInt(value);
  else if (typeof value === "string" && INTEGER_TEXT.test(value)) exact = BigInt(value);
  else throw invalidKey(column, value);
  if (exact < -INT64_LIMIT || exact >= INT64_LIMIT) throw invalidKey(column, value);
  return exact;
}

/** A decimal by value, not by scale (law 3: 1.0 and 1.00 are one value). */
function decimalKeyText(unscaled: bigint, scale: number): string {
  let places = scale;
  let digits = unscaled;
  while (places > 0 && digits % 10n === 0n) {
    digits /= 10n;
    places--;
  }
  return places === 0 ? String(digits) : `${digits}e-${places}`;
}

function invalidKey(column: ColumnSpec, value: Value): TidemarkError {
  const shown =
    value === null
      ? "null"
      : typeof value === "string"
        ? JSON.stringify(value.slice(0, 40))
        : value instanceof Uint8Array
          ? "bytes"
          : `${typeof value} ${value}`;
  return new TidemarkError(
    "KEY_INVALID",
    `key ${column.name}: ${shown} is no ${column.type}; ` +
      "give every key a value of its column's type",
  );
}
