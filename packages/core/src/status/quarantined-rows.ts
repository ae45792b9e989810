/** Lists the rows of a source that are in no window. */
import { primaryKeyColumns } from "../rows/row-change.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import { maskedKey, personalMasked } from "../explain/masking.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { entityLogsOf } from "../online/entity-logs.ts";
import { decodeSegment, decodeTail, openTail, rowsOfLog } from "../online/entity-log-cells.ts";
import { readTrees } from "../online/nodes/read-tree.ts";
import { ATTEMPTS, readEntityLogs, segmentsMissing } from "../online/stored-rows.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import type { Truncate } from "../rows/row-versions.ts";
import { keylessMessages } from "../retry/kept-messages.ts";
import type { MessagePlace } from "../rows/retried.ts";
import { formatTime } from "../time/parse-time.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { maskedBytes, readBytes, type MessageBytes } from "./message-bytes.ts";

/** A row that is in no window, because its key or event time cannot be read. */
export interface QuarantinedRow {
  readonly source: string;
  /** The primary key, by column. Empty: it cannot be read. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number;
  /** The column that could not be read. null: the whole content. */
  readonly column: string | null;
  readonly reason: string;
  /** The commit time; null: the message says none. */
  readonly committed: string | null;
  /** The first bytes of a message that could not be decoded. null: it was, or none are kept. */
  readonly original: MessageBytes | null;
}

interface QuarantineOptions {
  readonly online: OnlineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
}

/**
 * Counts the quarantined rows of a source. The log tail says how many rows each segment has, so
 * that no segment is read. Only after a truncate the rows' log orders are read, in pieces.
 */
export async function countQuarantinedRows(
  source: SourceSpec,
  { online, namespace, views }: QuarantineOptions,
): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const state = await readSourceState(online, namespace, layoutFor(source, views));
    const { truncates } = state;
    const { quarantine } = entityLogsOf(namespace, state);
    const [cell] = await online.read([quarantine.tail([])]);
    if (cell == null) return 0;
    const tail = openTail(cell.value);
    if (truncates.length === 0) return rowsOfLog(tail);
    const parts = await readTrees(online, [
      {
        entityLog: quarantine,
        key: [],
        tail: { ...tail, version: cell.version },
        notBefore: -Infinity,
        cover: null,
        tailFirst: Infinity,
      },
    ]);
    let count = seenRows(decodeTail(quarantine.format, cell.value, ORDER).rows, truncates);
    let isReplaced = parts === null;
    const giveWay = eventLoopYielder();
    for (const { segment: ref } of parts?.[0] ?? []) {
      const { id } = ref!;
      const [segment] = await online.read([quarantine.segment([], id)]);
      isReplaced = segment == null;
      if (segment == null) break;
      count += seenRows(decodeSegment(quarantine.format, segment.value, ORDER), truncates);
      await giveWay();
    }
    if (!isReplaced) return count;
  }
  throw segmentsMissing(online);
}

/** The column of the log order. */
const ORDER = [1];

/** Counts the rows that no truncate has removed. */
function seenRows({ length, vectors }: Batch, truncates: readonly Truncate[]): number {
  const [orders] = vectors;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const order = valueAt(orders!, i) as bigint;
    if (truncates.every((truncate) => truncate.order <= order)) count++;
  }
  return count;
}

/** The most messages without a readable key that are listed. */
const KEYLESS_LIMIT = 10_000;

/**
 * Lists the messages whose primary key cannot be read, in stored order. The history keeps them, and
 * no later change of a row can bring them back, so the online store has no list of them.
 */
export async function keylessRows(
  source: SourceSpec,
  offline: OfflineStore,
): Promise<readonly QuarantinedRow[]> {
  const rows: QuarantinedRow[] = [];
  for await (const { topic, partition, offset, reason, committed } of keylessMessages(source, {
    offline,
  })) {
    rows.push({
      source: source.name,
      key: {},
      topic,
      partition,
      offset,
      column: null,
      reason,
      committed: committed === null ? null : formatTime(committed),
      original: null,
    });
    if (rows.length === KEYLESS_LIMIT) break;
  }
  return rows;
}

/** Reads the quarantined rows of a source, oldest first. */
export async function quarantinedRows(
  source: SourceSpec,
  options: QuarantineOptions,
): Promise<readonly QuarantinedRow[]> {
  const { online, namespace } = options;
  const state = await readSourceState(online, namespace, layoutFor(source, options.views));
  const entityLogs = entityLogsOf(namespace, state);
  const [cells] = await readEntityLogs(online, [
    {
      entityLogs,
      entityLog: entityLogs.quarantine,
      key: [],
      tailKey: entityLogs.quarantine.tail([]),
      known: null,
      notBefore: -Infinity,
    },
  ]);
  const keyColumns = primaryKeyColumns(state.layout.source);
  return (cells == null || cells === "same" ? [] : [...cells.segments, cells.tail()])
    .flatMap(({ length, vectors }) =>
      Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i))),
    )
    .filter(([, order]) => state.truncates.every((truncate) => truncate.order <= (order as bigint)))
    .map(([committed, , topic, partition, offset, column, reason, ...rest]) => ({
      source: source.name,
      key: Object.fromEntries(keyColumns.map((one, k) => [one.name, toUser(rest[k] ?? null, one)])),
      topic: topic as string | null,
      partition: partition as number | null,
      offset: offset as number,
      column: column as string | null,
      reason: reason as string,
      committed: formatTime(committed as number),
      original: null,
    }));
}

/** Adds the bytes of the messages whose whole content cannot be read, which the history keeps. */
export async function withBytes(
  source: SourceSpec,
  rows: readonly QuarantinedRow[],
  offline: OfflineStore,
): Promise<readonly QuarantinedRow[]> {
  const placeOf = ({ topic, partition, offset, column }: QuarantinedRow): MessagePlace[] =>
    column !== null || topic === null || partition === null ? [] : [{ topic, partition, offset }];
  const bytesOf = await readBytes(source, rows.flatMap(placeOf), { offline });
  return rows.map((row) => {
    const [place] = placeOf(row);
    return place === undefined ? row : { ...row, original: bytesOf(place) };
  });
}

/** The row for a caller who sees no personal values. */
export function maskedQuarantine(source: SourceSpec, row: QuarantinedRow): QuarantinedRow {
  const isPersonal = source.columns.some((column) => personalMasked.column(source, column));
  const original = row.original !== null && isPersonal ? maskedBytes(row.original) : row.original;
  return { ...row, key: maskedKey(source, row.key), original };
}
