/** Writes rows as the Parquet files of a table, one file for each partition. */
import { randomUUID } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec, TableSpec } from "@tidemark/core/spi";
import type { Lake } from "./lake.ts";
import type { Add } from "./log/actions.ts";
import { directoryOf, encodePath, partitionRows, type PartitionValues } from "./log/partitions.ts";
import { statsText } from "./log/statistics.ts";
import type { Piece } from "./parquet/gather.ts";
import { PAGE_ROWS } from "./parquet/page-index.ts";
import type { EncodedGroup } from "./parquet/row-group.ts";
import {
  ENCODED_AHEAD,
  encodeRowGroup,
  fileBytes,
  GROUP_ROWS,
  RowGroupSplitter,
  parquetBytes,
  type ParquetSummary,
  type ParquetWriteOptions,
} from "./parquet/writer.ts";

/** The number of files that are written at the same time. */
const PARALLEL_FILES = 4;

/** The number of rows of a stream that are kept in memory before they become files. */
const STREAM_ROWS = 1_000_000;

export async function writeRows(
  lake: Lake,
  table: TableSpec,
  rows: readonly Batch[] | AsyncIterable<Batch>,
  signal: AbortSignal | undefined,
): Promise<Add[]> {
  if (Symbol.iterator in rows) return writeBatches(lake, table, rows, signal);
  const adds: Add[] = [];
  try {
    const options = writeOptions(table, lake.encode);
    let files = new Map<string, StreamFile>();
    let ahead: Promise<EncodedGroup>[] = [];
    let length = 0;
    const write = async (): Promise<void> => {
      const put = (file: StreamFile): Promise<Add> =>
        putFile(
          lake,
          table,
          options,
          file.values,
          (summary) => fileBytes(options, rowGroups(options, file), summary),
          true,
          signal,
        );
      adds.push(...(await writeInParallel(lake, table, [...files.values()], put)));
      [files, ahead, length] = [new Map(), [], 0];
    };
    const encode = async (file: StreamFile, pieces: readonly Piece[]): Promise<void> => {
      const { group } = await encodeRowGroup(options, pieces);
      file.groups.push(group);
      ahead.push(group);
      if (ahead.length > ENCODED_AHEAD) await ahead.shift();
    };
    for await (const batch of rows) {
      for (const { key, values, piece } of partitionPieces(table, batch)) {
        let file = files.get(key);
        if (file === undefined)
          files.set(
            key,
            (file = { values, groups: [], splitter: new RowGroupSplitter(options.columns) }),
          );
        for (const group of file.splitter.add(piece)) await encode(file, group);
        // At the end of a batch, half a row group is encoded already. This leaves less to encode at
        // the end.
        if (file.splitter.rows * 2 >= GROUP_ROWS) await encode(file, file.splitter.rest());
      }
      length += batch.length;
      if (length >= STREAM_ROWS) await write();
    }
    await write();
    return adds;
  } catch (error) {
    await removeFiles(lake, table.name, adds);
    throw error;
  }
}

interface StreamFile {
  readonly values: PartitionValues;
  readonly groups: Promise<EncodedGroup>[];
  readonly splitter: RowGroupSplitter;
}

async function* rowGroups(
  options: ParquetWriteOptions,
  { groups, splitter }: StreamFile,
): AsyncGenerator<EncodedGroup> {
  const rest = splitter.rest();
  const last = rest.length === 0 ? [] : [(await encodeRowGroup(options, rest)).group];
  for (const group of [...groups, ...last]) yield await group;
}

async function writeBatches(
  lake: Lake,
  table: TableSpec,
  rows: readonly Batch[],
  signal: AbortSignal | undefined,
): Promise<Add[]> {
  const files = new Map<string, { readonly values: PartitionValues; readonly pieces: Piece[] }>();
  for (const batch of rows) {
    for (const { key, values, piece } of partitionPieces(table, batch)) {
      const file = files.get(key) ?? { values, pieces: [] };
      file.pieces.push(piece);
      files.set(key, file);
    }
  }
  const { columns } = writeOptions(table);
  return await writeInParallel(lake, table, [...files.values()], ({ values, pieces }) =>
    writeFile(lake, table, columns, values, pieces, true, signal),
  );
}

/** Groups the rows of a batch by partition. */
function* partitionPieces(
  table: TableSpec,
  batch: Batch,
): Generator<{ readonly key: string; readonly values: PartitionValues; readonly piece: Piece }> {
  if (batch.length === 0) return;
  for (const column of batch.columns) {
    if (!table.columns.some((known) => known.name === column.name)) {
      throw new TidemarkError(
        "COLUMN_MISSING",
        `table "${table.name}": the rows bring column "${column.name}", ` +
          "which its columns do not list; add it to them",
      );
    }
  }
  for (const { values, rows } of partitionRows(table.name, batch, table.partitionBy)) {
    const key = JSON.stringify(table.partitionBy.map((name) => values[name]));
    yield { key, values, piece: { batch, rows, from: 0, to: rows?.length ?? batch.length } };
  }
}

/** Writes several files at a time. If one file fails, the others are removed. */
async function writeInParallel<T>(
  lake: Lake,
  table: TableSpec,
  files: readonly T[],
  write: (file: T) => Promise<Add>,
): Promise<Add[]> {
  const adds: Add[] = [];
  const remaining = files.entries();
  const writeRemaining = async (): Promise<void> => {
    for (const [i, file] of remaining) adds[i] = await write(file);
  };
  const workers = await Promise.allSettled(
    Array.from({ length: Math.min(PARALLEL_FILES, files.length) }, writeRemaining),
  );
  for (const worker of workers)
    if (worker.status === "rejected") {
      await removeFiles(lake, table.name, adds);
      throw worker.reason;
    }
  return adds;
}

function writeOptions(
  table: TableSpec,
  encode?: ParquetWriteOptions["encode"],
): ParquetWriteOptions {
  return {
    columns: table.columns.filter((column) => !table.partitionBy.includes(column.name)),
    timestamps: "long",
    where: `table "${table.name}"`,
    pageRows: pageRowsOf(table),
    encode,
  };
}

/** The rows of a page: a scan of few keys reads few pages. */
function pageRowsOf({ readByKey }: Pick<TableSpec, "readByKey">): number | undefined {
  return readByKey === true ? PAGE_ROWS : undefined;
}

export async function writeFile(
  lake: Lake,
  table: Pick<TableSpec, "name" | "partitionBy" | "readByKey">,
  columns: readonly ColumnSpec[],
  values: PartitionValues,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  dataChange: boolean,
  signal: AbortSignal | undefined,
): Promise<Add> {
  const options: ParquetWriteOptions = {
    columns,
    timestamps: "long",
    where: `table "${table.name}"`,
    pageRows: pageRowsOf(table),
  };
  return await putFile(
    lake,
    table,
    options,
    values,
    (summary) => parquetBytes(options, pieces, summary),
    dataChange,
    signal,
  );
}

async function putFile(
  lake: Lake,
  table: Pick<TableSpec, "name" | "partitionBy">,
  { columns }: ParquetWriteOptions,
  values: PartitionValues,
  content: (summary: ParquetSummary) => AsyncIterable<Uint8Array>,
  dataChange: boolean,
  signal: AbortSignal | undefined,
): Promise<Add> {
  const path = `${directoryOf(table.partitionBy, values)}part-${randomUUID()}.zstd.parquet`;
  const summary: ParquetSummary = { rows: 0, bytes: 0, ranges: [] };
  await lake.objects.put(`${table.name}/${path}`, content(summary), { signal });
  return {
    path: encodePath(path),
    partitionValues: values,
    size: summary.bytes,
    modificationTime: lake.clock(),
    dataChange,
    stats: statsText(summary.rows, columns, summary.ranges),
  };
}

/** Removes files that no log entry names. Vacuum finds the files that cannot be removed now. */
export async function removeFiles(
  lake: Lake,
  table: string,
  adds: readonly (Add | undefined)[],
): Promise<void> {
  for (const add of adds)
    if (add !== undefined)
      await lake.objects.delete(`${table}/${decodeURIComponent(add.path)}`).catch(() => undefined);
}
