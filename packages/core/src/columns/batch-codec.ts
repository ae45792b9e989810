/**
 * Batches as bytes, for cells of the online store: column by column, small numbers as varints, strings by dictionary, a constant column once.
 * The columns are known to both sides; only their values travel. Every block starts with its encoding and its length, so a reader may skip it.
 */
import type { ColumnSpec, Value } from "../model.ts";
import { vectorBuilder, type Batch, type Vector } from "./batch.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

const CONSTANT = 0;
const PLAIN = 1;
const NULLS = 2;

/** Rows in the order of `columns`. */
export function encodeRows(columns: readonly ColumnSpec[], rows: readonly (readonly Value[])[]): Uint8Array {
  const writer = new ByteWriter(64 + rows.length * columns.length * 4);
  writer.count(rows.length);
  const block = new ByteWriter(64 + rows.length * 8);
  for (let c = 0; c < columns.length; c++) {
    block.clear();
    encodeColumn(block, columns[c]!, rows, c);
    writer.count(block.length);
    writer.raw(block.view());
  }
  return writer.copy();
}

/** The batch of these bytes; only the columns in `wanted` (indexes), all without it. */
export function decodeRows(columns: readonly ColumnSpec[], bytes: Uint8Array, wanted?: readonly number[]): Batch {
  const reader = new ByteReader(bytes);
  const length = reader.count();
  const vectors: Vector[] = [];
  const read: ColumnSpec[] = [];
  for (let c = 0; c < columns.length; c++) {
    const size = reader.count();
    const end = reader.at + size;
    if (wanted === undefined || wanted.includes(c)) {
      vectors.push(decodeColumn(reader, columns[c]!, length));
      read.push(columns[c]!);
    }
    reader.at = end;
  }
  return { length, columns: read, vectors };
}

function encodeColumn(writer: ByteWriter, column: ColumnSpec, rows: readonly (readonly Value[])[], c: number): void {
  if (rows.length === 0) return;
  const first = rows[0]![c]!;
  let constant = true;
  let missing = false;
  for (const row of rows) {
    const value = row[c]!;
    if (value === null) missing = true;
    if (!Object.is(value, first)) constant = false;
  }
  if (constant && rows.length > 1) {
    writer.byte(CONSTANT);
    writer.byte(first === null ? NULLS : PLAIN);
    if (first !== null) encodeValues(writer, column, [first]);
    return;
  }
  const values: Exclude<Value, null>[] = [];
  if (missing) {
    writer.byte(NULLS);
    let bits = 0;
    for (let i = 0; i < rows.length; i++) {
      const value = rows[i]![c]!;
      if (value !== null) {
        bits |= 1 << (i & 7);
        values.push(value);
      }
      if ((i & 7) === 7 || i === rows.length - 1) {
        writer.byte(bits);
        bits = 0;
      }
    }
  } else {
    writer.byte(PLAIN);
    for (const row of rows) values.push(row[c]!);
  }
  encodeValues(writer, column, values);
}

function decodeColumn(reader: ByteReader, column: ColumnSpec, length: number): Vector {
  const builder = vectorBuilder(column, Math.max(length, 1));
  if (length === 0) return builder.finish();
  const form = reader.byte();
  if (form === CONSTANT) {
    const value = reader.byte() === NULLS ? null : valueReader(reader, column, 1)();
    for (let i = 0; i < length; i++) builder.push(value);
    return builder.finish();
  }
  if (form === PLAIN) {
    const next = valueReader(reader, column, length);
    for (let i = 0; i < length; i++) builder.push(next());
    return builder.finish();
  }
  const bits = reader.raw((length + 7) >>> 3);
  let present = 0;
  for (let i = 0; i < length; i++) present += (bits[i >>> 3]! >>> (i & 7)) & 1;
  const next = present === 0 ? null : valueReader(reader, column, present);
  for (let i = 0; i < length; i++) builder.push(((bits[i >>> 3]! >>> (i & 7)) & 1) === 1 ? next!() : null);
  return builder.finish();
}

// ---- values of one kind, none of them null -------------------------------------------------------------------------

const RAW = 0;
const VARINT = 1;

function encodeValues(writer: ByteWriter, column: ColumnSpec, values: readonly Exclude<Value, null>[]): void {
  switch (column.kind) {
    case "string": case "json": return encodeStrings(writer, values as readonly string[]);
    case "boolean":
      for (const value of values) writer.byte(value === true ? 1 : 0);
      return;
    case "int32": case "date": case "timestamp": return encodeDeltas(writer, values as readonly number[]);
    case "float64":
      for (const value of values) writer.float64(value as number);
      return;
    case "int64": return encodeInt64s(writer, values as readonly bigint[]);
    case "decimal":
      for (const value of values) writer.text(String(value));
      return;
    case "bytes":
      for (const value of values) {
        writer.count((value as Uint8Array).length);
        writer.raw(value as Uint8Array);
      }
  }
}

/** Reads one value a call. `count` is how many there are. */
function valueReader(reader: ByteReader, column: ColumnSpec, count: number): () => Exclude<Value, null> {
  switch (column.kind) {
    case "string": case "json": return stringReader(reader);
    case "boolean": return () => reader.byte() === 1;
    case "int32": case "date": case "timestamp": return deltaReader(reader);
    case "float64": return () => reader.float64();
    case "int64": return int64Reader(reader);
    case "decimal": return () => BigInt(reader.text());
    case "bytes": return () => reader.raw(reader.count()).slice();
  }
  throw new TypeError(`${count} values of an unknown kind`);
}

function encodeStrings(writer: ByteWriter, values: readonly string[]): void {
  const codes = new Map<string, number>();
  for (const value of values) if (!codes.has(value)) codes.set(value, codes.size);
  writer.count(codes.size);
  for (const value of codes.keys()) writer.text(value);
  if (codes.size === 1) return;
  for (const value of values) writer.count(codes.get(value)!);
}

function stringReader(reader: ByteReader): () => string {
  const dictionary = Array.from({ length: reader.count() }, () => reader.text());
  return dictionary.length === 1 ? () => dictionary[0]! : () => dictionary[reader.count()]!;
}

/** Differences of safe integers, where those are safe themselves; else the doubles. */
function encodeDeltas(writer: ByteWriter, values: readonly number[]): void {
  let previous = 0;
  const safe = values.every((value) => {
    const delta = value - previous;
    previous = value;
    return Number.isSafeInteger(value) && Math.abs(delta) < 2 ** 51;
  });
  writer.byte(safe ? VARINT : RAW);
  previous = 0;
  for (const value of values) {
    if (safe) writer.zigzag(value - previous);
    else writer.float64(value);
    previous = value;
  }
}

function deltaReader(reader: ByteReader): () => number {
  if (reader.byte() === RAW) return () => reader.float64();
  let previous = 0;
  return () => (previous += reader.zigzag());
}

function encodeInt64s(writer: ByteWriter, values: readonly bigint[]): void {
  const limit = 2n ** 50n;
  const small = values.every((value) => value > -limit && value < limit);
  writer.byte(small ? VARINT : RAW);
  let previous = 0;
  for (const value of values) {
    if (!small) { writer.int64(value); continue; }
    const number = Number(value);
    writer.zigzag(number - previous);
    previous = number;
  }
}

function int64Reader(reader: ByteReader): () => bigint {
  if (reader.byte() === RAW) return () => reader.int64();
  let previous = 0;
  return () => BigInt((previous += reader.zigzag()));
}
