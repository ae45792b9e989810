/**
 * Batches as bytes, for cells of the online store: column by column, small numbers as varints, strings by dictionary, a constant column once.
 * The columns are known to both sides; only their values travel. Every block starts with its encoding and its length, so a reader may skip it.
 */
import type { ColumnSpec, Value } from "../model.ts";
import { vectorBuilder, type Batch, type Vector } from "./batch.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";

const CONSTANT = 0;
const PLAIN = 1;
const NULLS = 2;
/** More than any cell holds; a damaged length beyond it is refused before room is made for it. */
const MOST_ROWS = 2 ** 24;

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

/** The batch of these bytes; only the columns in `wanted` (indexes), all without it. Throws `STATE_DAMAGED`. */
export function decodeRows(columns: readonly ColumnSpec[], bytes: Uint8Array, wanted?: readonly number[]): Batch {
  const reader = new ByteReader(bytes);
  const length = reader.count();
  if (length > MOST_ROWS) throw damaged(`claims ${length} rows`);
  const vectors: Vector[] = [];
  const read: ColumnSpec[] = [];
  for (let c = 0; c < columns.length; c++) {
    const size = reader.items();
    const end = reader.at + size;
    if (wanted === undefined || wanted.includes(c)) {
      vectors.push(decodeColumn(reader, columns[c]!, length));
      read.push(columns[c]!);
      if (reader.at > end) throw damaged(`has a column ${columns[c]!.name} longer than it says`);
    }
    reader.at = end;
  }
  return { length, columns: read, vectors };
}

function encodeColumn(writer: ByteWriter, column: ColumnSpec, rows: readonly (readonly Value[])[], c: number): void {
  if (rows.length === 0) return;
  const first = rows[0]![c]!;
  if (rows.length > 1 && rows.every((row) => Object.is(row[c], first))) {
    writer.byte(CONSTANT);
    writer.byte(first === null ? NULLS : PLAIN);
    if (first !== null) encodeValues(writer, column, [first]);
    return;
  }
  const values: Exclude<Value, null>[] = [];
  if (rows.some((row) => row[c] === null)) {
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
  if (length === 0) return vectorBuilder(column, 1).finish();
  const form = reader.byte();
  if (form === PLAIN) return decodeValues(reader, column, length);
  if (form === CONSTANT) {
    const missing = reader.byte() === NULLS;
    const places = new Int32Array(length);
    return spread(missing ? vectorBuilder(column, 1).finish() : decodeValues(reader, column, 1), places, missing ? new Uint8Array(length) : null);
  }
  if (form !== NULLS) throw damaged(`has a column of form ${form}`);
  const bits = reader.raw((length + 7) >>> 3);
  const valid = new Uint8Array(length);
  const places = new Int32Array(length);
  let present = 0;
  for (let i = 0; i < length; i++) {
    valid[i] = (bits[i >>> 3]! >>> (i & 7)) & 1;
    places[i] = present;
    present += valid[i]!;
  }
  return spread(present === 0 ? vectorBuilder(column, 1).finish() : decodeValues(reader, column, present), places, valid);
}

/** Value `places[i]` of a vector without gaps at row `i`; what is not valid is 0. */
function spread(dense: Vector, places: Int32Array, valid: Uint8Array | null): Vector {
  const { length } = places;
  switch (dense.is) {
    case "string": return storedStrings(scattered(new Int32Array(length).fill(-1), dense.codes, places, valid), valid, () => dense.dictionary);
    case "int64": return { is: "int64", values: scattered(new BigInt64Array(length), dense.values, places, valid), valid };
    case "int32": return { is: "int32", values: scattered(new Int32Array(length), dense.values, places, valid), valid };
    case "float64": return { is: "float64", values: scattered(new Float64Array(length), dense.values, places, valid), valid };
    case "boolean": return { is: "boolean", values: scattered(new Uint8Array(length), dense.values, places, valid), valid };
    case "big": return { is: "big", values: scattered(new Array<bigint>(length).fill(0n), dense.values, places, valid), valid };
    case "bytes": return { is: "bytes", values: scattered(new Array<Uint8Array>(length).fill(NO_BYTES), dense.values, places, valid), valid };
  }
}

function scattered<T extends { [i: number]: unknown; readonly length: number }>(into: T, from: { readonly [i: number]: T[number] }, places: Int32Array, valid: Uint8Array | null): T {
  for (let i = 0; i < into.length; i++) if (valid === null || valid[i] === 1) into[i as number] = from[places[i]!];
  return into;
}

const NO_BYTES = new Uint8Array(0);

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

/** `count` values, none of them missing. */
function decodeValues(reader: ByteReader, column: ColumnSpec, count: number): Vector {
  switch (column.kind) {
    case "string": case "json": return decodeStrings(reader, count);
    case "boolean": return { is: "boolean", values: reader.raw(count).slice(), valid: null };
    case "int32": case "date": return { is: "int32", values: decodeDeltas(reader, new Int32Array(count)), valid: null };
    case "timestamp": return { is: "float64", values: decodeDeltas(reader, new Float64Array(count)), valid: null };
    case "float64": return { is: "float64", values: reader.float64s(count), valid: null };
    case "int64": return { is: "int64", values: decodeInt64s(reader, count), valid: null };
    case "decimal": return { is: "big", values: Array.from({ length: count }, () => decimalFrom(reader.text())), valid: null };
    case "bytes": return { is: "bytes", values: Array.from({ length: count }, () => reader.raw(reader.count()).slice()), valid: null };
  }
}

function encodeStrings(writer: ByteWriter, values: readonly string[]): void {
  const known = new Map<string, number>();
  const codes = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let code = known.get(values[i]!);
    if (code === undefined) known.set(values[i]!, (code = known.size));
    codes[i] = code;
  }
  writer.count(known.size);
  for (const value of known.keys()) writer.text(value);
  if (known.size === 1) return;
  for (const code of codes) writer.count(code);
}

function decodeStrings(reader: ByteReader, count: number): Vector {
  const size = reader.items();
  const texts = reader.here();
  for (let i = 0; i < size; i++) reader.skipText();
  const codes = new Int32Array(count);
  if (size > 1) reader.counts(codes);
  for (let i = 0; i < count; i++) if (codes[i]! >= size) throw damaged("has a text that its dictionary lacks");
  return storedStrings(codes, null, () => Array.from({ length: size }, () => texts.text()));
}

type Strings = Extract<Vector, { is: "string" }>;

/** Texts are decoded when somebody looks at one: to count the different ones, their codes are enough. */
function storedStrings(codes: Int32Array, valid: Uint8Array | null, decode: () => readonly string[]): Strings {
  let texts: readonly string[] | null = null;
  return { is: "string", codes, valid, get dictionary() { return (texts ??= decode()); } };
}

function decimalFrom(text: string): bigint {
  if (!/^-?\d{1,39}$/.test(text)) throw damaged("has a decimal without digits");
  return BigInt(text);
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

function decodeDeltas<T extends Int32Array | Float64Array>(reader: ByteReader, values: T): T {
  if (reader.byte() !== RAW) reader.deltas(values);
  else for (let i = 0; i < values.length; i++) values[i] = reader.float64();
  return values;
}

function encodeInt64s(writer: ByteWriter, values: readonly bigint[]): void {
  // A bigint beyond 2^50 is no less as a double, and one below it is exact.
  const numbers = new Float64Array(values.length);
  let small = true;
  for (let i = 0; i < values.length; i++) {
    numbers[i] = Number(values[i]!);
    if (Math.abs(numbers[i]!) >= 2 ** 50) small = false;
  }
  writer.byte(small ? VARINT : RAW);
  let previous = 0;
  for (let i = 0; i < values.length; i++) {
    if (small) writer.zigzag(numbers[i]! - previous);
    else writer.int64(values[i]!);
    previous = numbers[i]!;
  }
}

function decodeInt64s(reader: ByteReader, count: number): BigInt64Array {
  const values = new BigInt64Array(count);
  const raw = reader.byte() === RAW;
  let previous = 0;
  for (let i = 0; i < count; i++) values[i] = raw ? reader.int64() : BigInt((previous += reader.zigzag()));
  return values;
}
