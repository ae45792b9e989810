/** Decodes the columns of one row group. What it needs is plain data, so a thread may have it. */
import type { ColumnChunk } from "hyparquet";
import type { ColumnSpec, Vector } from "@tidemark/core/spi";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import { assembled } from "./assemble.ts";
import { readChunk, readLeaf, type FarTimes, type StoredChunk } from "./chunk-reader.ts";
import { leavesOf, type ColumnPlan, type LeafPlan } from "./column-plan.ts";
import { GroupMemory } from "./limits.ts";

/** Columns of one row group, and where they lie. */
export interface StoredGroup {
  /** The name of the file and its store, for messages. */
  readonly file: string;
  /** The number of the row group, from 0. */
  readonly index: number;
  readonly rows: number;
  /** The number of rows of the file before this row group. */
  readonly before: number;
  readonly columns: readonly ColumnSpec[];
  /** How each of the columns lies in the file. */
  readonly plans: readonly ColumnPlan[];
  /** The chunks of the leaves of all plans. */
  readonly chunks: readonly ColumnChunk[];
  readonly farTimes: FarTimes;
}

/** A row group with the bytes of its chunks. */
export interface FetchedGroup extends StoredGroup {
  /** The rows of each data page, where an index says them. */
  readonly pageRows: readonly number[] | null;
  readonly bytes: readonly Uint8Array<ArrayBuffer>[];
}

/** The vectors of the columns. */
export interface DecodedGroup {
  readonly vectors: readonly Vector[];
  /** Names of columns of which a time had nanoseconds. */
  readonly flooredColumns: readonly string[];
}

/** Decodes the columns of a row group. It throws as `ParquetFile.readGroup` does. */
export async function decodeGroup(group: FetchedGroup): Promise<DecodedGroup> {
  const { file, index, rows, before, columns, plans, chunks, farTimes, bytes, pageRows } = group;
  const memory = new GroupMemory(
    `${file}: row group ${index + 1}`,
    bytes.reduce((sum, { length }) => sum + length, 0),
  );
  memory.spend(rows);
  const floored = new Set<string>();
  let next = 0;
  const storedChunk = (column: string, leaf: LeafPlan): StoredChunk => ({
    file,
    leaf,
    chunk: chunks[next]!,
    bytes: bytes[next++]!,
    rows,
    before,
    pageRows,
    memory,
    onFloored: () => void floored.add(column),
  });
  const vectors: Vector[] = [];
  for (const [c, { name }] of columns.entries()) {
    const plan = plans[c]!;
    const leaves = leavesOf(plan).values();
    const chunk = (): StoredChunk => storedChunk(name, leaves.next().value!);
    vectors.push(
      plan.kind === "leaf"
        ? readChunk(chunk(), farTimes)
        : assembled(file, plan, () => readLeaf(chunk(), farTimes)),
    );
    await yieldToEventLoop();
  }
  return { vectors, flooredColumns: [...floored] };
}
