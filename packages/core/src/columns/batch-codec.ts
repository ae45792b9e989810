/**
 * Encodes batches as bytes, for cells of the online store.
 * Columns are encoded one by one: numbers as varints, strings by dictionary, a constant column
 * once.
 * Only values are stored, because writer and reader both know the columns.
 * Every block starts with its encoding and its length, so a reader may skip it.
 */
import type { ColumnSpec, Value } from "../specs.ts";
import { vectorBuilder, type Batch, type Vector } from "./batch.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";

const CONSTANT = 0;
const PLAIN = 1;
const NULLS = 2;
/**
 * More rows than any cell holds. A damaged length beyond it is refused before memory is allocated.
 */
const MAX_BATCH_ROWS = 2 ** 24;

/** Encodes rows whose values come in the order of `columns`. */
export function encodeRows(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
): Uint8Array {
  const writer = new ByteWriter(64 + rows.length * columns.length * 4);
  writer.varint(rows.length);
  const block = new ByteWriter(64 + rows.length * 8);
  for (let c = 0; c < columns.length; c++) {
    block.clear();
    encodeColumn(block, columns[c]!, rows, c);
    writer.varint(block.length);
    writer.raw(block.view());
  }
  return writer.copy();
}

/**
 * Decodes a batch. `wanted` has the indexes of the columns to decode; all columns without it.
 *
 * @throws STATE_DAMAGED when the bytes are not those of such a batch.
 */
export function decodeRows(
  columns: readonly ColumnSpec[],
  bytes: Uint8Array,
  wanted?: readonly number[],
): Batch {
  return readRows(columns, new ByteReader(bytes), wanted);
}

/** Decodes a batch from the reader's position. See `decodeRows`. */
export function readRows(
  columns: readonly ColumnSpec[],
  reader: ByteReader,
  wanted?: readonly number[],
): Batch {
  return decode(columns, projectionOf(columns, wanted), reader, newArrays);
}

/**
 * Makes a decoder that decodes one batch after another into the same arrays.
 * The next batch makes the one before it void. Vectors may be longer than the batch.
 * The decoder starts at the reader's position.
 *
 * @throws STATE_DAMAGED when the bytes are not those of such batches.
 */
export function reusingDecoder(
  columns: readonly ColumnSpec[],
  wanted?: readonly number[],
): (reader: ByteReader) => Batch {
  const picked = projectionOf(columns, wanted);
  const arrays = reusedArrays();
  return (reader) => {
    arrays.reset();
    return decode(columns, picked, reader, arrays);
  };
}

interface Projection {
  /** Whether each column is decoded. */
  readonly included: readonly boolean[];
  readonly columns: readonly ColumnSpec[];
}

function projectionOf(
  columns: readonly ColumnSpec[],
  wanted: readonly number[] | undefined,
): Projection {
  const included = columns.map((_, c) => wanted === undefined || wanted.includes(c));
  return { included, columns: columns.filter((_, c) => included[c]) };
}

function decode(
  columns: readonly ColumnSpec[],
  { included, columns: read }: Projection,
  reader: ByteReader,
  arrays: ArrayAllocator,
): Batch {
  const length = reader.varint();
  if (length > MAX_BATCH_ROWS) throw damaged(`claims ${length} rows`);
  const vectors: Vector[] = [];
  for (let c = 0; c < columns.length; c++) {
    const size = reader.itemCount();
    const end = reader.position + size;
    if (included[c] === true) {
      vectors.push(decodeColumn(reader, columns[c]!, length, arrays));
      if (reader.position > end)
        throw damaged(`has a column ${columns[c]!.name} longer than it says`);
    }
    reader.position = end;
  }
  return { length, columns: read, vectors };
}

/** Allocates the arrays of vectors. Each array has at least `length` items, with any content. */
interface ArrayAllocator {
  bytes(length: number): Uint8Array;
  int32(length: number): Int32Array;
  int64(length: number): BigInt64Array;
  float64(length: number): Float64Array;
}

const newArrays: ArrayAllocator = {
  bytes: (length) => new Uint8Array(length),
  int32: (length) => new Int32Array(length),
  int64: (length) => new BigInt64Array(length),
  float64: (length) => new Float64Array(length),
};

/**
 * An allocator that hands out the same arrays again after each reset, in the same order.
 * Allocating a typed array costs more than decoding into it.
 */
function reusedArrays(): ArrayAllocator & { reset(): void } {
  const kinds = {
    bytes: arrayPool(newArrays.bytes),
    int32: arrayPool(newArrays.int32),
    int64: arrayPool(newArrays.int64),
    float64: arrayPool(newArrays.float64),
  };
  return {
    bytes: kinds.bytes.take,
    int32: kinds.int32.take,
    int64: kinds.int64.take,
    float64: kinds.float64.take,
    reset() {
      kinds.bytes.reset();
      kinds.int32.reset();
      kinds.int64.reset();
      kinds.float64.reset();
    },
  };
}

function arrayPool<A extends { readonly length: number }>(
  make: (length: number) => A,
): { take(length: number): A; reset(): void } {
  const arrays: A[] = [];
  let used = 0;
  return {
    take(length) {
      const reused = arrays[used];
      if (reused !== undefined && reused.length >= length) {
        used++;
        return reused;
      }
      return (arrays[used++] = make(length + (length >>> 1)));
    },
    reset() {
      used = 0;
    },
  };
}

function encodeColumn(
  writer: ByteWriter,
  column: ColumnSpec,
  rows: readonly (readonly Value[])[],
  c: number,
): void {
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

function decodeColumn(
  reader: ByteReader,
  column: ColumnSpec,
  length: number,
  arrays: ArrayAllocator,
): Vector {
  if (length === 0) return vectorBuilder(column, 1).finish();
  const form = reader.byte();
  if (form === PLAIN) return decodeValues(reader, column, length, arrays);
  const denseIndexes = arrays.int32(length);
  if (form === CONSTANT) {
    const missing = reader.byte() === NULLS;
    denseIndexes.fill(0, 0, length);
    return expandDense(
      missing ? vectorBuilder(column, 1).finish() : decodeValues(reader, column, 1, arrays),
      length,
      denseIndexes,
      missing ? arrays.bytes(length).fill(0, 0, length) : null,
      arrays,
    );
  }
  if (form !== NULLS) throw damaged(`has a column of form ${form}`);
  const bits = reader.raw((length + 7) >>> 3);
  const valid = arrays.bytes(length);
  let present = 0;
  for (let i = 0; i < length; i++) {
    valid[i] = (bits[i >>> 3]! >>> (i & 7)) & 1;
    denseIndexes[i] = present;
    present += valid[i]!;
  }
  return expandDense(
    present === 0
      ? vectorBuilder(column, 1).finish()
      : decodeValues(reader, column, present, arrays),
    length,
    denseIndexes,
    valid,
    arrays,
  );
}

/**
 * Spreads a vector without gaps: row `i` gets the value `denseIndexes[i]`. Missing values become 0.
 */
function expandDense(
  dense: Vector,
  length: number,
  denseIndexes: Int32Array,
  valid: Uint8Array | null,
  arrays: ArrayAllocator,
): Vector {
  switch (dense.kind) {
    case "string":
      return new LazyStrings(
        scatter(arrays.int32(length), dense.codes, -1, length, denseIndexes, valid),
        valid,
        () => dense.dictionary,
      );
    case "int64":
      return {
        kind: "int64",
        values: scatter(arrays.int64(length), dense.values, 0n, length, denseIndexes, valid),
        valid,
      };
    case "int32":
      return {
        kind: "int32",
        values: scatter(arrays.int32(length), dense.values, 0, length, denseIndexes, valid),
        valid,
      };
    case "float64":
      return {
        kind: "float64",
        values: scatter(arrays.float64(length), dense.values, 0, length, denseIndexes, valid),
        valid,
      };
    case "boolean":
      return {
        kind: "boolean",
        values: scatter(arrays.bytes(length), dense.values, 0, length, denseIndexes, valid),
        valid,
      };
    case "big":
      return {
        kind: "big",
        values: scatter(new Array<bigint>(length), dense.values, 0n, length, denseIndexes, valid),
        valid,
      };
    case "bytes":
      return {
        kind: "bytes",
        values: scatter(
          new Array<Uint8Array>(length),
          dense.values,
          NO_BYTES,
          length,
          denseIndexes,
          valid,
        ),
        valid,
      };
  }
}

function scatter<T extends { [i: number]: unknown }>(
  into: T,
  from: { readonly [i: number]: T[number] },
  nothing: T[number],
  length: number,
  denseIndexes: Int32Array,
  valid: Uint8Array | null,
): T {
  for (let i = 0; i < length; i++)
    into[i as number] = valid === null || valid[i] === 1 ? from[denseIndexes[i]!] : nothing;
  return into;
}

const NO_BYTES = new Uint8Array(0);

// ---- values of one type, none of them null

const RAW = 0;
const VARINT = 1;

function encodeValues(
  writer: ByteWriter,
  column: ColumnSpec,
  values: readonly Exclude<Value, null>[],
): void {
  switch (column.type) {
    case "string":
    case "json":
      return encodeStrings(writer, values as readonly string[]);
    case "boolean":
      for (const value of values) writer.byte(value === true ? 1 : 0);
      return;
    case "int32":
    case "date":
    case "timestamp":
      return encodeDeltas(writer, values as readonly number[]);
    case "float64":
      for (const value of values) writer.float64(value as number);
      return;
    case "int64":
      return encodeInt64s(writer, values as readonly bigint[]);
    case "decimal":
      for (const value of values) writer.text(String(value));
      return;
    case "bytes":
      for (const value of values) {
        writer.varint((value as Uint8Array).length);
        writer.raw(value as Uint8Array);
      }
  }
}

/** Decodes `count` values, none of them missing. */
function decodeValues(
  reader: ByteReader,
  column: ColumnSpec,
  count: number,
  arrays: ArrayAllocator,
): Vector {
  switch (column.type) {
    case "string":
    case "json":
      return decodeStrings(reader, count, arrays);
    case "boolean": {
      const values = arrays.bytes(count);
      values.set(reader.raw(count));
      return { kind: "boolean", values, valid: null };
    }
    case "int32":
    case "date":
      return {
        kind: "int32",
        values: decodeDeltas(reader, arrays.int32(count), count),
        valid: null,
      };
    case "timestamp":
      return {
        kind: "float64",
        values: decodeDeltas(reader, arrays.float64(count), count),
        valid: null,
      };
    case "float64": {
      const values = arrays.float64(count);
      reader.float64s(values, count);
      return { kind: "float64", values, valid: null };
    }
    case "int64":
      return {
        kind: "int64",
        values: decodeInt64s(reader, arrays.int64(count), count),
        valid: null,
      };
    case "decimal":
      return {
        kind: "big",
        values: Array.from({ length: count }, () => parseDecimalDigits(reader.text())),
        valid: null,
      };
    case "bytes":
      return {
        kind: "bytes",
        values: Array.from({ length: count }, () => reader.raw(reader.varint()).slice()),
        valid: null,
      };
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
  writer.varint(known.size);
  for (const value of known.keys()) writer.text(value);
  if (known.size === 1) return;
  for (const code of codes) writer.varint(code);
}

function decodeStrings(reader: ByteReader, count: number, arrays: ArrayAllocator): Vector {
  const size = reader.itemCount();
  const texts = reader.fork();
  for (let i = 0; i < size; i++) reader.skipText();
  const codes = arrays.int32(count);
  if (size > 1) reader.varints(codes, count);
  else codes.fill(0, 0, count);
  for (let i = 0; i < count; i++)
    if (codes[i]! >= size) throw damaged("has a text that its dictionary lacks");
  return new LazyStrings(codes, null, () => Array.from({ length: size }, () => texts.text()));
}

type Strings = Extract<Vector, { kind: "string" }>;

/**
 * A string vector that decodes its texts on first use. Counting the different values needs only the
 * codes.
 * It is a class, because an object with its own getter costs more than reading the texts.
 */
class LazyStrings implements Strings {
  readonly kind = "string";
  readonly codes: Int32Array;
  readonly valid: Uint8Array | null;
  private readonly decode: () => readonly string[];
  private texts: readonly string[] | null = null;

  constructor(codes: Int32Array, valid: Uint8Array | null, decode: () => readonly string[]) {
    this.codes = codes;
    this.valid = valid;
    this.decode = decode;
  }

  get dictionary(): readonly string[] {
    return (this.texts ??= this.decode());
  }
}

function parseDecimalDigits(text: string): bigint {
  if (!/^-?\d{1,39}$/.test(text)) throw damaged("has a decimal without digits");
  return BigInt(text);
}

/**
 * Encodes numbers as differences if they and their differences are safe integers, else as doubles.
 */
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

function decodeDeltas<T extends Int32Array | Float64Array>(
  reader: ByteReader,
  values: T,
  count: number,
): T {
  if (reader.byte() !== RAW) reader.deltas(values, count);
  else for (let i = 0; i < count; i++) values[i] = reader.float64();
  return values;
}

function encodeInt64s(writer: ByteWriter, values: readonly bigint[]): void {
  // A bigint beyond 2^50 is at least 2^50 as a double. A smaller one is exact as a double.
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

function decodeInt64s(reader: ByteReader, values: BigInt64Array, count: number): BigInt64Array {
  const raw = reader.byte() === RAW;
  let previous = 0;
  for (let i = 0; i < count; i++)
    values[i] = raw ? reader.int64() : BigInt((previous += reader.zigzag()));
  return values;
}
