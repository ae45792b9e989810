import { batchOf, valueAt, vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { OfflineStore, PartitionFilter, Position, PositionStep, TableSpec } from "../spi.ts";

/**
 * What memory stores keep. Hand the same one to two of them, and they are two handles on one store.
 */
export interface MemoryOfflineData {
  /** Versions of each table, oldest first. */
  readonly tables: Map<string, Version[]>;
  /** What was applied, by namespace. */
  readonly registry: Map<string, readonly string[]>;
}

interface Version {
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
  readonly parts: readonly Part[];
  readonly positions: ReadonlyMap<string, Position>;
  /** What the commit changed: partitions, and positions. */
  readonly touched: readonly PartitionValues[];
  readonly moved: readonly string[];
}

type PartitionValues = Readonly<Record<string, string | number | null>>;

/** Rows of one partition and one commit. */
interface Part {
  readonly values: PartitionValues;
  readonly batch: Batch;
}

export function memoryOfflineData(): MemoryOfflineData {
  return { tables: new Map(), registry: new Map() };
}

/**
 * An offline store in memory, for tests and for a first try: `memoryOfflineStore()`. It forgets
 * everything with the process.
 */
export function memoryOfflineStore(data: MemoryOfflineData = memoryOfflineData()): OfflineStore {
  const name = "memory offline store";

  function versionOf(
    table: string,
    version: number | undefined,
  ): { readonly number: number; readonly at: Version } | null {
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

  function commit(
    table: TableSpec,
    rows: readonly Batch[],
    positions: readonly PositionStep[],
    over: { readonly replaced: PartitionFilter; readonly from: number | null } | null,
  ): "done" | "conflict" {
    const versions = data.tables.get(table.name) ?? [];
    const last = versions.at(-1) ?? null;
    if (over !== null) checkFilter(table.name, table.partitionBy, over.replaced);
    if (
      positions.some(
        ({ partition, expected }) => (last?.positions.get(partition)?.offset ?? null) !== expected,
      )
    )
      return "conflict";
    if (over !== null) {
      const from = over.from ?? -1;
      if (from >= versions.length) return "conflict";
      const since = versions.slice(from + 1);
      if (
        since.some(
          ({ touched, moved }) =>
            touched.some((values) => matches(over.replaced, values)) ||
            positions.some(({ partition }) => moved.includes(partition)),
        )
      )
        return "conflict";
    }
    const columns = last === null ? newColumns(table) : grownColumns(table, last);
    const added = partsOf(table, rows);
    const removed =
      over === null
        ? []
        : (last?.parts ?? []).filter(({ values }) => matches(over.replaced, values));
    if (
      last !== null &&
      columns === last.columns &&
      added.length === 0 &&
      removed.length === 0 &&
      positions.length === 0
    )
      return "done";

    const moved = new Map(last?.positions);
    for (const { partition, next, mark } of positions)
      moved.set(partition, { partition, offset: next, ...(mark === undefined ? {} : { mark }) });
    const kept = (last?.parts ?? []).filter((part) => !removed.includes(part));
    versions.push({
      columns,
      partitionBy: table.partitionBy,
      parts: [...kept, ...added],
      positions: moved,
      touched: [...added, ...removed].map(({ values }) => values),
      moved: positions.map(({ partition }) => partition),
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
      const { columns, partitionBy, parts, positions } = found.at;
      return {
        version: found.number,
        columns,
        partitionBy,
        rows: parts.reduce((sum, { batch }) => sum + batch.length, 0),
        positions: [...positions.values()],
      };
    },
    async append(table, rows, { positions, signal }) {
      signal?.throwIfAborted();
      return commit(table, rows, positions, null);
    },
    async rewrite(table, rows, { replaced, from, positions, signal }) {
      signal?.throwIfAborted();
      const all: Batch[] = [];
      for await (const batch of rows) all.push(batch);
      return commit(table, all, positions, { replaced, from });
    },
    async *scan(table, { columns: names, version, partitions = {}, range, signal }) {
      signal?.throwIfAborted();
      const found = versionOf(table, version);
      if (found === null)
        throw new TidemarkError(
          "TABLE_MISSING",
          `${name}: there is no table "${table}"; append to it first`,
        );
      const { columns, partitionBy, parts } = found.at;
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
      if (range !== undefined) columnNamed(range.column);
      for (const { values, batch } of parts) {
        signal?.throwIfAborted();
        if (matches(partitions, values))
          yield {
            length: batch.length,
            columns: wanted,
            vectors: wanted.map((column) => vectorOf(column, batch)),
          };
      }
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
    close: async () => undefined,
  };
}

function newColumns(table: TableSpec): readonly ColumnSpec[] {
  for (const part of table.partitionBy) {
    const kind = table.columns.find(({ name }) => name === part)?.kind;
    if (kind !== "int32" && kind !== "string")
      throw new TidemarkError(
        "PARTITION_CONFLICT",
        `table "${table.name}": "${part}" is no int32 or string column of it; part by one that is`,
      );
  }
  return table.columns.map(plain);
}

/**
 * The table's columns once it holds these rows too: a new one is nullable, since the rows before
 * have no value in it.
 */
function grownColumns(table: TableSpec, last: Version): readonly ColumnSpec[] {
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
    if (
      other !== undefined &&
      (other.kind !== column.kind ||
        other.precision !== column.precision ||
        other.scale !== column.scale)
    ) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table.name}": column "${column.name}" is ${column.kind} there and the rows ` +
          `bring ${other.kind}; a column keeps its kind, so give the new one another name`,
      );
    }
    return column.nullable || other?.nullable === false ? column : { ...column, nullable: true };
  });
  const grown = table.columns
    .filter(({ name }) => !last.columns.some((column) => column.name === name))
    .map((column) => plain({ ...column, nullable: true }));
  return grown.length === 0 && known.every((column, i) => column === last.columns[i])
    ? last.columns
    : [...known, ...grown];
}

/** Without the members that are undefined, as a store that writes them down gives them back. */
function plain(column: ColumnSpec): ColumnSpec {
  return Object.fromEntries(
    Object.entries(column).filter(([, value]) => value !== undefined),
  ) as unknown as ColumnSpec;
}

/** Copies the rows, parted. */
function partsOf(table: TableSpec, rows: readonly Batch[]): Part[] {
  const parts = new Map<string, { values: PartitionValues; rows: Value[][] }>();
  for (const batch of rows) {
    const unknown = batch.columns.find(
      ({ name }) => !table.columns.some((column) => column.name === name),
    );
    if (unknown !== undefined)
      throw new TidemarkError(
        "COLUMN_MISSING",
        `table "${table.name}": the rows bring column "${unknown.name}", which its columns do ` +
          "not list; add it to them",
      );
    const places = table.columns.map(({ name }) =>
      batch.columns.findIndex((column) => column.name === name),
    );
    for (let i = 0; i < batch.length; i++) {
      const row = table.columns.map((column, c) => {
        const value = places[c]! < 0 ? null : valueAt(batch.vectors[places[c]!]!, i);
        if (value === null && !column.nullable)
          throw new TidemarkError(
            "NULL_NOT_ALLOWED",
            `table "${table.name}": column "${column.name}" is not nullable and a row has no ` +
              "value in it; declare it .nullable() or leave the row out",
          );
        return value instanceof Uint8Array ? value.slice() : value;
      });
      const values: Record<string, string | number | null> = {};
      for (const part of table.partitionBy) {
        const value = row[table.columns.findIndex((column) => column.name === part)] as
          | string
          | number
          | null;
        if (value === "")
          throw new TidemarkError(
            "PARTITION_VALUE_EMPTY",
            `table "${table.name}": an empty string cannot be a value of partition column ` +
              `"${part}", since Delta takes it for null; write another text`,
          );
        values[part] = value;
      }
      const key = JSON.stringify(values);
      const part = parts.get(key) ?? { values, rows: [] };
      part.rows.push(row);
      parts.set(key, part);
    }
  }
  return [...parts.values()].map((part) => ({
    values: part.values,
    batch: batchOf(table.columns, part.rows),
  }));
}

/** A part that is too old to have the column has no value in it. */
function vectorOf(column: ColumnSpec, batch: Batch): Vector {
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
