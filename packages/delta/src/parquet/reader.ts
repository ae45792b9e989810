/**
 * Reads the bytes of a Parquet file as vectors, one row group at a time. hyparquet decodes the
 * metadata; the values stay as they are in the file.
 */
import type { ColumnChunk, FileMetaData, RowGroup } from "hyparquet";
import { isTidemarkError, TidemarkError, typeOf } from "@tidemark/core/internal/columns";
import type { ColumnSpec, OfflineStore, Vector } from "@tidemark/core/spi";
import type { FarTimes } from "./chunk-reader.ts";
import { type ColumnPlan, leavesOf, planOf } from "./column-plan.ts";
import { decodeGroup, type FetchedGroup } from "./decode-group.ts";
import type { DecodeInThread } from "./decode-threads.ts";
import { GroupMemory } from "./limits.ts";
import { describedElement } from "./elements.ts";
import { type ParquetSource, readExactly, readFooter } from "./footer.ts";
import { columnOfNode } from "./nested-elements.ts";
import { type ParquetNode, pathOf, treesOf } from "./schema-tree.ts";
import { compareCodePoints } from "./statistics.ts";

/** Keys of a column, in the order of its type, both ends included. */
export type KeyRange = NonNullable<Parameters<OfflineStore["scan"]>[1]["keyRange"]>;

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
  /** The same in the order of the column's type: texts by code point. */
  mayHoldKeys(group: number, range: KeyRange): boolean;
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
}

/** A missing value has a flag and at most a number. */
const MOST_BYTES_OF_NULL = 9;

/** The distance (bytes) below which column chunks are fetched together. */
const MAX_GAP = 256 * 1024;

export async function openParquet(source: ParquetSource): Promise<ParquetFile> {
  return await guard(source, async () => {
    const { metadata, tail } = await readFooter(source);
    // A small file was read whole with its footer.
    return parquetFile(source, metadata, tail.length === source.size ? tail : null);
  });
}

function parquetFile(
  source: ParquetSource,
  footer: FileMetaData,
  whole: Uint8Array<ArrayBuffer> | null,
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
    mayHoldKeys(index, { column, min, max }) {
      const type = columns.find(({ name }) => name === column)?.type;
      const { min_value: low, max_value: high } =
        metadata.row_groups[index]!.columns.find(({ meta_data: meta }) =>
          isSamePath(meta?.path_in_schema, [column]),
        )?.meta_data?.statistics ?? {};
      if (type === "string")
        return (
          typeof low !== "string" ||
          typeof high !== "string" ||
          (compareCodePoints(low, max as string) <= 0 &&
            compareCodePoints(high, min as string) >= 0)
        );
      const isWhole = (value: unknown): value is number | bigint =>
        typeof value === "bigint" || Number.isInteger(value);
      if (type !== "int64" && type !== "int32") return true;
      return !isWhole(low) || !isWhole(high) || (low <= (max as number) && high >= (min as number));
    },
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
      guard(source, async () => {
        const group = metadata.row_groups[index]!;
        const rows = Number(group.num_rows);
        const read: { readonly column: ColumnSpec; readonly plan: ColumnPlan }[] = [];
        const memory = new GroupMemory(`${source.name}: row group ${index + 1}`, 0);
        // a column without a value needs no look at its bytes
        const empty = requested.map((column): Vector | null => {
          const plan = planFor(column);
          if (plan.kind === "leaf" && nullCount(chunkOf(group, plan.node)) === rows) {
            memory.spend(rows * MOST_BYTES_OF_NULL);
            return typeOf(column).layout.missing(rows);
          }
          read.push({ column, plan });
          return null;
        });
        const plans = read.map(({ plan }) => plan);
        const chunks = plans.flatMap(leavesOf).map((leaf) => chunkOf(group, leaf.node));
        const fetched = async (): Promise<FetchedGroup> => ({
          file: source.name,
          index,
          rows,
          before: before[index]!,
          columns: read.map(({ column }) => column),
          plans,
          chunks,
          farTimes,
          bytes: await fetchChunks(source, chunks.map(byteRangeOf), whole),
        });
        const inThread = threads === null ? null : await threads(fetched);
        const { vectors: decoded, flooredColumns: floored } =
          inThread ?? (await decodeGroup(await fetched()));
        for (const name of floored) flooredColumns.add(name);
        const next = decoded.values();
        const vectors = empty.map((vector) => vector ?? next.next().value!);
        return vectors;
      }),
  };
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

interface ByteRange {
  readonly from: number;
  readonly to: number;
}

function byteRangeOf(chunk: ColumnChunk): ByteRange {
  const meta = chunk.meta_data!;
  const from = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return { from, to: from + Number(meta.total_compressed_size) };
}

async function fetchChunks(
  source: ParquetSource,
  extents: readonly ByteRange[],
  whole: Uint8Array<ArrayBuffer> | null,
): Promise<Uint8Array<ArrayBuffer>[]> {
  for (const { from, to } of extents)
    if (from < 4 || to > source.size || to < from)
      throw new Error(`a column lies at [${from}, ${to}) of ${source.size} bytes`);
  if (whole !== null) return extents.map(({ from, to }) => whole.subarray(from, to));
  const reads: { from: number; to: number; bytes: Promise<Uint8Array<ArrayBuffer>> }[] = [];
  const sorted = [...extents].sort((a, b) => a.from - b.from);
  for (let i = 0; i < sorted.length;) {
    const from = sorted[i]!.from;
    let to = sorted[i]!.to;
    for (i++; i < sorted.length && sorted[i]!.from <= to + MAX_GAP; i++)
      to = Math.max(to, sorted[i]!.to);
    reads.push({ from, to, bytes: readExactly(source, from, to) });
  }
  const settled = await Promise.allSettled(reads.map((read) => read.bytes));
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return await Promise.all(
    extents.map(async ({ from, to }) => {
      const read = reads.find((candidate) => candidate.from <= from && candidate.to >= to)!;
      return (await read.bytes).subarray(from - read.from, to - read.from);
    }),
  );
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
