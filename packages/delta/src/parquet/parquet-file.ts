/** Reads and writes single Parquet files, such as entity rows and training sets. */
import { randomUUID } from "node:crypto";
import { rename } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { layoutOf, TidemarkError, typeText } from "@tidemark/core/internal/columns";
import type { TimeUnit } from "@tidemark/core";
import type { Batch, ColumnSpec } from "@tidemark/core/spi";
import { localObjects, objectError, syncDirectory, writeSynced } from "../local-objects.ts";
import type { ObjectStore } from "../objects.ts";
import { encodeOnOtherCores } from "./encode-threads.ts";
import { parquetParts } from "./parquet-folder.ts";
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
  /**
   * The unit of `event_timestamp` where the file holds it as a number. Entity rows need it then,
   * because a bare number has no unit.
   */
  readonly timeUnit?: TimeUnit | undefined;
  /**
   * The zone of `event_timestamp` where the file holds it without a zone: an IANA name or "UTC".
   * Entity rows need it then.
   */
  readonly zone?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A column that is not read, with what it holds. */
export interface UnsupportedColumn {
  readonly name: string;
  /** What the column holds, such as `an interval`. */
  readonly holds: string;
}

/**
 * The rows of a Parquet file. With the entity keys and `event_timestamp` they are entity rows for
 * `getHistoricalFeatures`.
 */
export interface ParquetRows extends AsyncIterable<Batch> {
  /**
   * The columns of the batches. Lists, maps and structs have their parts, and maps come in the
   * order of their keys. A uuid and a time of day are strings. NaN stays NaN. A column of
   * times without a zone has `zoneless`, and its µs count as if its clock showed UTC. A column with
   * a time beyond 2^53 µs is an `int64` vector in that batch.
   */
  readonly columns: readonly ColumnSpec[];
  readonly rows: number;
  /**
   * Names of the file's columns whose type has no value type here, such as intervals. No batch
   * holds them.
   */
  readonly unsupportedColumns: readonly string[];
  /** The same columns, with what they hold. */
  readonly unsupported: readonly UnsupportedColumn[];
  /**
   * Names of columns with nanoseconds, which were floored to µs. It is complete when the batches
   * were read.
   */
  readonly flooredColumns: ReadonlySet<string>;
  /** The unit of an `event_timestamp` that is a number, as the options name it. */
  readonly timeUnit?: TimeUnit | undefined;
  /** The zone of an `event_timestamp` without a zone, as the options name it. */
  readonly zone?: string | undefined;
  /** The texts that the end of the file holds, by key. Those of a folder are of its first file. */
  readonly metadata: ReadonlyMap<string, string>;
  batches(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Batch>;
}

/**
 * Reads the rows of a Parquet file in batches. Files of pandas, PyArrow, DuckDB, Polars and Spark
 * can be read. A folder that Spark wrote is read file by file, in the order of their names.
 *
 * @throws OBJECTS_FAILED when the file does not exist, or a folder holds no plain Parquet files.
 * @throws PARQUET_DAMAGED when the file cannot be read.
 * @throws PARQUET_UNSUPPORTED when the file is compressed or encrypted in a way that is not read.
 * @throws PARQUET_TOO_LARGE when a row group would take too much memory.
 * @throws PARQUET_VALUE when a value cannot be carried, such as text that is no UTF-8.
 * @throws PARQUET_TYPE when two files of a folder have different columns.
 * @throws COLUMN_NAME when two columns have one name.
 * @throws COLUMN_MISSING when the file lacks a named column, or its type has no value type here.
 * @example
 * for await (const batch of await readParquet("labels.parquet")) console.log(batch.length);
 */
export async function readParquet(
  file: string,
  options: ReadParquetOptions = {},
): Promise<ParquetRows> {
  const path = resolve(file);
  options.signal?.throwIfAborted();
  const parts = await parquetParts(path, file);
  const shownName = (part: string): string => (part === path ? file : join(file, basename(part)));
  let columns: readonly ColumnSpec[] = [];
  let unsupported: readonly UnsupportedColumn[] = [];
  const flooredColumns = new Set<string>();
  let rows = 0;
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [p, part] of parts.entries()) {
    const parquet = await openPart(part, shownName(part), options.signal);
    if (p === 0) ({ metadata } = parquet);
    const found = requestedColumns(parquet, shownName(part), options.columns);
    if (p > 0) checkSameColumns(columns, found, shownName(parts[0]!), shownName(part));
    columns = found.map((column, c) =>
      p > 0 && columns[c]!.nullable ? { ...column, nullable: true } : column,
    );
    unsupported = parquet.unsupportedColumns;
    rows += parquet.rows;
  }
  const batches = async function* (signal: AbortSignal | undefined): AsyncGenerator<Batch> {
    for (const part of parts) {
      const parquet = await openPart(part, shownName(part), signal);
      for await (const batch of parquetBatches(parquet, columns, signal)) {
        for (const name of parquet.flooredColumns) flooredColumns.add(name);
        yield batch;
      }
    }
  };
  return {
    columns,
    rows,
    unsupportedColumns: unsupported.map(({ name }) => name),
    unsupported,
    flooredColumns,
    timeUnit: options.timeUnit,
    zone: options.zone,
    metadata,
    batches: ({ signal = options.signal } = {}) => batches(signal),
    [Symbol.asyncIterator]: () => batches(options.signal),
  };
}

async function openPart(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ParquetFile> {
  const objects = localObjects(dirname(path));
  const size = await objects.size(basename(path), { signal });
  if (size === null)
    throw new TidemarkError("OBJECTS_FAILED", `there is no file ${name}; check its name`);
  return await openParquet({
    name,
    size,
    advice: "check that it is a Parquet file and was copied whole, or write it again",
    read: objectReader(objects, basename(path), signal),
  });
}

/** Finds the columns that are asked for, or all. */
function requestedColumns(
  parquet: ParquetFile,
  file: string,
  names: readonly string[] | undefined,
): readonly ColumnSpec[] {
  const twice = parquet.repeatedColumns.find((name) => names === undefined || names.includes(name));
  if (twice !== undefined)
    throw new TidemarkError(
      "COLUMN_NAME",
      `${file}: two columns are called ${JSON.stringify(twice)}; rename one in the file`,
    );
  if (names === undefined) return parquet.columns;
  return names.map((name) => {
    const column = parquet.columns.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    const unsupported = parquet.unsupportedColumns.find((candidate) => candidate.name === name);
    throw new TidemarkError(
      "COLUMN_MISSING",
      `${file}: ` +
        (unsupported === undefined
          ? `there is no column "${name}"; `
          : `column "${name}" is ${unsupported.holds}, which Tidemark does not hold; cast it, or ` +
            "leave it out; ") +
        `it has ${parquet.columns.map((c) => c.name).join(", ")}`,
    );
  });
}

/** Refuses a folder whose files differ, because a batch has one list of columns. */
function checkSameColumns(
  first: readonly ColumnSpec[],
  next: readonly ColumnSpec[],
  firstFile: string,
  file: string,
): void {
  const shown = (column: ColumnSpec | undefined): string =>
    column === undefined
      ? "no column"
      : `${column.name} ${typeText(column)}` + (column.zoneless === true ? " without a zone" : "");
  for (let c = 0; c < Math.max(first.length, next.length); c++) {
    const [a, b] = [shown(first[c]), shown(next[c])];
    if (a === b) continue;
    throw new TidemarkError(
      "PARQUET_TYPE",
      `${file}: column ${c + 1} is ${b}, and ${firstFile} has ${a}; ` +
        "write all files of the folder with the same columns",
    );
  }
}

async function* parquetBatches(
  parquet: ParquetFile,
  columns: readonly ColumnSpec[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch> {
  for (let group = 0; group < parquet.groups.length; group++) {
    signal?.throwIfAborted();
    const { rows } = parquet.groups[group]!;
    const vectors = await parquet.readGroup(group, columns, "int64");
    yield* batchesOf({ length: rows, columns, vectors });
  }
}

/** Cuts the rows of a row group into batches of bounded size. */
export function* batchesOf(group: Batch): Iterable<Batch> {
  const { length, columns, vectors } = group;
  if (length > 0 && length <= BATCH_ROWS) return yield group;
  for (let from = 0; from < length; from += BATCH_ROWS) {
    const to = Math.min(from + BATCH_ROWS, length);
    const slices = vectors.map((vector) => layoutOf(vector).slice(vector, from, to));
    yield { length: to - from, columns, vectors: slices };
  }
}

/**
 * Writes batches, or a training set, as one Parquet file, and returns the number of rows. The file
 * is written whole or not at all. Times are Parquet's UTC timestamps of µs. The times of a
 * `zoneless` column are Parquet's local ones.
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
    /** Texts by key, which the end of the file holds. */
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    /** The greatest number of rows of a row group. Default: 131,072. */
    readonly groupRows?: number | undefined;
    /** 0: no thread encodes row groups. Default: threads do where there are more rows. */
    readonly workers?: number | undefined;
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
      parquetBytes(
        {
          columns: content.columns,
          timestamps: "utc",
          where: file,
          metadata: content.metadata,
          groupRows: content.groupRows,
          encode: content.workers === 0 ? undefined : encodeOnOtherCores(),
        },
        pieces(),
        summary,
      ),
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
          "if an older version was asked for, ask for a newer one; else put it back from a copy " +
          "of the lake, or restore the table to a version without it",
      );
    return bytes;
  };
}
