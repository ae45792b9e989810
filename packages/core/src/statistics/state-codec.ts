/** Writes and reads the parts of states: whole numbers of any size, and values. */
import { ByteReader, ByteWriter, damaged } from "../bytes/bytes.ts";
import type { Value } from "../specs.ts";

/** The tags of values in a state, by their JavaScript types. */
const TAGS = {
  null: 0,
  string: 1,
  number: 2,
  bigint: 3,
  false: 4,
  true: 5,
  bytes: 6,
  parts: 7,
} as const;

/** Writes a state with `write`, and returns its bytes. */
export function encoded(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(32);
  write(writer);
  return writer.copy();
}

/**
 * Reads a state with `read`.
 *
 * @throws STATE_DAMAGED when the bytes go on after it, or end before it.
 */
export function decoded<State>(bytes: Uint8Array, read: (reader: ByteReader) => State): State {
  const reader = new ByteReader(bytes);
  const state = read(reader);
  if (reader.position !== bytes.length) throw damaged("goes on after its end");
  return state;
}

/** Writes a whole number: twice the number of its bytes, one more if it is negative; its bytes. */
export function writeInteger(writer: ByteWriter, value: bigint): void {
  const negative = value < 0n;
  let rest = negative ? -value : value;
  const bytes: number[] = [];
  for (; rest > 0n; rest >>= 32n)
    for (let word = Number(rest & 0xffffffffn), i = 0; i < 4; i++, word >>>= 8)
      bytes.push(word & 255);
  while (bytes.at(-1) === 0) bytes.pop();
  writer.varint(bytes.length * 2 + (negative ? 1 : 0));
  writer.raw(Uint8Array.from(bytes));
}

export function readInteger(reader: ByteReader): bigint {
  const head = reader.varint();
  const bytes = reader.raw(Math.floor(head / 2));
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return head % 2 === 1 ? -value : value;
}

/** Writes a value of any type. −0 is written as 0, because the two are equal. */
export function writeValue(writer: ByteWriter, value: Value): void {
  if (value === null) writer.byte(TAGS.null);
  else if (typeof value === "string") {
    writer.byte(TAGS.string);
    // The text may be no well-formed Unicode, and comes back unit by unit.
    writer.varint(value.length);
    for (let i = 0; i < value.length; i++) writer.varint(value.charCodeAt(i));
  } else if (typeof value === "number") {
    writer.byte(TAGS.number);
    writer.float64(value === 0 ? 0 : value);
  } else if (typeof value === "bigint") {
    writer.byte(TAGS.bigint);
    writeInteger(writer, value);
  } else if (typeof value === "boolean") writer.byte(value ? TAGS.true : TAGS.false);
  else if (value instanceof Uint8Array) {
    writer.byte(TAGS.bytes);
    writer.varint(value.length);
    writer.raw(value);
  } else {
    writer.byte(TAGS.parts);
    writer.varint(value.length);
    for (const part of value) writeValue(writer, part);
  }
}

export function readValue(reader: ByteReader): Value {
  switch (reader.byte()) {
    case TAGS.null:
      return null;
    case TAGS.string: {
      let text = "";
      for (let left = reader.itemCount(); left > 0; left--)
        text += String.fromCharCode(reader.varint());
      return text;
    }
    case TAGS.number:
      return reader.float64();
    case TAGS.bigint:
      return readInteger(reader);
    case TAGS.false:
      return false;
    case TAGS.true:
      return true;
    case TAGS.bytes:
      return reader.raw(reader.varint()).slice();
    case TAGS.parts:
      return Array.from({ length: reader.itemCount() }, () => readValue(reader));
    default:
      throw damaged("has a value of an unknown type");
  }
}
