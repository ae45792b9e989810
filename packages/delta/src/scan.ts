/** Scans the rows of a table at one version. */
import { availableParallelism } from "node:os";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec, OfflineStore, PartitionFilter, Vector } from "@tidemark/core/spi";
import type { Lake } from "./lake.ts";
import { checkPartitionFilter, constantVector, matchesFilter } from "./log/partitions.ts";
import type { TableFile, TableLog } from "./log/state.ts";
import { typeOf } from "@tidemark/core/internal";
import type { FarTimes } from "./parquet/chunk-reader.ts";
import type { DecodeInThread } from "./parquet/decode-threads.ts";
import { openParquet, type ParquetFile } from "./parquet/reader.ts";
import { batchesOf, objectReader } from "./parquet/parquet-file.ts";

export type ScanOptions = Parameters<OfflineStore["scan"]>[1];

export async function* scanTable(
  lake: Lake,
  table: string,
  options: ScanOptions,
): AsyncGenerator<Batch> {
  const { version, partitions = {}, range, keyRanges, signal } = options;
  const log =
    version === undefined
      ? await lake.latest(table, signal)
      : await lake.at(table, version, signal);
  if (log === null)
    throw new TidemarkError(
      "TABLE_MISSING",
      `${lake.objects.name}: there is no table "${table}"; append to it first`,
    );
  log.checkReadable();
  const { partitionBy } = log.schema;
  checkPartitionFilter(table, partitionBy, partitions);
  const columns = options.columns.map((name) => tableColumn(log, name));
  if (range !== undefined) tableColumn(log, range.column);
  if (keyRanges !== undefined) tableColumn(log, keyRanges.column);
  // The state may move on while rows are read. The list of files is taken now.
  const files = inOrderOf(
    partitions,
    [...log.files.values()].filter(
      (file) =>
        matchesFilter(partitions, file.add.partitionValues) && mayHold(file, partitionBy, range),
    ),
  );
  const bytes = files.reduce((sum, { add }) => sum + add.size, 0);
  const { workers = availableParallelism() } = options;
  const threads = bytes < LEAST_BYTES_FOR_THREADS || workers === 0 ? null : lake.decode;
  const groups = async function* (): AsyncGenerator<() => Promise<Batch>> {
    for (const file of files) {
      signal?.throwIfAborted();
      const scan = { partitionBy, range, keyRanges, signal, threads };
      yield* groupsOfFile(lake, table, file, columns, scan);
    }
  };
  for await (const group of inOrder(
    groups(),
    threads === null ? 1 : Math.min(MOST_GROUPS_AT_ONCE, workers),
  ))
    yield* batchesOf(group);
}

/** Files in the order of the first filter, so that time buckets come one after the other. */
function inOrderOf(partitions: PartitionFilter, files: readonly TableFile[]): readonly TableFile[] {
  const [filter] = Object.entries(partitions);
  if (filter === undefined) return files;
  const [name, values] = filter;
  const places = new Map(values.map((value, place) => [value === null ? null : `${value}`, place]));
  const placeOf = ({ add }: TableFile): number => places.get(add.partitionValues[name] || null)!;
  return files.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** The files of smaller scans are decoded before a thread has started. */
const LEAST_BYTES_FOR_THREADS = 16 * 2 ** 20;
/** Each row group that is decoded takes memory. */
const MOST_GROUPS_AT_ONCE = 4;

/** Runs up to `count` of the works at once, and yields their results in the order of the works. */
async function* inOrder<T>(
  works: AsyncIterable<() => Promise<T>>,
  count: number,
): AsyncGenerator<T> {
  const running: Promise<T>[] = [];
  for await (const work of works) {
    const result = work();
    // a reader may stop before it comes to the result
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= count) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}

/** How a file is read. */
interface FileScan {
  readonly partitionBy: readonly string[];
  readonly range?: ScanOptions["range"];
  readonly keyRanges?: ScanOptions["keyRanges"];
  readonly signal?: AbortSignal | undefined;
  readonly farTimes?: FarTimes | undefined;
  readonly threads?: DecodeInThread | null | undefined;
}

export async function* scanFile(
  lake: Lake,
  table: string,
  file: Pick<TableFile, "add" | "path">,
  columns: readonly ColumnSpec[],
  scan: FileScan,
): AsyncGenerator<Batch> {
  for await (const read of groupsOfFile(lake, table, file, columns, scan))
    yield* batchesOf(await read());
}

/** Yields what reads each row group that may hold rows of the scan. */
async function* groupsOfFile(
  lake: Lake,
  table: string,
  file: Pick<TableFile, "add" | "path">,
  columns: readonly ColumnSpec[],
  { partitionBy, range, keyRanges, signal, farTimes = "missing", threads = null }: FileScan,
): AsyncGenerator<() => Promise<Batch>> {
  const parquet = await openFile(lake, table, file, signal);
  const stored = columns.filter(
    (column) => !partitionBy.includes(column.name) && parquet.has(column.name),
  );
  for (let group = 0; group < parquet.groups.length; group++) {
    signal?.throwIfAborted();
    if (
      range !== undefined &&
      !partitionBy.includes(range.column) &&
      !parquet.mayHold(group, range)
    )
      continue;
    if (keyRanges !== undefined && !parquet.mayHoldKeys(group, keyRanges)) continue;
    yield async () => {
      const { rows, vectors: read } =
        keyRanges === undefined || partitionBy.includes(keyRanges.column)
          ? {
              rows: parquet.groups[group]!.rows,
              vectors: await parquet.readGroup(group, stored, farTimes, threads),
            }
          : await parquet.readKeys(group, stored, keyRanges, farTimes, threads);
      const vectors = columns.map((column): Vector => {
        const index = stored.indexOf(column);
        if (index >= 0) return read[index]!;
        return partitionBy.includes(column.name)
          ? constantVector(column, file.add.partitionValues[column.name] ?? null, rows)
          : typeOf(column).layout.missing(rows);
      });
      return { length: rows, columns, vectors };
    };
  }
}

/** Whether the columns of a file have an index of their pages. */
export async function isReadByKey(
  lake: Lake,
  table: string,
  file: Pick<TableFile, "add" | "path">,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await openFile(lake, table, file, signal)).hasPageIndex;
}

export async function openFile(
  lake: Lake,
  table: string,
  file: Pick<TableFile, "add" | "path">,
  signal: AbortSignal | undefined,
): Promise<ParquetFile> {
  if (file.add.deletionVector)
    throw new TidemarkError(
      "DELTA_UNSUPPORTED",
      `table "${table}": ${file.path} has a deletion vector, which Tidemark does not read; ` +
        "purge the table first",
    );
  const key = `${table}/${file.path}`;
  return await openParquet({
    name: `${lake.objects.name}: "${key}"`,
    size: file.add.size,
    advice:
      "put the file back from a copy of the lake, or restore the table to a version without it: " +
      "its positions go back with its rows, and the next run takes the rest again where a log " +
      "has it",
    readGap: lake.objects.readGap,
    read: objectReader(lake.objects, key, signal),
  });
}

function tableColumn(log: TableLog, name: string): ColumnSpec {
  const column = log.schema.columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  const foreign = log.schema.fields.some((field) => field.name === name);
  throw new TidemarkError(
    "COLUMN_MISSING",
    `table "${log.table}": ` +
      (foreign
        ? `column "${name}" has a type that Tidemark cannot hold `
        : `there is no column "${name}" `) +
      `at version ${log.version}; ` +
      `it has ${log.schema.columns.map((column) => column.name).join(", ")}`,
  );
}

function mayHold(
  file: TableFile,
  partitionBy: readonly string[],
  range: ScanOptions["range"],
): boolean {
  if (range === undefined) return true;
  if (!partitionBy.includes(range.column)) return file.stats.mayHold(range);
  const value = file.add.partitionValues[range.column];
  return (
    value !== null &&
    value !== undefined &&
    !(Number(value) < range.min) &&
    !(Number(value) > range.max)
  );
}
