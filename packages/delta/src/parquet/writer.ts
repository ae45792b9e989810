/** Turns batches into the bytes of a Parquet file, with one row group in memory at a time. */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { TidemarkError } from "@tidemark/core/internal/columns";
import type { Batch, ColumnSpec, Vector } from "@tidemark/core/spi";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import type { IndexedChunk } from "./column-index.ts";
import { elementsOf } from "./nested-elements.ts";
import type { TimestampForm } from "./parquet-types.ts";
import { gather, type Piece } from "./gather.ts";
import {
  encodeGroup,
  type EncodedGroup,
  type RowGroupRows,
  type EncodingRefusal,
} from "./row-group.ts";
import { type ColumnRange, mergeRanges } from "./statistics.ts";

export const GROUP_ROWS = 131_072;
const GROUP_BYTES = 64 * 1024 * 1024;
/** The number of row groups that threads encode while the next rows are computed. */
export const ENCODED_AHEAD = 2;

export interface ParquetSummary {
  rows: number;
  bytes: number;
  /** One range for each column, in the order of the columns. */
  ranges: readonly ColumnRange[];
}

export interface ParquetWriteOptions {
  readonly columns: readonly ColumnSpec[];
  readonly timestamps: TimestampForm;
  /** The name of the table or file, for messages. */
  readonly where: string;
  /** Texts by key, which the end of the file holds. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The greatest number of rows of a row group. */
  readonly groupRows?: number | undefined;
  /** The rows of a page, in all columns. Default: a row group has one page. */
  readonly pageRows?: number | undefined;
  /** Encodes a row group. Default: in this thread. */
  readonly encode?: ((group: RowGroupRows) => Promise<EncodedGroup | EncodingRefusal>) | undefined;
}

/** Yields the file piece by piece. `summary` is complete once the file has ended. */
export async function* parquetBytes(
  options: ParquetWriteOptions,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  summary: ParquetSummary,
): AsyncGenerator<Uint8Array> {
  yield* fileBytes(options, encodedGroups(options, pieces), summary);
}

/** Yields the file of these row groups. */
export async function* fileBytes(
  { columns, timestamps, where, metadata = {} }: ParquetWriteOptions,
  groups: AsyncIterable<EncodedGroup>,
  summary: ParquetSummary,
): AsyncGenerator<Uint8Array> {
  if (columns.length === 0)
    throw new TidemarkError(
      "PARQUET_NO_COLUMNS",
      `${where}: a file needs a column; name at least one that does not part the files`,
    );
  const schema: SchemaElement[] = [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap((column) => elementsOf(column, timestamps)),
  ];
  const writer = new ByteWriter(1 << 16);
  const texts = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  const file = new ParquetWriter({
    writer,
    schema,
    createdBy: "tidemark",
    ...(texts.length === 0 ? {} : { kvMetadata: texts }),
  });
  let totals: readonly ColumnRange[] | null = null;
  const flush = (): Uint8Array => {
    const chunk = writer.getBytes().slice();
    writer.index = 0;
    return chunk;
  };

  for await (const { rows, bytes, chunks, ranges } of groups) {
    const size = (pick: "total_compressed_size" | "total_uncompressed_size"): bigint =>
      chunks.reduce((sum, { chunk }) => sum + chunk.meta_data![pick], 0n);
    const placed = chunks.map((chunk) => withOffset(chunk, BigInt(writer.offset)));
    file.pendingIndexes.push(...placed);
    file.row_groups.push({
      columns: placed.map(({ chunk }) => chunk),
      num_rows: BigInt(rows),
      total_byte_size: size("total_uncompressed_size"),
      total_compressed_size: size("total_compressed_size"),
    });
    file.num_rows += BigInt(rows);
    totals =
      totals === null
        ? ranges
        : totals.map((total, c) => mergeRanges(total, summary.rows, ranges[c]!, rows));
    summary.rows += rows;
    writer.appendBytes(bytes);
    yield flush();
  }
  await file.finish();
  summary.bytes = writer.offset;
  summary.ranges = totals ?? columns.map(() => ({ nulls: 0, min: null, max: null }));
  yield flush();
}

/** Moves a column chunk of a row group, and its index, to the group's place in the file. */
function withOffset(
  { chunk, columnIndex, offsetIndex }: IndexedChunk,
  offset: bigint,
): IndexedChunk {
  const meta = chunk.meta_data!;
  return {
    chunk: {
      ...chunk,
      file_offset: chunk.file_offset + offset,
      meta_data: {
        ...meta,
        data_page_offset: meta.data_page_offset + offset,
        ...(meta.dictionary_page_offset === undefined
          ? {}
          : { dictionary_page_offset: meta.dictionary_page_offset + offset }),
      },
    },
    ...(columnIndex !== undefined && { columnIndex }),
    ...(offsetIndex !== undefined && {
      offsetIndex: {
        page_locations: offsetIndex.page_locations.map((page) => ({
          ...page,
          offset: page.offset + offset,
        })),
      },
    }),
  };
}

async function* encodedGroups(
  options: ParquetWriteOptions,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
): AsyncGenerator<EncodedGroup> {
  const splitter = new RowGroupSplitter(options.columns, options.groupRows);
  const mostAhead = options.encode === undefined ? 0 : ENCODED_AHEAD;
  const ahead: Promise<EncodedGroup>[] = [];
  const encode = async (group: readonly Piece[]): Promise<void> => {
    ahead.push((await encodeRowGroup(options, group)).group);
  };
  for await (const piece of pieces)
    for (const group of splitter.add(piece)) {
      await encode(group);
      if (ahead.length > mostAhead) yield await ahead.shift()!;
    }
  const rest = splitter.rest();
  if (rest.length > 0) await encode(rest);
  for (const group of ahead) yield await group;
}

const REFUSAL_CODES = { decimal: "DECIMAL_OUT_OF_RANGE", time: "TIME_OUT_OF_RANGE" } as const;

/**
 * Ends when the rows of these pieces were handed to the encoder. The returned group rejects with
 * `DECIMAL_OUT_OF_RANGE` or `TIME_OUT_OF_RANGE`.
 *
 * @throws NULL_NOT_ALLOWED when a column that is not nullable lacks a value.
 * @throws COLUMN_TYPE_CONFLICT when a batch has the column with another type.
 */
export async function encodeRowGroup(
  { columns, timestamps, where, pageRows, encode = encodeGroup }: ParquetWriteOptions,
  pieces: readonly Piece[],
): Promise<{ readonly group: Promise<EncodedGroup> }> {
  const vectors: Vector[] = [];
  for (const column of columns) {
    vectors.push(gather(column, pieces, where));
    await yieldToEventLoop();
  }
  const rows = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const group = encode({ columns, timestamps, rows, vectors, pageRows }).then((answer) => {
    if ("refused" in answer)
      throw new TidemarkError(
        REFUSAL_CODES[answer.refused.kind],
        `${where}: ${answer.refused.message}`,
      );
    return answer;
  });
  group.catch(() => undefined); // the error is thrown where the group is awaited
  return { group };
}

/** Splits rows into row groups as they come. */
export class RowGroupSplitter {
  readonly #columns: readonly ColumnSpec[];
  readonly #groupRows: number;
  #pending: Piece[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(columns: readonly ColumnSpec[], groupRows: number = GROUP_ROWS) {
    this.#columns = columns;
    this.#groupRows = groupRows;
  }

  /** Adds a piece and yields the row groups that are full now. */
  *add(piece: Piece): Generator<readonly Piece[]> {
    const wide = wideVectors(piece.batch, this.#columns);
    const rows = this.#rows + piece.to - piece.from;
    const bytes = this.#bytes + bytesOfPiece(wide, piece);
    if (rows < this.#groupRows && bytes < GROUP_BYTES) {
      [this.#rows, this.#bytes] = [rows, bytes];
      if (piece.from < piece.to) this.#pending.push(piece);
      return;
    }
    let { from } = piece;
    for (let i = piece.from; i < piece.to; i++) {
      this.#rows++;
      this.#bytes += bytesOfPiece(wide, { ...piece, from: i, to: i + 1 });
      if (this.#rows < this.#groupRows && this.#bytes < GROUP_BYTES) continue;
      this.#pending.push({ ...piece, from, to: i + 1 });
      from = i + 1;
      yield this.rest();
    }
    if (from < piece.to) this.#pending.push({ ...piece, from });
  }

  get rows(): number {
    return this.#rows;
  }

  /** Returns the remaining rows as a group, which may be empty. */
  rest(): readonly Piece[] {
    const pieces = this.#pending;
    [this.#pending, this.#rows, this.#bytes] = [[], 0, 0];
    return pieces;
  }
}

/** Gives the vectors of unbounded width that hold a value. */
function wideVectors(batch: Batch, columns: readonly ColumnSpec[]): readonly Vector[] {
  return batch.vectors.filter(
    (vector, v) =>
      isWide(vector) && columns.some((column) => column.name === batch.columns[v]!.name),
  );
}

function isWide(vector: Vector): boolean {
  switch (vector.kind) {
    case "string":
      return vector.dictionary.length > 0;
    case "struct":
      return vector.fields.some(isWide);
    default:
      return vector.kind === "bytes" || vector.kind === "list" || vector.kind === "map";
  }
}

/** Estimates the bytes of a piece in these vectors. */
function bytesOfPiece(wide: readonly Vector[], { rows, from, to }: Piece): number {
  let bytes = 0;
  for (const vector of wide)
    if (rows === null) bytes += wideBytes(vector, from, to);
    else for (let i = from; i < to; i++) bytes += wideBytes(vector, rows[i]!, rows[i]! + 1);
  return bytes;
}

/** The bytes of a number in a list or a map. */
const NUMBER_BYTES = 8;

/** Counts the characters and bytes of rows [from, to), and the numbers of lists and maps. */
function wideBytes(vector: Vector, from: number, to: number): number {
  const { valid } = vector;
  let bytes = 0;
  switch (vector.kind) {
    case "string":
      if (vector.dictionary.length === 1 && valid === null)
        return vector.dictionary[0]!.length * (to - from);
      for (let i = from; i < to; i++)
        if (valid === null || valid[i] === 1) bytes += vector.dictionary[vector.codes[i]!]!.length;
      return bytes;
    case "bytes":
      for (let i = from; i < to; i++)
        if (valid === null || valid[i] === 1) bytes += vector.values[i]!.length;
      return bytes;
    case "struct":
      for (const field of vector.fields) bytes += wideBytes(field, from, to);
      return bytes;
    case "list":
    case "map": {
      const parts = vector.kind === "list" ? [vector.elements] : [vector.keys, vector.values];
      const [first, end] = [vector.offsets[from]!, vector.offsets[to]!];
      for (const part of parts) bytes += wideBytes(part, first, end) + NUMBER_BYTES * (end - first);
      return bytes;
    }
    default:
      return 0;
  }
}
