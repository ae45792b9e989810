/** Makes lakes in temporary directories, and rows for them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  batchOf,
  valueAt,
  type Batch,
  type ColumnSpec,
  type ValueType,
  type OfflineStore,
  type TableSpec,
  type Value,
} from "@tidemark/core/spi";
import { onTestFinished } from "vitest";

export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-delta-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function column<T extends ValueType>(
  name: string,
  type: T,
  more: Partial<Omit<ColumnSpec, "type">> = {},
): ColumnSpec & { readonly type: T } {
  return { name, database: name, nullable: true, ...more, type };
}

/** A table of an int32 `bucket`, which may partition it, and an int64 `id`. */
export const numbers: TableSpec = {
  name: "numbers",
  columns: [column("bucket", "int32"), column("id", "int64"), column("text", "string")],
  partitionBy: [],
};

export function rowsOfNumbers(...ids: readonly number[]): readonly Batch[] {
  return [
    batchOf(
      numbers.columns,
      ids.map((id) => [id % 3, BigInt(id), `row ${id}`]),
    ),
  ];
}

export async function valuesOf(batches: AsyncIterable<Batch>): Promise<Value[][]> {
  const rows: Value[][] = [];
  for await (const { length, vectors } of batches)
    for (let i = 0; i < length; i++) rows.push(vectors.map((vector) => valueAt(vector, i)));
  return rows;
}

export async function idsOf(
  store: OfflineStore,
  table = numbers.name,
  options: Omit<Parameters<OfflineStore["scan"]>[1], "columns"> = {},
): Promise<number[]> {
  return (await valuesOf(store.scan(table, { ...options, columns: ["id"] })))
    .map(([id]) => Number(id))
    .sort((a, b) => a - b);
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
