/** Batches → the bytes of a Parquet file, one row group in memory at a time. */
import type { ColumnChunk, SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec } from "@tidemark/core/spi";
import { breathe } from "../breathe.ts";
import { type ChunkPages, makePages, writeChunk } from "./chunk.ts";
import { elementOf, type TimestampForm } from "./elements.ts";
import { gather, type Piece } from "./gather.ts";
import { type ColumnRange, mergeRanges, rangeOf } from "./statistics.ts";

const GROUP_ROWS = 131_072;
const GROUP_BYTES = 64 * 1024 * 1024;

export interface ParquetSummary {
  rows: number;
  bytes: number;
  /** By the order of the columns. */
  ranges: readonly ColumnRange[];
}

export interface ParquetWriteOptions {
  readonly columns: readonly ColumnSpec[];
  readonly timestamps: TimestampForm;
  /** For messages: the table or file. */
  readonly where: string;
}

/** Yields the file piece by piece; `summary` is complete once it has ended. */
export async function* parquetBytes(options: ParquetWriteOptions, pieces: Iterable<Piece> | AsyncIterable<Piece>, summary: ParquetSummary): AsyncGenerator<Uint8Array> {
  const { columns, where } = options;
  if (columns.length === 0) throw new TidemarkError("PARQUET_NO_COLUMNS", `${where}: a file needs a column; name at least one that does not part the files`);
  const elements = columns.map((column) => elementOf(column, options.timestamps));
  const schema: SchemaElement[] = [{ name: "schema", num_children: columns.length }, ...elements];
  const writer = new ByteWriter(1 << 16);
  const file = new ParquetWriter({ writer, schema, createdBy: "tidemark" });

  let pending: Piece[] = [];
  let rows = 0;
  let bytes = 0;
  let totals: ColumnRange[] | null = null;

  const writeGroup = async (): Promise<void> => {
    const pages: ChunkPages[] = [];
    for (const [c, column] of columns.entries()) {
      const vector = gather(column, pending, where);
      const range = rangeOf(column, vector, rows);
      checkRange(column, range, rows, where);
      if (totals === null) (ranges[c] = range);
      else totals[c] = mergeRanges(column, totals[c]!, summary.rows, range, rows);
      pages.push(makePages(elements[c]!, vector, rows, range));
      await breathe();
    }
    const chunks: ColumnChunk[] = [];
    for (const [c, column] of pages.entries()) chunks.push(await writeChunk(writer, elements[c]!, column));
    totals ??= ranges;
    const size = (pick: "total_compressed_size" | "total_uncompressed_size"): bigint => chunks.reduce((sum, chunk) => sum + chunk.meta_data![pick], 0n);
    file.row_groups.push({ columns: chunks, num_rows: BigInt(rows), total_byte_size: size("total_uncompressed_size"), total_compressed_size: size("total_compressed_size") });
    file.num_rows += BigInt(rows);
    summary.rows += rows;
    pending = [];
    rows = 0;
    bytes = 0;
  };
  const ranges: ColumnRange[] = [];
  const flush = (): Uint8Array => {
    const chunk = writer.getBytes().slice();
    writer.index = 0;
    return chunk;
  };

  for await (const piece of pieces) {
    const weigh = weigher(piece.batch, columns);
    let from = piece.from;
    for (let i = piece.from; i < piece.to; i++) {
      rows++;
      if (weigh !== null) bytes += weigh(piece.rows === null ? i : piece.rows[i]!);
      if (rows < GROUP_ROWS && bytes < GROUP_BYTES) continue;
      pending.push({ ...piece, from, to: i + 1 });
      from = i + 1;
      await writeGroup();
      yield flush();
    }
    if (from < piece.to) pending.push({ ...piece, from });
  }
  if (rows > 0) await writeGroup();
  await file.finish();
  summary.bytes = writer.offset;
  summary.ranges = totals ?? columns.map(() => ({ nulls: 0, min: null, max: null }));
  yield flush();
}

/** Refuses what the file's types cannot hold, before a byte of it is written. */
function checkRange(column: ColumnSpec, range: ColumnRange, rows: number, where: string): void {
  const { min, max } = range;
  if (column.kind === "decimal" && min !== null && max !== null) {
    const limit = 10n ** BigInt(column.precision ?? 38);
    if ((min as bigint) <= -limit || (max as bigint) >= limit) {
      throw new TidemarkError("DECIMAL_OUT_OF_RANGE", `${where}: a value of column "${column.name}" has more than ${column.precision ?? 38} digits; declare a larger precision`);
    }
  }
  if (column.kind === "timestamp" && range.nulls < rows && !(Number.isSafeInteger(min) && Number.isSafeInteger(max))) {
    throw new TidemarkError("TIME_OUT_OF_RANGE", `${where}: a value of column "${column.name}" is no whole number of microseconds below 2^53; make it null`);
  }
}

/** Bytes of a row in its columns of unbounded width; null: there are none. */
function weigher(batch: Batch, columns: readonly ColumnSpec[]): ((row: number) => number) | null {
  const wide = batch.vectors.filter((vector, v) => (vector.is === "string" || vector.is === "bytes") && columns.some((column) => column.name === batch.columns[v]!.name));
  if (wide.length === 0) return null;
  return (row) => {
    let bytes = 0;
    for (const vector of wide) {
      if (vector.valid !== null && vector.valid[row] === 0) continue;
      bytes += vector.is === "string" ? vector.dictionary[vector.codes[row]!]!.length : (vector as { values: readonly Uint8Array[] }).values[row]!.length;
    }
    return bytes;
  };
}
