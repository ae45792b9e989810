/** Decodes the pages of one leaf of one row group into a vector. */
import type { ColumnChunk, DecodedArray } from "hyparquet";
import { TidemarkError, typeOf } from "@tidemark/core/internal/columns";
import type { ScalarVector } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";
import { pagesOfChunk } from "./chunk-pages.ts";
import { decompress, isReadable } from "./codecs.ts";
import type { LeafPlan } from "./column-plan.ts";
import { converterFor, ValueError, type ColumnValues } from "./convert.ts";
import type { GroupMemory } from "./limits.ts";
import type { ParquetNode } from "./schema-tree.ts";
import type { ScalarColumn } from "./parquet-types.ts";
import { decodePage, type DecodedPage, plainValues } from "./pages.ts";

/** The bytes in memory of one value, and whether it is there. */
const ROW_BYTES = 9;

/** The bytes in memory of the levels of one slot. */
const LEVEL_BYTES = 2;

/** One leaf of one row group, with its bytes. */
export interface StoredChunk {
  /** The name of the file and its store, for messages. */
  readonly file: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly chunk: ColumnChunk;
  readonly leaf: LeafPlan;
  readonly rows: number;
  /** The number of rows of the file before this row group. */
  readonly before: number;
  /** The rows of each data page, where an index says them. */
  readonly pageRows: readonly number[] | null;
  readonly memory: GroupMemory;
  /** Is called for each time with nanoseconds, which are floored to µs. */
  readonly onFloored: () => void;
}

/**
 * What becomes of a time beyond 2^53 µs: it is missing, or the column's times become an `int64`
 * vector.
 */
export type FarTimes = "missing" | "int64";

/** The levels of the slots of a leaf, which say where its lists, structs and nulls are. */
export interface SlotLevels {
  readonly definition: Uint8Array;
  readonly repetition: Uint8Array;
}

/**
 * Reads a column without parts of a row group.
 *
 * @throws PARQUET_TYPE when the column has another type than the declared one.
 * @throws PARQUET_UNSUPPORTED when its pages are compressed in a way that is not read.
 * @throws PARQUET_VALUE when a value cannot be carried.
 */
export function readChunk(stored: StoredChunk, farTimes: FarTimes): Vector {
  return readValues(stored, (chunk) => vectorOfChunk(stored, chunk, farTimes));
}

/** Reads a leaf of a column with parts, and its levels. It throws as `readChunk` does. */
export function readLeaf(
  stored: StoredChunk,
  farTimes: FarTimes,
): { readonly vector: Vector; readonly levels: SlotLevels } {
  return readValues(stored, (chunk) => {
    if (farTimes === "int64" && isFarTimes(stored, chunk))
      throw new ValueError("holds a time beyond 2^53 µs from 1970 inside a list, map or struct");
    return { vector: vectorOfChunk(stored, chunk, "missing"), levels: chunk.levels! };
  });
}

function readValues<T>(stored: StoredChunk, read: (chunk: DecodedChunk) => T): T {
  try {
    return read(decodeChunk(stored, false));
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw valueError(stored.file, stored.leaf.column.name, error);
  }
}

/** Names the column of a value that cannot be carried. */
export function valueError(file: string, column: string, error: ValueError): TidemarkError {
  return new TidemarkError(
    "PARQUET_VALUE",
    `${file}: column "${column}" ${error.message}; repair it, or leave the column out`,
    { cause: error },
  );
}

function vectorOfChunk(stored: StoredChunk, chunk: DecodedChunk, farTimes: FarTimes): Vector {
  const { values, valid, dictionary } = chunk;
  if (!isFarTimes(stored, chunk))
    return vectorOfValues(stored.leaf.column, values, valid, dictionary);
  return farTimes === "int64"
    ? farTimeVector(stored)
    : withoutFarTimes(values as Float64Array, valid);
}

/** Whether a time of the column is beyond 2^53 µs. */
function isFarTimes({ leaf: { column } }: StoredChunk, { values }: DecodedChunk): boolean {
  return column.type === "timestamp" && (values as Float64Array).includes(NaN);
}

interface DecodedChunk {
  readonly values: ColumnValues;
  readonly valid: Uint8Array | null;
  readonly dictionary: string[];
  /** Of a leaf of a column with parts. */
  readonly levels: SlotLevels | null;
}

/** Decodes the pages of a leaf. With `far`, times are bigints of any size. */
function decodeChunk(
  { file, bytes, chunk, leaf, rows, pageRows, memory, onFloored }: StoredChunk,
  far: boolean,
): DecodedChunk {
  const { node, column } = leaf;
  const { element } = node;
  const converter = converterFor(column, element, far, onFloored);
  if (converter === null) {
    throw new TidemarkError(
      "PARQUET_TYPE",
      `${file}: ` +
        `column "${column.name}" is stored as ${element.type} ${element.converted_type ?? ""} ` +
        `and cannot be read as ${column.type}; declare the kind the file has`,
    );
  }
  const meta = chunk.meta_data!;
  const { codec } = meta as Partial<typeof meta>;
  if (codec === undefined || !isReadable(codec))
    throw new TidemarkError(
      "PARQUET_UNSUPPORTED",
      `${file}: column "${column.name}" is compressed ` +
        `${codec === undefined ? "in a way that" : `with ${codec}, which`} Tidemark does not ` +
        "read; write the file with snappy or zstd",
    );
  const slots = Number(meta.num_values);
  if (node.repetition === 0 ? slots !== rows : !(slots >= rows))
    throw new Error(
      `column "${column.name}" has ${meta.num_values} values and its row group ${rows} rows`,
    );
  memory.spend(slots * ROW_BYTES);
  const out = far ? new Array<bigint>(slots).fill(0n) : allocate(column, slots);
  /** null: no value is missing so far. */
  let valid: Uint8Array | null = null;
  const levels = node.depth === 0 ? null : newLevels(slots, memory);
  let dictionary: ColumnValues | null = null;
  let slot = 0;
  let row = 0;
  let nulls = 0;
  for (const stored of pagesOfChunk({ bytes, codec, slots, node, pageRows, memory })) {
    const { header, body } = stored;
    if (header.type === "DICTIONARY_PAGE") {
      memory.spend(header.uncompressed_page_size);
      const page = decompress(body, header.uncompressed_page_size, codec);
      const count = header.dictionary_page_header!.num_values;
      dictionary =
        converter.convertPlain?.(page, count) ??
        converter.convert(plainValues(page, element, count));
    } else if (header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
      const page = decodePage(stored, node, codec, slots - slot, memory);
      if (page.indexed && dictionary === null)
        throw new Error(`column "${column.name}" lacks its dictionary`);
      if (levels !== null) copyLevels(levels, slot, page, node);
      const [count, presence] =
        levels === null ? [page.count, page.definition] : presenceOf(page, leaf);
      if (presence === null) valid?.fill(1, row, row + count);
      else (valid ??= new Uint8Array(slots).fill(1, 0, row)).set(presence, row);
      nulls += writePage(
        out,
        row,
        count,
        presence,
        page.indexed ? page.values : converter.convert(page.values),
        page.indexed ? dictionary : null,
      );
      slot += page.count;
      row += count;
    }
  }
  if (levels !== null) checkRows(levels, rows, column.name);
  const isWhole = row === slots;
  return {
    values: isWhole ? out : (out.slice(0, row) as ColumnValues),
    valid: nulls === 0 ? null : isWhole ? valid : valid!.slice(0, row),
    dictionary: converter.dictionary,
    levels,
  };
}

function newLevels(slots: number, memory: GroupMemory): SlotLevels {
  memory.spend(slots * LEVEL_BYTES);
  return { definition: new Uint8Array(slots), repetition: new Uint8Array(slots) };
}

function copyLevels(
  levels: SlotLevels,
  at: number,
  { count, definition, repetition }: DecodedPage,
  max: ParquetNode,
): void {
  if (definition === null) levels.definition.fill(max.definition, at, at + count);
  else levels.definition.set(definition, at);
  if (repetition !== null) levels.repetition.set(repetition, at);
}

/** The slots of a page that stand for a value or a null, and which of them have a value. */
function presenceOf(
  { count, definition }: DecodedPage,
  { node, exists }: LeafPlan,
): [count: number, presence: Uint8Array | null] {
  if (definition === null) return [count, null];
  const presence = new Uint8Array(count);
  let length = 0;
  for (let i = 0; i < count; i++)
    if (definition[i]! >= exists) presence[length++] = definition[i] === node.definition ? 1 : 0;
  return [length, presence.subarray(0, length)];
}

/** Each row begins with a slot of repetition level 0. */
function checkRows({ repetition }: SlotLevels, rows: number, column: string): void {
  let begun = 0;
  for (let i = 0; i < repetition.length; i++) if (repetition[i] === 0) begun++;
  if (begun !== rows || (rows > 0 && repetition[0] !== 0))
    throw new Error(`column "${column}" begins ${begun} rows and its row group has ${rows}`);
}

/** Decodes the times again, exactly. */
function farTimeVector(stored: StoredChunk): Vector {
  const { file, before } = stored;
  const { name } = stored.leaf.column;
  const { values, valid } = decodeChunk(stored, true);
  const times = values as bigint[];
  times.forEach((time, i) => {
    if (BigInt.asIntN(64, time) === time) return;
    throw new TidemarkError(
      "PARQUET_VALUE",
      `${file}: row ${before + i + 1}: column "${name}" holds a time ${time} µs from ` +
        "1970, which no int64 of µs holds; write an earlier time there, or leave the column out",
    );
  });
  return { kind: "int64", values: BigInt64Array.from(times), valid };
}

function allocate(column: ScalarColumn, rows: number): ColumnValues {
  const { layout } = typeOf(column);
  switch (layout.kind) {
    case "float64":
      return new Float64Array(rows);
    case "int64":
      return new BigInt64Array(rows);
    case "string":
      // the code of a missing text
      return new Int32Array(rows).fill(-1);
    default: {
      const { values } = layout.missing(rows) as Exclude<ScalarVector, { kind: "string" }>;
      return values as ColumnValues;
    }
  }
}

/** Puts the values of a page at their rows and returns how many rows have none. */
function writePage(
  out: ColumnValues,
  row: number,
  count: number,
  presence: Uint8Array | null,
  values: DecodedArray | ColumnValues,
  dictionary: ColumnValues | null,
): number {
  const source = values as ArrayLike<number>;
  const target = out as unknown as number[];
  const entries = dictionary as unknown as number[] | null;
  if (presence === null) {
    if (entries === null && ArrayBuffer.isView(out)) {
      (out as Int32Array).set(values as Int32Array, row);
      return 0;
    }
    if (entries !== null && copyEntries(out, row, count, source, entries)) return 0;
  }
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (presence !== null && presence[i] === 0) continue;
    const value = source[at++]!;
    if (entries !== null && !(value >= 0 && value < entries.length))
      throw new Error(`a value points at entry ${value} of a dictionary of ${entries.length}`);
    target[row + i] = entries === null ? value : entries[value]!;
  }
  return count - at;
}

/**
 * Copies the entries of a page without gaps, if these are arrays of numbers. Returns whether they
 * are. A loop over arrays of one kind is several times faster.
 */
function copyEntries(
  out: ColumnValues,
  row: number,
  count: number,
  indexes: ArrayLike<number>,
  entries: unknown,
): boolean {
  if (!(indexes instanceof Int32Array)) return false;
  let greatest = 0;
  for (let i = 0; i < count; i++) greatest = Math.max(greatest, indexes[i]! >>> 0);
  if (greatest >= (entries as ArrayLike<number>).length) return false;
  if (out instanceof Int32Array && entries instanceof Int32Array)
    for (let i = 0; i < count; i++) out[row + i] = entries[indexes[i]!]!;
  else if (out instanceof Float64Array && entries instanceof Float64Array)
    for (let i = 0; i < count; i++) out[row + i] = entries[indexes[i]!]!;
  else return false;
  return true;
}

/** Makes times that are no safe integer missing. */
function withoutFarTimes(times: Float64Array, valid: Uint8Array | null): Vector {
  const kept = valid ?? new Uint8Array(times.length).fill(1);
  times.forEach((time, i) => {
    if (!Number.isNaN(time)) return;
    times[i] = 0;
    kept[i] = 0;
  });
  return { kind: "float64", values: times, valid: kept };
}

function vectorOfValues(
  column: ScalarColumn,
  values: ColumnValues,
  valid: Uint8Array | null,
  dictionary: string[],
): Vector {
  const { kind } = typeOf(column).layout;
  return (
    kind === "string" ? { kind, codes: values, dictionary, valid } : { kind, values, valid }
  ) as Vector;
}
