/** The identity of a key: as bytes for a cell of the online store, and as text for a Map. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { ByteWriter } from "../bytes/bytes.ts";
import { compareStrings } from "../types/order.ts";
import { typeOf } from "../types/value-types.ts";

/** The first byte of every cell key. It names the layout of the key. */
const KEY_FORMAT = 1;

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

function scalarText(value: Exclude<Value, string | null>): string {
  if (typeof value !== "object") return String(value);
  if (!(value instanceof Uint8Array)) throw new TypeError("a value with parts is no key");
  let text = "";
  for (const byte of value) text += byte < 16 ? "0" + byte.toString(16) : byte.toString(16);
  return text;
}

function writeKey(writer: ByteWriter, column: ColumnSpec, value: Value): void {
  const { key } = typeOf(column);
  writer.byte(key.tag);
  if (value === null || !key.write(writer, value, column)) throw invalidKey(column, value);
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
