/** Reads the newest changes of a source: each as its message said it, and as it was decoded. */
import { jsonRow, type JsonRow } from "../explain/exact-json.ts";
import { maskedRow, MASKED, type Masking } from "../explain/masking.ts";
import { readChangeLog } from "../offline/change-log.ts";
import { historyContext } from "../offline/history-context.ts";
import { offsetsOf, partitionKeyOf } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, OfflineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { maskedBytes, readBytes, type MessageBytes } from "./message-bytes.ts";

/** A change, as its message said it and as it was decoded. */
export interface LoggedChange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly kind: "upsert" | "delete" | "truncate" | "none";
  /** The log's letter for the operation. null: the message says none. */
  readonly op: string | null;
  /** The commit time. null: the message says none. */
  readonly committed: string | null;
  /** The log order. null: the message has none. */
  readonly order: string | null;
  /** Whether a snapshot read the row, instead of the log. */
  readonly isSnapshot: boolean;
  readonly transaction: string | null;
  /**
   * The JSON text of the row after an upsert or before a delete, as the message said it. null: the
   * message has none, or it cannot be decoded.
   */
  readonly message: string | null;
  /** The row under the definitions of now. null: there is none. */
  readonly row: JsonRow | null;
  /** Why the message could not be decoded. null: it was. */
  readonly undecodable: string | null;
  /** The first bytes of a message that could not be decoded. null: it was, or none are kept. */
  readonly original: MessageBytes | null;
  /** Columns whose values could not be read, which are missing in the row. */
  readonly invalid: readonly { readonly column: string; readonly reason: string }[];
}

/** Settings of `store.changes`. */
export interface ChangesOptions {
  /** The most changes. Default: 100. */
  readonly limit?: number | undefined;
  /**
   * "mask": personal columns are masked, and so are the messages of a source that has any, with
   * their bytes. Default: "show".
   */
  readonly personal?: "show" | "mask" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the last changes of each partition, and returns the newest of them first. */
export async function newestChanges(
  offline: OfflineStore,
  source: SourceSpec,
  {
    limit,
    masking,
    signal,
  }: {
    readonly limit: number;
    readonly masking: Masking;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly LoggedChange[]> {
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name, { signal });
  if (log === null || limit === 0) return [];
  const ends = offsetsOf(log.positions);
  const firstOf = (partition: string): number => (ends.get(partition) ?? 0) - limit + 1;
  const changes: Change[] = [];
  for await (const change of readChangeLog(offline, tables, source, {
    version: log.version,
    transaction: true,
    fromOffset: Math.max(0, Math.min(...[...ends.keys()].map(firstOf))),
    signal,
    wanted: (partition, offset) => offset >= firstOf(partition),
  }))
    changes.push(change);
  const newest = changes.sort(newestFirst).slice(0, limit);
  const undecodable = newest.filter((change) => change.undecodable !== null);
  const bytesOf = await readBytes(source, undecodable, { offline, signal });
  return newest.map((change) =>
    shown(
      source,
      change,
      change.undecodable === null ? null : bytesOf(change, change.generation ?? 0),
      masking,
    ),
  );
}

/** By commit time, then by the place in the log. */
function newestFirst(a: Change, b: Change): number {
  return (
    (b.generation ?? 0) - (a.generation ?? 0) ||
    (b.committed ?? -Infinity) - (a.committed ?? -Infinity) ||
    b.offset - a.offset ||
    (partitionKeyOf(a) < partitionKeyOf(b) ? -1 : 1)
  );
}

function shown(
  source: SourceSpec,
  change: Change,
  original: MessageBytes | null,
  masking: Masking,
): LoggedChange {
  const isMasked = (name: string): boolean =>
    source.columns.some((column) => column.name === name && masking.column(source, column));
  const isPersonal = source.columns.some((column) => masking.column(source, column));
  const { topic, partition, offset, kind, op, committed, order, snapshot, transaction } = change;
  const message = change.logged?.row ?? null;
  return {
    topic,
    partition,
    offset,
    kind,
    op,
    committed: committed === null ? null : formatTime(committed),
    order: order === null ? null : String(order),
    isSnapshot: snapshot,
    transaction,
    message: isPersonal && message !== null ? MASKED : message,
    row:
      change.values === null ? null : maskedRow(jsonRow(source.columns, change.values), isMasked),
    undecodable: change.undecodable?.reason ?? null,
    original: isPersonal && original !== null ? maskedBytes(original) : original,
    invalid: change.invalidColumns.map(({ column, reason }) => ({ column, reason })),
  };
}
