/** Reads and writes single Parquet files, such as entity rows and training sets. */
import { randomUUID } from "node:crypto";
import { rename } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec } from "@tidemark/core/spi";
import { localObjects, objectError, syncDirectory, writeSynced } from "../local-objects.ts";
import type { ObjectStore } from "../objects.ts";
import { sliceVector } from "./gather.ts";
import { openParquet, type ParquetFile } from "./reader.ts";
import { parquetBytes, type ParquetSummary } from "./writer.ts";

/** The greatest number of rows of a batch. */
const BATCH_ROWS = 65_536;

/** What is read of a Parquet file. */
export interface ReadParquetOptions {
  /**
   * Names of columns, in the order wanted. Default: all columns that Tidemark has a value type for.
   */
  readonly columns?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The rows of a Parquet file. With the entity keys and `event_timestamp` they are entity rows for
 * `getHistoricalFeatures`.
 */
export interface ParquetRows extends AsyncIterable<Batch> {
  /**
   * The columns of the batches. Times without a zone are taken as UTC, and their column has no
   * `zone`. NaN stays NaN. A time that is no safe integer of µs is missing.
   */
  readonly columns: readonly ColumnSpec[];
  readonly rows: number;
  /**
   * Names of the file's columns whose type has no value type here (lists, structs). No batch holds
   * them.
   */
  readonly unsupportedColumns: readonly string[];
  batches(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Batch>;
}

/**
 * Reads the rows of a Parquet file in batches. Files of pandas, PyArrow, DuckDB, Polars and Spark
 * can be read.
 *
 * @throws OBJECTS_FAILED when the file does not exist.
 * @throws PARQUET_DAMAGED when the file cannot be read.
 * @throws COLUMN_MISSING when the file lacks a named column, or its type has no value type here.
 * @example
 * for await (const batch of await readParquet("labels.parquet")) console.log(batch.length);
 */
export async function readParquet(
  file: string,
  options: ReadParquetOptions = {},
): Promise<ParquetRows> {
  const path = resolve(file);
  const objects = localObjects(dirname(path));
  const size = await objects.size(basename(path), options);
  if (size === null)
    throw new TidemarkError("OBJECTS_FAILED", `there is no file ${file}; check its name`);
  const parquet = await openParquet({
    name: file,
    size,
    read: objectReader(objects, basename(path), options.signal),
  });
  const columns = (options.columns ?? parquet.columns.map((column) => column.name)).map((name) => {
    const column = parquet.columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      throw new TidemarkError(
        "COLUMN_MISSING",
        `${file}: ` +
          (parquet.has(name)
            ? `column "${name}" has a type that Tidemark cannot hold; `
            : `there is no column "${name}"; `) +
          `it has ${parquet.columns.map((c) => c.name).join(", ")}`,
      );
    }
    return column;
  });
  return {
    columns,
    rows: parquet.rows,
    unsupportedColumns: parquet.unsupportedColumns,
    batches: ({ signal = options.signal } = {}) => parquetBatches(parquet, columns, signal),
    [Symbol.asyncIterator]: () => parquetBatches(parquet, columns, options.signal),
  };
}

async function* parquetBatches(
  parquet: ParquetFile,
  columns: readonly ColumnSpec[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch> {
  for (let group = 0; group < parquet.groups.length; group++) {
    signal?.throwIfAborted();
    const { rows } = parquet.groups[group]!;
    const vectors = await parquet.readGroup(group, columns);
    yield* batchesOf({ length: rows, columns, vectors });
  }
}

/** Cuts the rows of a row group into batches of bounded size. */
export function* batchesOf(group: Batch): Iterable<Batch> {
  const { length, columns, vectors } = group;
  if (length > 0 && length <= BATCH_ROWS) return yield group;
  for (let from = 0; from < length; from += BATCH_ROWS) {
    const to = Math.min(from + BATCH_ROWS, length);
    const slices = vectors.map((vector) => sliceVector(vector, from, to));
    yield { length: to - from, columns, vectors: slices };
  }
}

/**
 * Writes batches, or a training set, as one Parquet file, and returns the number of rows. The file
 * is written whole or not at all. Times are Parquet's UTC timestamps of µs.
 *
 * @throws PARQUET_NO_COLUMNS when the rows have no column.
 * @example
 * const entities = await readParquet("labels.parquet");
 * const set = await store.getHistoricalFeatures({ features: fraud, entities });
 * await writeParquet("training.parquet", set);
 */
export async function writeParquet(
  file: string,
  content: {
    readonly columns: readonly ColumnSpec[];
    readonly batches: Iterable<Batch> | AsyncIterable<Batch> | (() => AsyncIterable<Batch>);
    readonly signal?: AbortSignal | undefined;
  },
): Promise<number> {
  const path = resolve(file);
  const summary: ParquetSummary = { rows: 0, bytes: 0, ranges: [] };
  const pieces = async function* () {
    for await (const batch of typeof content.batches === "function"
      ? content.batches()
      : content.batches)
      yield { batch, rows: null, from: 0, to: batch.length };
  };
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeSynced(
      temporary,
      parquetBytes({ columns: content.columns, timestamps: "utc", where: file }, pieces(), summary),
      content.signal,
    );
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw objectError("Parquet file", file, error);
  }
  return summary.rows;
}

/** Reads byte ranges of one object. */
export function objectReader(
  objects: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): (from: number, to: number) => Promise<Uint8Array<ArrayBuffer>> {
  return async (from, to) => {
    const bytes = await objects.read(key, { from, to }, { signal });
    if (bytes === null)
      throw new TidemarkError(
        "OBJECT_MISSING",
        `${objects.name}: "${key}" is gone; ` +
          "if a vacuum removed it, ask for a newer version of the table",
      );
    return bytes;
  };
}
