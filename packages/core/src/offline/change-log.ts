/** Encodes changes as rows of the change log, and decodes them under a definition. */
import { snapshotEnds, truncateOf, type Truncate } from "../rows/row-versions.ts";
import { generationStateOf, partitionKeyOf } from "../rows/snapshot-generations.ts";
import { distinctTexts, selectRows, valueAt, type Batch, type Vector } from "../columns/batch.ts";
import { vectorsOfRows } from "../columns/vectors-of-rows.ts";
import { loggedReadings } from "../row-formats/change-reader.ts";
import { declaredMembers } from "../row-formats/declared-members.ts";
import type { LoggedReading } from "../row-formats/logged-reading.ts";
import { valuesLogger } from "../row-formats/values-format.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change, LoggedRow, OfflineStore, TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import type { HistoryTables } from "./history-tables.ts";
import { LOG_COLUMNS } from "./history-tables.ts";

/** Changes that are turned into columns at once. */
const ROWS_PER_BATCH = 4_000;

/** A change, and its row as the log keeps it. */
interface LoggedChange {
  readonly change: Change;
  readonly logged: LoggedRow;
}

/** Gives the value of each column of the log. */
const VALUES: Readonly<Record<string, (row: LoggedChange) => Value>> = {
  _topic: ({ change }) => change.topic,
  _partition: ({ change }) => change.partition,
  _offset: ({ change }) => BigInt(change.offset),
  _timestamp: ({ change }) => (change.timestamp === null ? null : BigInt(change.timestamp)),
  _kind: ({ change }) => change.kind,
  _op: ({ change }) => change.op,
  _order: ({ change }) => change.order,
  _inherited_order: ({ change }) => change.inheritedOrder ?? null,
  _committed_after: ({ change }) => change.committedAfter ?? null,
  _committed: ({ change }) => change.committed,
  _snapshot: ({ change }) => change.snapshot,
  _transaction: ({ change }) => change.transaction,
  _generation: ({ change }) => change.generation ?? 0,
  _row: ({ logged }) => logged.row,
  _key: ({ logged }) => logged.key,
  _old_key: ({ logged }) => logged.oldKey,
  _format: ({ logged }) => logged.format,
  _undecodable: ({ change: { undecodable } }) =>
    undecodable === null ? null : JSON.stringify(undecodable),
  _original_key: ({ change }) => change.original?.key ?? null,
  _original_value: ({ change }) => change.original?.value ?? null,
  _original_headers: ({ change: { original } }) =>
    original === undefined ? null : JSON.stringify(original.headers),
};

/** The columns whose texts seldom repeat. */
const DISTINCT = new Set(["_row", "_key", "_transaction"]);
const REPEATED = LOG_COLUMNS.filter(({ name }) => !DISTINCT.has(name));
const REPEATED_VALUES = REPEATED.map(({ name }) => VALUES[name]!);

/** Makes the function that turns changes of a source into rows of its change log. */
export function changeLogEncoder(source: SourceSpec): (changes: readonly Change[]) => Batch {
  const logValues = valuesLogger(source);
  const stored = source.undeclared === "drop" ? declaredMembers(source) : null;
  const loggedOf = (change: Change): LoggedRow => {
    if (change.logged === undefined) return logValues(change);
    return stored === null ? change.logged : stored(change.logged);
  };
  return (changes) => {
    const rows = changes.map((change): LoggedChange => ({ change, logged: loggedOf(change) }));
    const repeated = vectorsOfRows(REPEATED, rows, REPEATED_VALUES);
    return {
      length: rows.length,
      columns: LOG_COLUMNS,
      vectors: LOG_COLUMNS.map(
        (column) =>
          repeated[REPEATED.indexOf(column)] ??
          distinctTexts(rows.map(VALUES[column.name]!) as (string | null)[]),
      ),
    };
  };
}

/** Turns changes into batches, and yields to the event loop between them. */
export async function changesToBatches(
  source: SourceSpec,
  changes: readonly Change[],
): Promise<Batch[]> {
  const toBatch = changeLogEncoder(source);
  const batches: Batch[] = [];
  const yieldToEventLoop = eventLoopYielder();
  for (let from = 0; from < changes.length; from += ROWS_PER_BATCH) {
    batches.push(toBatch(changes.slice(from, from + ROWS_PER_BATCH)));
    await yieldToEventLoop();
  }
  return batches;
}

/** The columns from which row versions follow. */
export const READ_COLUMNS: readonly string[] = [
  "_topic",
  "_partition",
  "_offset",
  "_generation",
  "_kind",
  "_op",
  "_order",
  "_inherited_order",
  "_committed_after",
  "_committed",
  "_snapshot",
  "_row",
  "_key",
  "_old_key",
  "_format",
  "_undecodable",
];

/** Which changes are read. */
interface WantedChanges {
  /** By partition key and offset. Default: all. */
  readonly wanted?: ((partition: string, offset: number) => boolean) | undefined;
}

/** Which files and rows a scan may skip. */
type ScanFilter = Pick<Parameters<OfflineStore["scan"]>[1], "range" | "keyRanges">;

export interface ChangeLogReadOptions extends WantedChanges {
  readonly version: number;
  /** What a scan may skip, in place of offsets. Other changes may still come. */
  readonly filter?: ScanFilter | undefined;
  /** Default: 0. */
  readonly fromOffset?: number | undefined;
  readonly toOffset?: number | undefined;
  /** Reads `_transaction` too: the id of a push. */
  readonly transaction?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads every change that `wanted` accepts from one version of the log, in stored order, under the
 * definition of the source.
 */
export async function* readChangeLog(
  ...log: Parameters<typeof readChangeBatches>
): AsyncIterable<Change> {
  for await (const changes of readChangeBatches(...log)) yield* changes;
}

/**
 * Reads the same changes, those of one stored batch after the other. The changes of a batch can be
 * read once. Long logs are read so, because a step of an async iterable for each change costs as
 * much as reading the change.
 */
export async function* readChangeBatches(
  offline: OfflineStore,
  tables: HistoryTables,
  source: SourceSpec,
  options: ChangeLogReadOptions,
): AsyncIterable<Iterable<Change>> {
  const { version, fromOffset = 0, toOffset = Number.MAX_SAFE_INTEGER, signal } = options;
  const columns = options.transaction === true ? [...READ_COLUMNS, "_transaction"] : READ_COLUMNS;
  const { filter = { range: { column: "_offset", min: fromOffset, max: toOffset } } } = options;
  const changesIn = changesReader(source);
  const scan = { columns, version, ...filter, signal };
  for await (const batch of offline.scan(tables.changes.name, scan))
    yield changesIn(batch, options);
}

/**
 * Makes the function that reads the changes of a batch under the definition of the source. The
 * batch has the `READ_COLUMNS` in their order, and `_transaction` after them or not at all.
 */
export function changesReader(
  source: SourceSpec,
): (batch: Pick<Batch, "length" | "vectors">, wanted?: WantedChanges) => Iterable<Change> {
  const readingOf = loggedReadings(source);
  return function* ({ length, vectors }, { wanted } = {}) {
    const [topic, partition, offset, generations, ...content] = vectors;
    const [kind, op, order, inherited, committedAfter, committed, snapshot, ...row] = content;
    const [logRow, key, oldKey, format, undecodable, transaction] = row;
    const text = (vector: Vector | undefined, i: number): string | null =>
      vector === undefined ? null : (valueAt(vector, i) as string | null);
    for (let i = 0; i < length; i++) {
      const where = {
        topic: valueAt(topic!, i) as string,
        partition: valueAt(partition!, i) as number,
        generation: (valueAt(generations!, i) as number | null) ?? 0,
      };
      const at = Number(valueAt(offset!, i));
      if (wanted !== undefined && !wanted(partitionKeyOf(where), at)) continue;
      const fault = text(undecodable, i);
      const change: Writable<Change> = {
        source: source.name,
        topic: where.topic,
        partition: where.partition,
        offset: at,
        generation: where.generation,
        kind: valueAt(kind!, i) as Change["kind"],
        values: null,
        oldKey: null,
        unavailable: NONE,
        undeclaredUnavailable: undefined,
        invalidColumns: NONE,
        undecodable: fault === null ? null : (JSON.parse(fault) as Change["undecodable"]),
        logged: undefined,
        nonFinite: 0,
        order: valueAt(order!, i) as bigint | null,
        inheritedOrder: (valueAt(inherited!, i) as bigint | null) ?? undefined,
        committedAfter: (valueAt(committedAfter!, i) as bigint | null) ?? undefined,
        committed: valueAt(committed!, i) as number | null,
        snapshot: valueAt(snapshot!, i) as boolean,
        op: valueAt(op!, i) as string | null,
        timestamp: null,
        transaction: text(transaction, i),
      };
      const formatText = text(format, i);
      if (formatText !== null) {
        const logged: LoggedRow = {
          row: text(logRow, i),
          key: text(key, i),
          oldKey: text(oldKey, i),
          format: formatText,
        };
        change.logged = logged;
        const reading = readingOf(change, logged);
        if (reading !== null) addReading(change, reading);
      }
      yield change;
    }
  };
}

const NONE: readonly never[] = [];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Assigns member by member: a spread of two objects costs more than reading the row. */
function addReading(change: Writable<Change>, reading: LoggedReading): void {
  change.kind = reading.kind;
  change.values = reading.values;
  change.oldKey = reading.oldKey;
  change.unavailable = reading.unavailable;
  change.undeclaredUnavailable = reading.undeclaredUnavailable;
  change.invalidColumns = reading.invalidColumns;
  change.undecodable = reading.undecodable;
  change.nonFinite = reading.nonFinite;
}

/** The columns of which a truncate has nothing. */
const CONTENT_COLUMNS = ["_row", "_key", "_old_key", "_undecodable"];
const TRUNCATE_COLUMNS = READ_COLUMNS.filter((name) => !CONTENT_COLUMNS.includes(name));

/**
 * Reads every truncate of one version of the log, under the definition of the source, and the ends
 * of its snapshots. No row is read.
 */
export async function readTruncates(
  offline: OfflineStore,
  tables: HistoryTables,
  source: SourceSpec,
  { version, metadata }: TableState,
  signal: AbortSignal | undefined,
): Promise<Truncate[]> {
  const truncates = snapshotEnds(generationStateOf(metadata));
  const changesIn = changesReader(source);
  const at = (name: string): number => TRUNCATE_COLUMNS.indexOf(name);
  const scan = { columns: TRUNCATE_COLUMNS, version, signal };
  for await (const batch of offline.scan(tables.changes.name, scan)) {
    const kinds = batch.vectors[at("_kind")]!;
    const isTruncate = Uint8Array.from({ length: batch.length }, (_, i) =>
      valueAt(kinds, i) === "truncate" ? 1 : 0,
    );
    if (!isTruncate.includes(1)) continue;
    const { length, vectors } = selectRows(batch, isTruncate);
    const nothing = distinctTexts(new Array<null>(length).fill(null));
    const whole = {
      length,
      vectors: READ_COLUMNS.map((name) => (at(name) < 0 ? nothing : vectors[at(name)]!)),
    };
    for (const change of changesIn(whole)) {
      const truncate = truncateOf(change);
      if (truncate !== null) truncates.push(truncate);
    }
  }
  return truncates;
}
