import { batchOf, valueAt, vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { partitionKey } from "../rows/snapshot-generations.ts";
import type {
  Metadata,
  MetadataStep,
  OfflineStore,
  PartitionFilter,
  Position,
  PositionStep,
  StagedRows,
  TableSpec,
} from "../spi.ts";
import { typeText } from "../types/type-text.ts";
import { positionOf } from "./memory-online.ts";

/**
 * The data of an offline store in memory.
 * Two stores that get the same data are two handles on one store.
 */
export interface MemoryOfflineData {
  /** The versions of each table, oldest first. */
  readonly tables: Map<string, TableVersion[]>;
  /** The applied definitions, by namespace. */
  readonly registry: Map<string, readonly string[]>;
  /** Rows of rewrites that are not committed yet, by table, rewrite and name. */
  readonly staged: Map<string, Map<string, Map<string, readonly Batch[]>>>;
}

interface TableVersion {
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
  readonly batches: readonly PartitionBatch[];
  readonly positions: ReadonlyMap<string, Position>;
  readonly metadata: Metadata;
  /** What the commit changed: partitions, positions, and keys of the metadata. */
  readonly touchedPartitions: readonly PartitionValues[];
  readonly movedPositions: readonly string[];
  readonly changedKeys: readonly string[];
}

type PartitionValues = Readonly<Record<string, string | number | null>>;

/** Rows of one partition and one commit. */
interface PartitionBatch {
  readonly values: PartitionValues;
  readonly batch: Batch;
}

/**
 * Makes empty data for `memoryOfflineStore`.
 *
 * @example
 * const data = memoryOfflineData();
 * const handles = [memoryOfflineStore(data), memoryOfflineStore(data)];
 */
export function memoryOfflineData(): MemoryOfflineData {
  return { tables: new Map(), registry: new Map(), staged: new Map() };
}

/**
 * Makes an offline store in memory, for tests and first trials. Its data ends with the process.
 *
 * @example
 * const store = await openStore({ definitions, offline: memoryOfflineStore() });
 */
export function memoryOfflineStore(data: MemoryOfflineData = memoryOfflineData()): OfflineStore {
  const name = "memory offline store";

  function versionOf(
    table: string,
    version: number | undefined,
  ): { readonly number: number; readonly at: TableVersion } | null {
    const versions = data.tables.get(table);
    if (versions === undefined) return null;
    const number = version ?? versions.length - 1;
    const at = versions[number];
    if (at === undefined)
      throw new TidemarkError(
        "VERSION_MISSING",
        `${name}: table "${table}" has no version ${number}; its newest is ${versions.length - 1}`,
      );
    return { number, at };
  }

  function stagedBatches(table: string, { rewrite, name: one }: StagedRows): readonly Batch[] {
    const batches = data.staged.get(table)?.get(rewrite)?.get(one);
    if (batches !== undefined) return batches;
    throw new TidemarkError(
      "STAGED_ROWS_MISSING",
      `${name}: table "${table}": the rows "${one}" are not staged; begin the rewrite again`,
      { retryable: true },
    );
  }

  function commit(
    table: TableSpec,
    rows: readonly Batch[],
    positions: readonly PositionStep[],
    metadata: readonly MetadataStep[],
    replacement: {
      readonly replaced: PartitionFilter;
      readonly expectedVersion: number | null;
    } | null,
  ): "done" | "conflict" {
    const versions = data.tables.get(table.name) ?? [];
    const last = versions.at(-1) ?? null;
    if (replacement !== null) checkFilter(table.name, table.partitionBy, replacement.replaced);
    if (
      positions.some(
        (step) => (last?.positions.get(partitionKey(step))?.offset ?? null) !== step.expected,
      ) ||
      metadata.some(({ key, expected }) => (last?.metadata.get(key) ?? null) !== expected)
    )
      return "conflict";
    if (replacement !== null) {
      const from = replacement.expectedVersion ?? -1;
      if (from >= versions.length) return "conflict";
      const since = versions.slice(from + 1);
      if (
        since.some(
          ({ touchedPartitions, movedPositions, changedKeys }) =>
            touchedPartitions.some((values) => matches(replacement.replaced, values)) ||
            positions.some((step) => movedPositions.includes(partitionKey(step))) ||
            metadata.some(({ key }) => changedKeys.includes(key)),
        )
      )
        return "conflict";
    }
    const isWhole = replacement !== null && Object.keys(replacement.replaced).length === 0;
    const columns = last === null || isWhole ? newColumns(table) : grownColumns(table, last);
    const added = partitionBatches(table, rows);
    const removed =
      replacement === null
        ? []
        : (last?.batches ?? []).filter(({ values }) => matches(replacement.replaced, values));
    if (
      last !== null &&
      columns === last.columns &&
      added.length === 0 &&
      removed.length === 0 &&
      positions.length === 0 &&
      metadata.length === 0
    )
      return "done";

    const moved = new Map(last?.positions);
    for (const step of positions) moved.set(partitionKey(step), positionOf(step));
    const texts = new Map(last?.metadata);
    for (const { key, next } of metadata) if (next !== null) texts.set(key, next);
    const kept = (last?.batches ?? []).filter((part) => !removed.includes(part));
    versions.push({
      columns,
      partitionBy: table.partitionBy,
      batches: [...kept, ...added],
      positions: moved,
      metadata: texts,
      touchedPartitions: [...added, ...removed].map(({ values }) => values),
      movedPositions: positions.map(partitionKey),
      changedKeys: metadata.flatMap(({ key, expected, next }) => (next === expected ? [] : [key])),
    });
    data.tables.set(table.name, versions);
    return "done";
  }

  return {
    name,
    async state(table, { version, signal } = {}) {
      signal?.throwIfAborted();
      const found = versionOf(table, version);
      if (found === null) return null;
      const { columns, partitionBy, batches, positions, metadata } = found.at;
      return {
        version: found.number,
        columns,
        partitionBy,
        rows: batches.reduce((sum, { batch }) => sum + batch.length, 0),
        positions: [...positions.values()],
        metadata,
      };
    },
    async append(table, rows, { positions, metadata = [], signal }) {
      signal?.throwIfAborted();
      return commit(table, rows, positions, metadata, null);
    },
    async rewrite(table, rows, options) {
      const { replaced, expectedVersion, positions, metadata = [], staged, signal } = options;
      signal?.throwIfAborted();
      const all: Batch[] = [];
      for await (const batch of rows) all.push(batch);
      for (const one of staged?.names ?? [])
        all.push(...stagedBatches(table.name, { rewrite: staged!.rewrite, name: one }));
      const done = commit(table, all, positions, metadata, { replaced, expectedVersion });
      if (done === "done" && staged !== undefined)
        data.staged.get(table.name)?.delete(staged.rewrite);
      return done;
    },
    async *scan(table, { columns: names, version, partitions = {}, range, keyRanges, signal }) {
      signal?.throwIfAborted();
      const found = versionOf(table, version);
      if (found === null)
        throw new TidemarkError(
          "TABLE_MISSING",
          `${name}: there is no table "${table}"; append to it first`,
        );
      const { columns, partitionBy, batches } = found.at;
      checkFilter(table, partitionBy, partitions);
      const columnNamed = (wanted: string): ColumnSpec => {
        const column = columns.find((candidate) => candidate.name === wanted);
        if (column === undefined)
          throw new TidemarkError(
            "COLUMN_MISSING",
            `${name}: table "${table}" has no column "${wanted}" at version ${found.number}; ` +
              `it has ${columns.map((c) => c.name).join(", ")}`,
          );
        return column;
      };
      const wanted = names.map(columnNamed);
      for (const asked of [range, keyRanges]) if (asked !== undefined) columnNamed(asked.column);
      for (const { values, batch } of batches) {
        signal?.throwIfAborted();
        if (matches(partitions, values))
          yield {
            length: batch.length,
            columns: wanted,
            vectors: wanted.map((column) => vectorOrNulls(column, batch)),
          };
      }
    },
    async replaceRows(table, { columns: names, isAffected, replace, signal }) {
      signal?.throwIfAborted();
      const found = versionOf(table, undefined);
      if (found === null)
        throw new TidemarkError(
          "TABLE_MISSING",
          `${name}: there is no table "${table}"; append to it first`,
        );
      const { at } = found;
      const touched: PartitionValues[] = [];
      const batches = at.batches.flatMap((part): PartitionBatch[] => {
        if (!isAffected(columnsOf(at.columns, names, part.batch))) return [part];
        touched.push(part.values);
        const whole = columnsOf(
          at.columns,
          at.columns.map((column) => column.name),
          part.batch,
        );
        const batch = replace(whole);
        return batch.length === 0 ? [] : [{ values: part.values, batch }];
      });
      if (touched.length === 0) return "done";
      data.tables
        .get(table)!
        .push({ ...at, batches, touchedPartitions: touched, movedPositions: [], changedKeys: [] });
      return "done";
    },
    registry: {
      async load({ namespace, signal }) {
        signal?.throwIfAborted();
        const saved = data.registry.get(namespace) ?? [];
        return saved.length === 0 ? null : { snapshot: saved.at(-1)!, etag: String(saved.length) };
      },
      async save(snapshot, { namespace, expected, signal }) {
        signal?.throwIfAborted();
        const saved = data.registry.get(namespace) ?? [];
        if ((expected ?? "0") !== String(saved.length)) return "conflict";
        data.registry.set(namespace, [...saved, snapshot]);
        return "done";
      },
    },
    staging: {
      async list(table, { signal } = {}) {
        signal?.throwIfAborted();
        return [...(data.staged.get(table) ?? [])].flatMap(([rewrite, rows]) =>
          [...rows.keys()].map((one) => ({ rewrite, name: one })),
        );
      },
      async write(table, rows, { rewrite, name: one, signal }) {
        const batches: Batch[] = [];
        for await (const batch of rows) {
          signal?.throwIfAborted();
          batches.push(batch);
        }
        const ofTable = data.staged.get(table.name) ?? new Map<string, Map<string, Batch[]>>();
        ofTable.set(rewrite, new Map(ofTable.get(rewrite)).set(one, batches));
        data.staged.set(table.name, ofTable);
      },
      async *read(table, { partitions, signal, ...of }) {
        for (const batch of stagedBatches(table.name, of))
          for (const part of partitionBatches(table, [batch])) {
            signal?.throwIfAborted();
            if (matches(partitions, part.values)) yield part.batch;
          }
      },
      async discard(table, { isDiscarded, signal }) {
        signal?.throwIfAborted();
        const staged = data.staged.get(table);
        for (const rewrite of staged?.keys() ?? [])
          if (isDiscarded(rewrite)) staged!.delete(rewrite);
      },
    },
    close: async () => undefined,
  };
}

function newColumns(table: TableSpec): readonly ColumnSpec[] {
  for (const part of table.partitionBy) {
    const type = table.columns.find(({ name }) => name === part)?.type;
    if (type !== "int32" && type !== "string")
      throw new TidemarkError(
        "PARTITION_CONFLICT",
        `table "${table.name}": "${part}" is no int32 or string column of it; part by one that is`,
      );
  }
  return table.columns.map(withoutUndefined);
}

/**
 * The table's columns once it holds these rows too.
 * A new column is nullable, since earlier rows have no value in it.
 */
function grownColumns(table: TableSpec, last: TableVersion): readonly ColumnSpec[] {
  if (last.partitionBy.join("\0") !== table.partitionBy.join("\0")) {
    throw new TidemarkError(
      "PARTITION_CONFLICT",
      `table "${table.name}" is parted by [${last.partitionBy.join(", ")}] and not by ` +
        `[${table.partitionBy.join(", ")}]; use its own, or write another table`,
    );
  }
  const brought = new Map(table.columns.map((column) => [column.name, column]));
  const known = last.columns.map((column) => {
    const other = brought.get(column.name);
    if (other !== undefined && typeText(other) !== typeText(column)) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table.name}": column "${column.name}" is ${typeText(column)} there and the ` +
          `rows bring ${typeText(other)}; a column keeps its type, give the new one another name`,
      );
    }
    return column.nullable || other?.nullable === false ? column : { ...column, nullable: true };
  });
  const grown = table.columns
    .filter(({ name }) => !last.columns.some((column) => column.name === name))
    .map((column) => withoutUndefined({ ...column, nullable: true }));
  return grown.length === 0 && known.every((column, i) => column === last.columns[i])
    ? last.columns
    : [...known, ...grown];
}

/** The column without its undefined members, as a store on disk returns it. */
function withoutUndefined(column: ColumnSpec): ColumnSpec {
  return Object.fromEntries(
    Object.entries(column).filter(([, value]) => value !== undefined),
  ) as unknown as ColumnSpec;
}

/** Copies the rows, one batch per partition of the table. */
function partitionBatches(table: TableSpec, rows: readonly Batch[]): PartitionBatch[] {
  const byPartition = new Map<string, { values: PartitionValues; rows: Value[][] }>();
  for (const batch of rows) {
    const unknown = batch.columns.find(
      ({ name }) => !table.columns.some((column) => column.name === name),
    );
    if (unknown !== undefined)
      throw new TidemarkError(
        "COLUMN_MISSING",
        `table "${table.name}": the rows bring column "${unknown.name}", ` +
          "which its columns do not list; add it to them",
      );
    const columnIndexes = table.columns.map(({ name }) =>
      batch.columns.findIndex((column) => column.name === name),
    );
    for (let i = 0; i < batch.length; i++) {
      const row = table.columns.map((column, c) => {
        const value = columnIndexes[c]! < 0 ? null : valueAt(batch.vectors[columnIndexes[c]!]!, i);
        if (value === null && !column.nullable)
          throw new TidemarkError(
            "NULL_NOT_ALLOWED",
            `table "${table.name}": column "${column.name}" is not nullable and a row has no ` +
              "value in it; declare it .nullable() or leave the row out",
          );
        return value instanceof Uint8Array ? value.slice() : value;
      });
      const values: Record<string, string | number | null> = {};
      for (const partition of table.partitionBy) {
        const value = row[table.columns.findIndex((column) => column.name === partition)] as
          | string
          | number
          | null;
        if (value === "")
          throw new TidemarkError(
            "PARTITION_VALUE_EMPTY",
            `table "${table.name}": an empty string cannot be a value of partition column ` +
              `"${partition}", since Delta takes it for null; write another text`,
          );
        values[partition] = value;
      }
      const key = JSON.stringify(values);
      const partition = byPartition.get(key) ?? { values, rows: [] };
      partition.rows.push(row);
      byPartition.set(key, partition);
    }
  }
  return [...byPartition.values()].map((partition) => ({
    values: partition.values,
    batch: batchOf(table.columns, partition.rows),
  }));
}

/** The batch with these columns of the table. */
function columnsOf(columns: readonly ColumnSpec[], names: readonly string[], batch: Batch): Batch {
  const wanted = names.map((name) => columns.find((column) => column.name === name)!);
  return {
    length: batch.length,
    columns: wanted,
    vectors: wanted.map((column) => vectorOrNulls(column, batch)),
  };
}

/** The column's vector. A batch from before the column was added has no value in it. */
function vectorOrNulls(column: ColumnSpec, batch: Batch): Vector {
  const index = batch.columns.findIndex(({ name }) => name === column.name);
  if (index >= 0) return batch.vectors[index]!;
  const builder = vectorBuilder(column, batch.length);
  for (let i = 0; i < batch.length; i++) builder.push(null);
  return builder.finish();
}

function matches(filter: PartitionFilter, values: PartitionValues): boolean {
  return Object.entries(filter).every(([name, wanted]) => wanted.includes(values[name] ?? null));
}

function checkFilter(table: string, partitionBy: readonly string[], filter: PartitionFilter): void {
  const name = Object.keys(filter).find((candidate) => !partitionBy.includes(candidate));
  if (name !== undefined)
    throw new TidemarkError(
      "PARTITION_CONFLICT",
      `table "${table}": "${name}" does not part its files ` +
        `(${partitionBy.join(", ") || "nothing does"}); filter by a partition column`,
    );
}
