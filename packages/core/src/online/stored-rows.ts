/** Reads the rows of entities from the online store and prepares them for the kernels. */
import { primaryKeyColumns } from "../rows/row-change.ts";
import { keyText } from "../columns/key-bytes.ts";
import { batchOf, concatBatches, valueAt, type Batch } from "../columns/batch.ts";
import { readRows } from "../columns/batch-codec.ts";
import type { ByteReader } from "../bytes/bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { Cell, OnlineStore } from "../spi.ts";
import type { PlacedBlock } from "../window/row-blocks.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { readTrees, type TreeCover, type TreeRequest } from "./nodes/read-tree.ts";
import {
  decodeSegment,
  openTail,
  rowsFromBatch,
  type EntityLogRow,
  type OpenedTail,
} from "./entity-log-cells.ts";
import type { EntityLog, EntityLogs } from "./entity-logs.ts";
import { quarantineIn } from "./entity-log-entries.ts";
import type { RowChange } from "../rows/row-change.ts";
import { deriveVersions, type Truncate } from "../rows/row-versions.ts";
import type { SourceState } from "./source-state.ts";
import { REBUILD_STEP } from "../rebuild-step.ts";

/** How often a reader starts again because a writer replaced segments during the read. */
export const ATTEMPTS = 20;

export interface EntityLogRequest {
  readonly entityLogs: EntityLogs;
  readonly entityLog: EntityLog;
  readonly key: readonly Value[];
  /** The key of the log tail's cell. */
  readonly tailKey: Uint8Array;
  /** The version of the log tail that the caller already has; null: none. */
  readonly known: number | null;
  /** Rows before this time are not needed, µs. */
  readonly notBefore: number;
  /** Indexes of the entity log's columns to decode; all by default. */
  readonly wanted?: readonly number[] | undefined;
  /**
   * Decodes the log tail of an entity without segments (`reusingDecoder`). By default each log tail
   * is decoded into new arrays.
   */
  readonly decode?: ((reader: ByteReader) => Batch) | undefined;
}

/** A cell as read; "same": the cell still has the version that the caller has. */
export type ReadCell = Cell | "same" | null;

export interface StoredEntityLog extends OlderRows {
  /** The version of the log tail. */
  readonly version: number;
  /** The newest rows, decoded on demand. */
  readonly tail: () => Batch;
}

/** What an entity log holds beside its log tail, as far as a request needs it. */
export interface OlderRows {
  /** The rows of segments, oldest first. */
  readonly segments: readonly Batch[];
  /** The rows of which only states are needed. */
  readonly blocks: readonly PlacedBlock[];
  /** Whether rows were left out that are not needed at the time of the request. */
  readonly isPartial: boolean;
}

/** A log tail as read. */
export interface StoredTail extends Omit<OpenedTail, "next"> {
  readonly version: number;
}

/** The log tail of a request. null: there are no rows. "same": the version is the known one. */
export type ReadTail = StoredTail | "same" | null;

/** Cells that are read in the same snapshot as the entity logs. */
export interface ExtraCells {
  readonly keys: readonly Uint8Array[];
  readonly known: readonly (number | null)[];
  /** Receives the cells, and may throw. */
  accept(cells: readonly ReadCell[]): void;
}

const NO_EXTRA_CELLS: ExtraCells = { keys: [], known: [], accept: () => undefined };

/**
 * Reads the rows of entity logs in one snapshot. An entry is null if there are no rows. An entry is
 * "same" if the log tail still has the version that the request knows.
 */
export async function readEntityLogs(
  store: OnlineStore,
  requests: readonly EntityLogRequest[],
): Promise<readonly (StoredEntityLog | "same" | null)[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const tails = await readTails(store, requests);
    const older = await readOlderRows(store, requests, tails, 0, requests.length);
    if (older === null) continue;
    return tails.map((tail, i) =>
      tail === null || tail === "same" ? tail : storedEntityLog(requests[i]!, tail, older.get(i)),
    );
  }
  throw segmentsMissing(store);
}

/** Reads the log tails of entity logs in one snapshot, with the extra cells. */
export async function readTails(
  store: OnlineStore,
  requests: readonly EntityLogRequest[],
  extra: ExtraCells = NO_EXTRA_CELLS,
): Promise<readonly ReadTail[]> {
  const extraCount = extra.keys.length;
  const keys = [...extra.keys];
  const known = [...extra.known];
  for (const request of requests) {
    keys.push(request.tailKey);
    known.push(request.known);
  }
  const read: readonly ReadCell[] =
    store.readIfChanged === undefined
      ? (await store.read(keys)).map((cell, i) => (cell?.version === known[i] ? "same" : cell))
      : await store.readIfChanged(keys, known);
  extra.accept(read);
  return requests.map((_, i) => {
    const cell = read[extraCount + i] ?? null;
    if (cell === null || cell === "same") return cell;
    return { ...openTail(cell.value), version: cell.version };
  });
}

/** The number of rows of a log that a request needs beside those of the log tail, at most. */
export function mostOlderRows({ segments, root }: StoredTail, notBefore: number): number {
  if (root !== null) return root.last >= notBefore ? root.count : 0;
  let rows = 0;
  for (const { last, count } of segments) if (last >= notBefore) rows += count;
  return rows;
}

/**
 * Reads the nodes and the segments that requests `from` to `to` need, by request. `coverOf` says
 * what a request needs of blocks; null: always the rows. The result is null if one of them was
 * replaced after its log tail was read, and the log tails must be read again.
 */
export async function readOlderRows(
  store: OnlineStore,
  requests: readonly EntityLogRequest[],
  tails: readonly ReadTail[],
  from: number,
  to: number,
  coverOf: (request: number) => Cover | null = () => null,
): Promise<ReadonlyMap<number, OlderRows> | null> {
  const asked: { readonly i: number; readonly tree: TreeRequest }[] = [];
  for (let i = from; i < to; i++) {
    const tail = tails[i]!;
    const request = requests[i]!;
    if (tail === null || tail === "same" || mostOlderRows(tail, request.notBefore) === 0) continue;
    const { entityLog, key, notBefore } = request;
    const cover = coverOf(i);
    const tailFirst = cover?.order === true ? firstTime(entityLog, tail) : Infinity;
    const tree = { entityLog, key, tail, notBefore, cover, tailFirst };
    asked.push({ i, tree });
  }
  if (asked.length === 0) return NO_OLDER_ROWS;
  const trees = await readTrees(
    store,
    asked.map(({ tree }) => tree),
  );
  if (trees === null) return null;
  const needed = asked.flatMap(({ i, tree: { entityLog, key } }, n) =>
    trees[n]!.flatMap(({ segment }) =>
      segment === null ? [] : [{ i, key: entityLog.segment(key, segment.id) }],
    ),
  );
  const cells = await store.read(needed.map(({ key }) => key));
  // A missing segment was replaced after the log tail was read. One with a newer version than its
  // log tail is of another file, which took the place of the first.
  if (cells.some((cell, n) => cell === null || cell.version > versionOf(tails[needed[n]!.i]!)))
    return null;
  const older = new Map<number, OlderRows & { readonly segments: Batch[] }>();
  asked.forEach(({ i, tree: { cover } }, n) => {
    const blocks: PlacedBlock[] = [];
    let rowsBefore = 0;
    for (const { segment, block } of trees[n]!) {
      if (segment === null) blocks.push({ block, rowsBefore });
      else rowsBefore += segment.count;
    }
    older.set(i, { segments: [], blocks, isPartial: cover !== null });
  });
  needed.forEach(({ i }, n) => {
    const { entityLog, wanted } = requests[i]!;
    older.get(i)!.segments.push(decodeSegment(entityLog.format, cells[n]!.value, wanted));
  });
  return older;
}

/** The time of the first row of a log tail; Infinity: it has none. */
function firstTime({ format }: EntityLog, { reader }: StoredTail): number {
  const { position } = reader;
  const { length, vectors } = readRows(format.columns, reader, [format.timeIndex]);
  reader.position = position;
  return length === 0 ? Infinity : (valueAt(vectors[0]!, 0) as number);
}

/** What a request needs of blocks at its time. */
export interface Cover extends TreeCover {
  /** Whether it makes a difference that blocks end with the time that others begin with. */
  readonly order: boolean;
}

function versionOf(tail: ReadTail): number {
  return tail === null || tail === "same" ? Infinity : tail.version;
}

/** The error of segments that stay missing, however often the log tails are read. */
export function segmentsMissing(store: OnlineStore): TidemarkError {
  return new TidemarkError(
    "STATE_DAMAGED",
    `${store.name}: the segments that a log tail names were missing ${ATTEMPTS} times: ` +
      REBUILD_STEP,
  );
}

export const NO_OLDER_ROWS: ReadonlyMap<number, OlderRows> = new Map();
const NONE_OLDER: OlderRows = { segments: [], blocks: [], isPartial: false };

export function storedEntityLog(
  { entityLog, wanted, decode }: EntityLogRequest,
  { version, reader }: StoredTail,
  { segments, blocks, isPartial }: OlderRows = NONE_OLDER,
): StoredEntityLog {
  const { position } = reader;
  return {
    version,
    tail() {
      reader.position = position;
      // a reused array may be longer than its batch, and concatenation needs exact lengths
      return decode !== undefined && segments.length === 0
        ? decode(reader)
        : readRows(entityLog.format.columns, reader, wanted);
    },
    segments,
    blocks,
    isPartial,
  };
}

/** Empty rows, by the columns of an entity log. */
const emptyRows = new WeakMap<readonly ColumnSpec[], TimedRows>();

function noRows(columns: readonly ColumnSpec[]): TimedRows {
  let rows = emptyRows.get(columns);
  if (rows === undefined)
    emptyRows.set(
      columns,
      (rows = { time: new Float64Array(0), from: null, to: null, columns: batchOf(columns, []) }),
    );
  return rows;
}

/**
 * The columns that a plan needs of an entity log's rows. Undefined: all, because a dimension's
 * versions are derived from all columns.
 */
export function wantedColumns(
  entityLogs: EntityLogs,
  entityLog: EntityLog,
  columns: readonly ColumnSpec[],
  state: SourceState,
): readonly number[] | undefined {
  if (entityLogs.layout.timeIndex < 0) return undefined;
  const names = new Set(columns.map((column) => column.name));
  const orders = state.truncates.length > 0;
  return entityLog.format.columns.flatMap((column, c) =>
    c === entityLog.format.timeIndex ||
    (c >= entityLogs.orderColumn ? orders : names.has(column.name))
      ? [c]
      : [],
  );
}

/** Orders rows by time. Rows that a truncate removed are visible at no time. */
export function timedRows(
  entityLogs: EntityLogs,
  entityLog: EntityLog,
  key: readonly Value[],
  cells: StoredEntityLog | null,
  state: SourceState,
): TimedRows {
  if (cells === null) return noRows(entityLog.format.columns);
  return entityLogs.layout.timeIndex < 0
    ? dimensionRows(entityLogs, entityLog, key, cells, state.truncates)
    : eventRows(entityLogs, entityLog, cells, state.truncates);
}

function eventRows(
  entityLogs: EntityLogs,
  entityLog: EntityLog,
  { tail, segments }: StoredEntityLog,
  truncates: readonly Truncate[],
): TimedRows {
  const newest = tail();
  const columns =
    segments.length === 0 ? newest : concatBatches(newest.columns, [...segments, newest]);
  const time =
    columns.vectors[
      columns.columns.indexOf(entityLog.format.columns[entityLog.format.timeIndex]!)
    ]!;
  if (time.kind !== "float64") throw new TypeError("times are float64 vectors");
  if (truncates.length === 0) return { time: time.values, from: null, to: null, columns };
  const [orders, oldestImageOrder] = [0, 1].map(
    (next) =>
      columns.vectors[
        columns.columns.indexOf(entityLog.format.columns[entityLogs.orderColumn + next]!)
      ]!,
  );
  const from = new Float64Array(columns.length).fill(-Infinity);
  const to = Float64Array.from({ length: columns.length }, (_, i) => {
    const order = valueAt(orders!, i) as bigint;
    const oldest = valueAt(oldestImageOrder!, i) as bigint | null;
    return truncates.some(
      (truncate) => order < truncate.order || (oldest !== null && oldest < truncate.order),
    )
      ? -Infinity
      : Infinity;
  });
  return { time: time.values, from, to, columns };
}

/**
 * The versions of every row that ever belonged to the entity, restricted to the times when the row
 * did.
 */
function dimensionRows(
  entityLogs: EntityLogs,
  entityLog: EntityLog,
  key: readonly Value[],
  { tail, segments }: StoredEntityLog,
  truncates: readonly Truncate[],
): TimedRows {
  const { source, storedColumns, storedIndexes } = entityLogs.layout;
  const keyColumns = primaryKeyColumns(source);
  const changes = new Map<string, RowChange[]>();
  for (const row of [...segments, tail()].flatMap(rowsFromBatch)) {
    const text = keyText(keyColumns, entityLogs.codec.keyOf(row));
    changes.set(text, [...(changes.get(text) ?? []), entityLogs.codec.fromRow(row)]);
  }
  const wanted = keyText(entityLog.layout.keyColumns, key);
  const versions = [...changes.values()]
    .flatMap((list) => deriveVersions(source, list, truncates))
    .filter(
      (version) =>
        version.values !== null &&
        quarantineIn(entityLogs, version)?.inNoEntityLog !== true &&
        keyText(
          entityLog.layout.keyColumns,
          entityLog.layout.keyIndexes.map((index) => version.values![index]!),
        ) === wanted,
    )
    .sort((a, b) => a.from - b.from);
  const rows: EntityLogRow[] = versions.map((version) =>
    storedIndexes.map((index) => version.values![index]!),
  );
  return {
    time: Float64Array.from(versions, (version) => version.from),
    from: Float64Array.from(versions, (version) => version.from),
    to: Float64Array.from(versions, (version) => version.to),
    columns: batchOf(storedColumns, rows),
  };
}
