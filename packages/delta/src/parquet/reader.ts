/**
 * Reads the bytes of a Parquet file as vectors, one row group at a time. hyparquet decodes the
 * metadata; the values stay as they are in the file.
 */
import {
  type ColumnChunk,
  type DecodedArray,
  type FileMetaData,
  parquetMetadata,
  type RowGroup,
  type SchemaElement,
} from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { ColumnSpec, Vector } from "@tidemark/core/spi";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import { decompressors } from "./codecs.ts";
import { converterFor, type ColumnValues } from "./convert.ts";
import { columnOfElement } from "./elements.ts";
import { vectorKind } from "./gather.ts";
import { decodePage, type DecodedPage, plainValues } from "./pages.ts";

export interface ParquetSource {
  /** The name of the object and its store, for messages. */
  readonly name: string;
  readonly size: number;
  read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}

export interface ParquetFile {
  readonly rows: number;
  /**
   * The leaves of the file, in order, as Tidemark's columns. Nested leaves and leaves without a
   * value type are left out.
   */
  readonly columns: readonly ColumnSpec[];
  readonly groups: readonly { readonly rows: number }[];
  has(column: string): boolean;
  /**
   * Names of columns that have no value type here: lists, structs, and types that Tidemark does not
   * know.
   */
  readonly unsupportedColumns: readonly string[];
  /** False if no row of the group has a value in [min, max] in the column. */
  mayHold(
    group: number,
    range: { readonly column: string; readonly min: number; readonly max: number },
  ): boolean;
  /**
   * Reads the columns of one row group, as the value types that they name.
   *
   * @throws PARQUET_DAMAGED when the file cannot be read.
   * @throws PARQUET_TYPE when a column has another type than the declared one.
   */
  readGroup(group: number, columns: readonly ColumnSpec[]): Promise<readonly Vector[]>;
}

const FOOTER_READ_BYTES = 64 * 1024;
/** The distance (bytes) below which column chunks are fetched together. */
const MAX_GAP = 256 * 1024;

export async function openParquet(source: ParquetSource): Promise<ParquetFile> {
  return await guard(source, async () => {
    if (source.size < 12) throw new Error(`${source.size} bytes are no Parquet file`);
    let tail = await readExactly(source, Math.max(0, source.size - FOOTER_READ_BYTES), source.size);
    const footer =
      new DataView(tail.buffer, tail.byteOffset, tail.byteLength).getUint32(tail.length - 8, true) +
      8;
    if (footer > source.size)
      throw new Error(`its footer claims ${footer} bytes of ${source.size}`);
    if (footer > tail.length) tail = await readExactly(source, source.size - footer, source.size);
    const metadata = parquetMetadata(tail, { geoparquet: false });
    // A small file was read whole with its footer.
    return parquetFile(source, metadata, tail.length === source.size ? tail : null);
  });
}

function parquetFile(
  source: ParquetSource,
  footer: FileMetaData,
  whole: Uint8Array<ArrayBuffer> | null,
): ParquetFile {
  // Arrow writes a table without rows as one row group without rows.
  const metadata = {
    ...footer,
    row_groups: footer.row_groups.filter((group) => group.num_rows > 0n),
  };
  const leaves = topLevelLeaves(metadata.schema);
  const columns: ColumnSpec[] = [];
  for (const element of leaves.values()) {
    const column = columnOfElement(element);
    if (column !== null) columns.push(column);
  }
  const chunkOf = (group: RowGroup, name: string): ColumnChunk => {
    const chunk = group.columns.find(
      ({ meta_data: meta }) => meta?.path_in_schema.length === 1 && meta.path_in_schema[0] === name,
    );
    if (!chunk?.meta_data) throw new Error(`a row group lacks column "${name}"`);
    return chunk;
  };
  return {
    rows: Number(metadata.num_rows),
    columns,
    groups: metadata.row_groups.map((group) => ({ rows: Number(group.num_rows) })),
    has: (column) => leaves.has(column),
    unsupportedColumns: topLevel(metadata.schema)
      .map(({ name }) => name)
      .filter((name) => !columns.some((column) => column.name === name)),
    mayHold(index, { column, min, max }) {
      const element = leaves.get(column);
      const statistics = metadata.row_groups[index]!.columns.find(
        ({ meta_data: meta }) => meta?.path_in_schema[0] === column,
      )?.meta_data?.statistics;
      if (
        element === undefined ||
        statistics === undefined ||
        element.converted_type !== undefined ||
        element.logical_type !== undefined
      )
        return true;
      const [low, high] = [statistics.min_value, statistics.max_value];
      const comparable = (value: unknown): value is number | bigint =>
        typeof value === "number" || typeof value === "bigint";
      return !comparable(low) || !comparable(high) || (low <= max && high >= min);
    },
    readGroup: (index, requested) =>
      guard(source, async () => {
        const group = metadata.row_groups[index]!;
        const rows = Number(group.num_rows);
        const chunks = requested.map((column) => ({
          column,
          element: leaves.get(column.name)!,
          chunk: chunkOf(group, column.name),
        }));
        const fetched = await fetchChunks(
          source,
          chunks.map(({ chunk }) => byteRangeOf(chunk)),
          whole,
        );
        const vectors: Vector[] = [];
        for (const [c, { column, element, chunk }] of chunks.entries()) {
          vectors.push(readChunk(source, fetched[c]!, chunk, element, column, rows));
          await yieldToEventLoop();
        }
        return vectors;
      }),
  };
}

function topLevelLeaves(schema: readonly SchemaElement[]): Map<string, SchemaElement> {
  const leaves = topLevel(schema).filter(
    (element) => !element.num_children && element.repetition_type !== "REPEATED",
  );
  return new Map(leaves.map((element) => [element.name, element]));
}

function topLevel(schema: readonly SchemaElement[]): SchemaElement[] {
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]!.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  const elements: SchemaElement[] = [];
  for (let at = 1; at < schema.length; at = skip(at)) elements.push(schema[at]!);
  return elements;
}

interface ByteRange {
  readonly from: number;
  readonly to: number;
}

function byteRangeOf(chunk: ColumnChunk): ByteRange {
  const meta = chunk.meta_data!;
  const from = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return { from, to: from + Number(meta.total_compressed_size) };
}

async function fetchChunks(
  source: ParquetSource,
  extents: readonly ByteRange[],
  whole: Uint8Array<ArrayBuffer> | null,
): Promise<Uint8Array<ArrayBuffer>[]> {
  for (const { from, to } of extents)
    if (from < 4 || to > source.size || to < from)
      throw new Error(`a column lies at [${from}, ${to}) of ${source.size} bytes`);
  if (whole !== null) return extents.map(({ from, to }) => whole.subarray(from, to));
  const reads: { from: number; to: number; bytes: Promise<Uint8Array<ArrayBuffer>> }[] = [];
  const sorted = [...extents].sort((a, b) => a.from - b.from);
  for (let i = 0; i < sorted.length;) {
    const from = sorted[i]!.from;
    let to = sorted[i]!.to;
    for (i++; i < sorted.length && sorted[i]!.from <= to + MAX_GAP; i++)
      to = Math.max(to, sorted[i]!.to);
    reads.push({ from, to, bytes: readExactly(source, from, to) });
  }
  const settled = await Promise.allSettled(reads.map((read) => read.bytes));
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return await Promise.all(
    extents.map(async ({ from, to }) => {
      const read = reads.find((candidate) => candidate.from <= from && candidate.to >= to)!;
      return (await read.bytes).subarray(from - read.from, to - read.from);
    }),
  );
}

async function readExactly(
  source: ParquetSource,
  from: number,
  to: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(from, to);
  if (bytes.length !== to - from)
    throw new Error(`it ends at ${from + bytes.length}, before ${to}`);
  return bytes;
}

function readChunk(
  source: ParquetSource,
  bytes: Uint8Array<ArrayBuffer>,
  chunk: ColumnChunk,
  element: SchemaElement,
  column: ColumnSpec,
  rows: number,
): Vector {
  const converter = converterFor(column, element);
  if (converter === null) {
    throw new TidemarkError(
      "PARQUET_TYPE",
      `${source.name}: ` +
        `column "${column.name}" is stored as ${element.type} ${element.converted_type ?? ""} ` +
        `and cannot be read as ${column.type}; declare the kind the file has`,
    );
  }
  const meta = chunk.meta_data!;
  if (Number(meta.num_values) !== rows)
    throw new Error(
      `column "${column.name}" has ${meta.num_values} values and its row group ${rows} rows`,
    );
  const out = allocate(column, rows);
  const valid = new Uint8Array(rows);
  const reader = {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
  };
  let dictionary: ColumnValues | null = null;
  let row = 0;
  let nulls = 0;
  while (row < rows) {
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    if (!(size >= 0 && reader.offset + size <= bytes.length))
      throw new Error(`a page of column "${column.name}" is cut off`);
    const body = bytes.subarray(reader.offset, reader.offset + size);
    reader.offset += size;
    if (header.type === "DICTIONARY_PAGE") {
      const page = decompressPage(body, header.uncompressed_page_size, meta.codec, decompressors);
      const count = header.dictionary_page_header!.num_values;
      dictionary =
        converter.convertPlain?.(page, count) ??
        converter.convert(plainValues(page, element, count));
    } else if (header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
      const page = decodePage(header, body, element, meta.codec, rows - row);
      if (page.indexed && dictionary === null)
        throw new Error(`column "${column.name}" lacks its dictionary`);
      nulls += writePage(
        out,
        valid,
        row,
        page,
        page.indexed ? page.values : converter.convert(page.values),
        page.indexed ? dictionary : null,
      );
      row += page.count;
    }
  }
  if (column.type === "timestamp") nulls += dropUnsafeTimes(out as Float64Array, valid);
  return vectorOfValues(column, out, nulls === 0 ? null : valid, converter.dictionary);
}

function allocate(column: ColumnSpec, rows: number): ColumnValues {
  switch (vectorKind(column)) {
    case "string":
      return new Int32Array(rows).fill(-1);
    case "int32":
      return new Int32Array(rows);
    case "int64":
      return new BigInt64Array(rows);
    case "float64":
      return new Float64Array(rows);
    case "boolean":
      return new Uint8Array(rows);
    case "big":
      return new Array<bigint>(rows).fill(0n);
    case "bytes":
      return new Array<Uint8Array>(rows).fill(new Uint8Array(0));
  }
}

/** Puts the values of a page at their rows and returns how many rows have none. */
function writePage(
  out: ColumnValues,
  valid: Uint8Array,
  row: number,
  { count, presence }: DecodedPage,
  values: DecodedArray | ColumnValues,
  dictionary: ColumnValues | null,
): number {
  const source = values as ArrayLike<number>;
  const target = out as unknown as number[];
  const entries = dictionary as unknown as number[] | null;
  if (presence === null) {
    valid.fill(1, row, row + count);
    if (entries === null && ArrayBuffer.isView(out)) {
      (out as Int32Array).set(values as Int32Array, row);
      return 0;
    }
  } else valid.set(presence, row);
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

function dropUnsafeTimes(times: Float64Array, valid: Uint8Array): number {
  let dropped = 0;
  for (let i = 0; i < times.length; i++)
    if (Number.isNaN(times[i])) {
      times[i] = 0;
      valid[i] = 0;
      dropped++;
    }
  return dropped;
}

function vectorOfValues(
  column: ColumnSpec,
  values: ColumnValues,
  valid: Uint8Array | null,
  dictionary: string[],
): Vector {
  const kind = vectorKind(column);
  return (
    kind === "string" ? { kind, codes: values, dictionary, valid } : { kind, values, valid }
  ) as Vector;
}

async function guard<T>(source: ParquetSource, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isTidemarkError(error) || (error as Error).name === "AbortError") throw error;
    throw new TidemarkError(
      "PARQUET_DAMAGED",
      `${source.name}: cannot be read as Parquet (${(error as Error).message}); ` +
        "put the file back from a copy, or restore the table to a version without it",
      { cause: error },
    );
  }
}
