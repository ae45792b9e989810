/** Rows → Parquet files of a table, one for each partition. */
import { randomUUID } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec, TableSpec } from "@tidemark/core/spi";
import type { Lake } from "./lake.ts";
import type { Add } from "./log/actions.ts";
import { directoryOf, encodePath, partRows, type PartitionValues } from "./log/partitions.ts";
import { statsText } from "./log/statistics.ts";
import type { Piece } from "./parquet/gather.ts";
import { parquetBytes, type ParquetSummary } from "./parquet/writer.ts";

/** Files written at the same time. */
const PARALLEL = 4;

/** Rows that come one batch after the other are in memory up to so many, and then files. */
const STREAM_ROWS = 1_000_000;

export async function writeRows(lake: Lake, table: TableSpec, rows: readonly Batch[] | AsyncIterable<Batch>, signal: AbortSignal | undefined): Promise<Add[]> {
  if (Symbol.iterator in rows) return writeBatches(lake, table, rows, signal);
  const adds: Add[] = [];
  let waiting: Batch[] = [];
  let length = 0;
  const write = async (): Promise<void> => {
    adds.push(...(await writeBatches(lake, table, waiting, signal)));
    [waiting, length] = [[], 0];
  };
  try {
    for await (const batch of rows) {
      waiting.push(batch);
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

async function writeBatches(lake: Lake, table: TableSpec, rows: readonly Batch[], signal: AbortSignal | undefined): Promise<Add[]> {
  const parts = new Map<string, { values: PartitionValues; pieces: Piece[] }>();
  for (const batch of rows) {
    if (batch.length === 0) continue;
    for (const column of batch.columns) {
      if (!table.columns.some((known) => known.name === column.name)) {
        throw new TidemarkError("COLUMN_MISSING", `table "${table.name}": the rows bring column "${column.name}", which its columns do not list; add it to them`);
      }
    }
    for (const { values, rows: listed } of partRows(table.name, batch, table.partitionBy)) {
      const key = JSON.stringify(table.partitionBy.map((name) => values[name]));
      const part = parts.get(key) ?? { values, pieces: [] };
      part.pieces.push({ batch, rows: listed, from: 0, to: listed?.length ?? batch.length });
      parts.set(key, part);
    }
  }
  const columns = table.columns.filter((column) => !table.partitionBy.includes(column.name));
  const adds: Add[] = [];
  const waiting = [...parts.values()].entries();
  const work = async (): Promise<void> => {
    for (const [i, { values, pieces }] of waiting) adds[i] = await writeFile(lake, table, columns, values, pieces, true, signal);
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL, parts.size) }, work));
  for (const worker of workers) if (worker.status === "rejected") { await removeFiles(lake, table.name, adds); throw worker.reason; }
  return adds;
}

export async function writeFile(
  lake: Lake, table: Pick<TableSpec, "name" | "partitionBy">, columns: readonly ColumnSpec[], values: PartitionValues, pieces: Iterable<Piece> | AsyncIterable<Piece>, dataChange: boolean, signal: AbortSignal | undefined,
): Promise<Add> {
  const path = `${directoryOf(table.partitionBy, values)}part-${randomUUID()}.zstd.parquet`;
  const summary: ParquetSummary = { rows: 0, bytes: 0, ranges: [] };
  await lake.objects.put(`${table.name}/${path}`, parquetBytes({ columns, timestamps: "long", where: `table "${table.name}"` }, pieces, summary), { signal });
  return {
    path: encodePath(path), partitionValues: values, size: summary.bytes, modificationTime: lake.clock(), dataChange,
    stats: statsText(summary.rows, columns, summary.ranges),
  };
}

/** Files that no entry names. What cannot be removed now, vacuum will find. */
export async function removeFiles(lake: Lake, table: string, adds: readonly (Add | undefined)[]): Promise<void> {
  for (const add of adds) if (add !== undefined) await lake.objects.delete(`${table}/${decodeURIComponent(add.path)}`).catch(() => undefined);
}
