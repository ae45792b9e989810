/**
 * Reads the bytes of a Parquet file as vectors, one row group at a time. hyparquet decodes the
 * metadata; the values stay as they are in the file.
 */
import type { ColumnChunk, FileMetaData, RowGroup } from "hyparquet";
import { isTidemarkError, TidemarkError, typeOf } from "@tidemark/core/internal/columns";
import type { ColumnSpec, KeyRanges, Value, Vector } from "@tidemark/core/spi";
import type { FarTimes } from "./chunk-reader.ts";
import { type ColumnPlan, leavesOf, planOf } from "./column-plan.ts";
import { decodeGroup, type FetchedGroup, type StoredGroup } from "./decode-group.ts";
import type { DecodeInThread } from "./decode-threads.ts";
import { GroupMemory } from "./limits.ts";
import { describedElement } from "./elements.ts";
import { fetchRanges } from "./fetch-ranges.ts";
import { type ParquetSource, readFooter } from "./footer.ts";
import { asksForMost, overlaps } from "./key-rows.ts";
import { columnOfNode } from "./nested-elements.ts";
import { byteRangeOf, indexRangeOf, PAGE_ROWS } from "./page-index.ts";
import { type GroupReader, type ReadRows, readRowsOfKeys } from "./read-keys.ts";
import { type ParquetNode, pathOf, treesOf } from "./schema-tree.ts";

export interface ParquetFile {
  readonly rows: number;
  /** The file's columns, in order. Columns without a value type are left out. */
  readonly columns: readonly ColumnSpec[];
  readonly groups: readonly { readonly rows: number }[];
  has(column: string): boolean;
  /** Names that more than one column has. */
  readonly repeatedColumns: readonly string[];
  /** The texts that the end of the file holds, by key. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Columns that have no value type here, with what they hold, such as `a list`. */
  readonly unsupportedColumns: readonly { readonly name: string; readonly holds: string }[];
  /** False if no row of the group has a value in [min, max] in the column. */
  mayHold(
    group: number,
    range: { readonly column: string; readonly min: number; readonly max: number },
  ): boolean;
  /** False if no row of the group has a key of the ranges. */
  mayHoldKeys(group: number, keys: KeyRanges): boolean;
  /** Whether its columns have an index of their pages. */
  readonly hasPageIndex: boolean;
  /** Names of columns of which a time that was read had nanoseconds. It fills with each read. */
  readonly flooredColumns: ReadonlySet<string>;
  /**
   * Reads the columns of one row group, as the value types that they name. With `threads` one of
   * them decodes the columns.
   *
   * @throws PARQUET_DAMAGED when the file cannot be read.
   * @throws PARQUET_TYPE when a column has another type than the declared one.
   * @throws PARQUET_UNSUPPORTED when a column is compressed in a way that is not read.
   * @throws PARQUET_TOO_LARGE when the row group would take too much memory.
   * @throws PARQUET_VALUE when a value cannot be carried.
   */
  readGroup(
    group: number,
    columns: readonly ColumnSpec[],
    farTimes: FarTimes,
    threads?: DecodeInThread | null,
  ): Promise<readonly Vector[]>;
  /**
   * Reads the rows that have a key of the ranges. Others may come too: where a range holds every
   * key of the row group, and where their column has no order or is not read. It throws as
   * `readGroup` does.
   */
  readKeys(
    group: number,
    columns: readonly ColumnSpec[],
    keys: KeyRanges,
    farTimes: FarTimes,
    threads?: DecodeInThread | null,
  ): Promise<ReadRows>;
}

/** A missing value has a flag and at most a number. */
const MOST_BYTES_OF_NULL = 9;

/** The distance (bytes) below which column chunks are fetched together. */
const MAX_GAP = 256 * 1024;

export async function openParquet(source: ParquetSource): Promise<ParquetFile> {
  return await guard(source, async () => {
    const { metadata, tail } = await readFooter(source);
    return parquetFile(source, metadata, tail);
  });
}

function parquetFile(
  source: ParquetSource,
  footer: FileMetaData,
  tail: Uint8Array<ArrayBuffer>,
): ParquetFile {
  // Arrow writes a table without rows as one row group without rows.
  const metadata = {
    ...footer,
    row_groups: footer.row_groups.filter((group) => group.num_rows > 0n),
  };
  const trees = treesOf(metadata.schema.slice(1));
  const elements = trees.map(({ element }) => element);
  const flooredColumns = new Set<string>();
  const treeOf = new Map(trees.map((tree) => [tree.element.name, tree]));
  const utcInt96 = isWrittenBySpark(footer);
  const columns = trees
    .map((tree) => columnOfNode(tree, utcInt96))
    .filter((column) => column !== null);
  const before: number[] = [];
  let rows = 0;
  for (const group of metadata.row_groups) {
    before.push(rows);
    rows += Number(group.num_rows);
  }
  if (!Number.isSafeInteger(rows)) throw new Error(`it claims ${metadata.num_rows} rows`);
  if (rows !== Number(metadata.num_rows))
    throw new Error(`it claims ${metadata.num_rows} rows, and its row groups ${rows}`);
  const chunkOf = (group: RowGroup, node: ParquetNode): ColumnChunk => {
    const path = pathOf(node);
    const chunk = group.columns.find(({ meta_data: meta }) =>
      isSamePath(meta?.path_in_schema, path),
    );
    if (!chunk?.meta_data) throw new Error(`a row group lacks column "${path.join(".")}"`);
    return chunk;
  };
  const planFor = (column: ColumnSpec): ColumnPlan => {
    const tree = treeOf.get(column.name);
    if (tree === undefined) throw new Error(`it lacks column "${column.name}"`);
    const plan = planOf(column, tree);
    if (plan !== null) return plan;
    throw new TidemarkError(
      "PARQUET_TYPE",
      `${source.name}: column "${column.name}" is ${describedElement(tree.element)} ` +
        `and cannot be read as ${column.type}; declare the type the file has`,
    );
  };
  return {
    rows,
    columns,
    groups: metadata.row_groups.map((group) => ({ rows: Number(group.num_rows) })),
    has: (column) => treeOf.has(column),
    repeatedColumns: repeatedNames(elements.map(({ name }) => name)),
    unsupportedColumns: elements
      .filter(({ name }) => !columns.some((column) => column.name === name))
      .map((element) => ({ name: element.name, holds: describedElement(element) })),
    mayHoldKeys(index, keys) {
      const bounds = keyBounds(index, keys.column);
      return bounds === null || overlaps(keys, bounds.min, bounds.max);
    },
    hasPageIndex: metadata.row_groups.some((group) =>
      group.columns.some((chunk) => indexRangeOf(chunk) !== null),
    ),
    mayHold(index, { column, min, max }) {
      const element = treeOf.get(column)?.element;
      const statistics = metadata.row_groups[index]!.columns.find(({ meta_data: meta }) =>
        isSamePath(meta?.path_in_schema, [column]),
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
    flooredColumns,
    metadata: new Map(
      (footer.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""]),
    ),
    readGroup: (index, requested, farTimes, threads = null) =>
      guard(source, () => readGroup(index, requested, farTimes, threads)),
    readKeys: (index, requested, keys, farTimes, threads = null) =>
      guard(source, () => readKeys(index, requested, keys, farTimes, threads)),
  };

  /** The least and the greatest key of a row group. null: they are not known. */
  function keyBounds(index: number, column: string): Record<"min" | "max", Value> | null {
    const type = columns.find(({ name }) => name === column)?.type;
    const { min_value: min, max_value: max } =
      metadata.row_groups[index]!.columns.find(({ meta_data: meta }) =>
        isSamePath(meta?.path_in_schema, [column]),
      )?.meta_data?.statistics ?? {};
    if (type === "string")
      return typeof min === "string" && typeof max === "string" ? { min, max } : null;
    const isWhole = (value: unknown): value is number | bigint =>
      typeof value === "bigint" || Number.isInteger(value);
    if (type !== "int64" && type !== "int32") return null;
    return isWhole(min) && isWhole(max) ? { min, max } : null;
  }

  /** Where columns of a row group lie in the file. */
  function storedGroup(
    index: number,
    requested: readonly ColumnSpec[],
    farTimes: FarTimes,
  ): StoredGroup {
    const group = metadata.row_groups[index]!;
    const plans = requested.map(planFor);
    return {
      file: source.name,
      index,
      rows: Number(group.num_rows),
      before: before[index]!,
      columns: requested,
      plans,
      chunks: plans.flatMap(leavesOf).map((leaf) => chunkOf(group, leaf.node)),
      farTimes,
    };
  }

  async function decoded(
    fetch: () => Promise<FetchedGroup>,
    threads: DecodeInThread | null,
  ): Promise<readonly Vector[]> {
    const inThread = threads === null ? null : await threads(fetch);
    const { vectors, flooredColumns: floored } = inThread ?? (await decodeGroup(await fetch()));
    for (const name of floored) flooredColumns.add(name);
    return vectors;
  }

  async function readGroup(
    index: number,
    requested: readonly ColumnSpec[],
    farTimes: FarTimes,
    threads: DecodeInThread | null,
    gap: number = MAX_GAP,
  ): Promise<readonly Vector[]> {
    const rows = Number(metadata.row_groups[index]!.num_rows);
    const memory = new GroupMemory(`${source.name}: row group ${index + 1}`, 0);
    const stored: ColumnSpec[] = [];
    // a column without a value needs no look at its bytes
    const empty = requested.map((column): Vector | null => {
      const plan = planFor(column);
      if (
        plan.kind !== "leaf" ||
        nullCount(chunkOf(metadata.row_groups[index]!, plan.node)) !== rows
      ) {
        stored.push(column);
        return null;
      }
      memory.spend(rows * MOST_BYTES_OF_NULL);
      return typeOf(column).layout.missing(rows);
    });
    const group = storedGroup(index, stored, farTimes);
    const vectors = await decoded(
      async () => ({
        ...group,
        pageRows: null,
        bytes: await fetchRanges(source, group.chunks.map(byteRangeOf), tail, gap),
      }),
      threads,
    );
    const next = vectors.values();
    return empty.map((vector) => vector ?? next.next().value!);
  }

  async function readKeys(
    index: number,
    requested: readonly ColumnSpec[],
    keys: KeyRanges,
    farTimes: FarTimes,
    threads: DecodeInThread | null,
  ): Promise<ReadRows> {
    const rows = Number(metadata.row_groups[index]!.num_rows);
    const key = columns.find(({ name }) => name === keys.column);
    const bounds = keyBounds(index, keys.column);
    // most pages would have rows of so many keys
    const isWhole = bounds !== null && asksForMost(keys, bounds.min, bounds.max, rows / PAGE_ROWS);
    if (key === undefined || isWhole)
      return { rows, vectors: await readGroup(index, requested, farTimes, threads) };
    const gap = source.readGap ?? MAX_GAP;
    const group: GroupReader = {
      source,
      tail,
      rows,
      gap,
      stored: (some) => storedGroup(index, some, farTimes),
      decode: decoded,
      read: (some, helpers) => readGroup(index, some, farTimes, helpers, gap),
    };
    return await readRowsOfKeys(group, requested, key, keys, threads);
  }
}

/** The number of rows without a value, as the file says it; −1: it does not. */
function nullCount({ meta_data: meta }: ColumnChunk): number {
  return Number(meta?.statistics?.null_count ?? -1);
}

function isSamePath(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((name, i) => name === b[i]);
}

/** The names that more than one column has. */
function repeatedNames(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) (seen.has(name) ? repeated : seen).add(name);
  return [...repeated];
}

/** Spark writes times of 96 bits as instants. Other writers write the clock of an unknown zone. */
function isWrittenBySpark({ key_value_metadata: metadata }: FileMetaData): boolean {
  return (metadata ?? []).some(({ key }) => key === "org.apache.spark.version");
}

async function guard<T>(source: ParquetSource, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isTidemarkError(error) || (error as Error).name === "AbortError") throw error;
    throw new TidemarkError(
      "PARQUET_DAMAGED",
      `${source.name}: cannot be read as Parquet (${(error as Error).message}); ` + source.advice,
      { cause: error },
    );
  }
}
