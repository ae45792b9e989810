/** Reads the undecodable messages that the history of a source keeps. */
import { valueAt } from "../columns/batch.ts";
import { textsOfFormat } from "../row-formats/debezium/debezium-format.ts";
import { historyTables } from "../offline/history-tables.ts";
import { originalPlace, type MessagePlace } from "../rows/retried.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { KeptMessage, OfflineStore } from "../spi.ts";

/** A kept message, with what its change said of the log. */
export interface StoredMessage extends KeptMessage {
  readonly generation: number;
  /** The highest log order before the message in its partition; null: there was none. */
  readonly inheritedOrder: bigint | null;
  readonly reason: string;
}

interface ReadOptions {
  readonly offline: OfflineStore;
  /** Offsets between which messages are read, both included. Default: all. */
  readonly offsets?: { readonly min: number; readonly max: number } | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PLACE = ["_topic", "_partition", "_offset", "_generation"] as const;
const CONTENT = [
  "_undecodable",
  "_timestamp",
  "_inherited_order",
  "_original_key",
  "_original_value",
  "_original_headers",
  "_format",
] as const;

export function placeKey({ topic, partition, offset }: MessagePlace): string {
  return `${topic}:${partition}:${offset}`;
}

/**
 * Gives the places of messages that earlier retries took, with the retry's partition and number.
 */
export async function* retriedMessages(
  source: SourceSpec,
  options: ReadOptions,
): AsyncGenerator<{ readonly place: MessagePlace; readonly retried: MessagePlace }> {
  for await (const row of logRows(source, PLACE, options)) {
    const retried = placeOf(row);
    const place = originalPlace(retried);
    if (place !== null) yield { place, retried };
  }
}

/** Gives the undecodable messages whose bytes are kept, in stored order. */
export async function* keptMessages(
  source: SourceSpec,
  options: ReadOptions,
): AsyncGenerator<StoredMessage> {
  const { min = 0, max = Infinity } = options.offsets ?? {};
  for await (const row of logRows(source, [...PLACE, ...CONTENT], options)) {
    const [, , , generation, undecodable, timestamp, inherited, key, value, headers, format] = row;
    if (undecodable == null || headers == null) continue;
    const { offset } = placeOf(row);
    if (offset < min || offset > max) continue;
    yield {
      ...placeOf(row),
      generation: (generation as number | null) ?? 0,
      timestamp: timestamp == null ? null : Number(timestamp),
      inheritedOrder: (inherited as bigint | null) ?? null,
      reason: (JSON.parse(undecodable as string) as { readonly reason: string }).reason,
      key: (key as Uint8Array | null) ?? null,
      value: (value as Uint8Array | null) ?? null,
      headers: JSON.parse(headers as string) as KeptMessage["headers"],
      decoder: textsOfFormat((format as string | null) ?? null),
    };
  }
}

/** A kept message that names no row, because its primary key cannot be read. */
export interface KeylessMessage extends MessagePlace {
  readonly reason: string;
  /** The commit time, µs; null: the message says none. */
  readonly committed: number | null;
}

/** Gives the kept messages without a readable primary key, unless a retry took them. */
export async function* keylessMessages(
  source: SourceSpec,
  options: ReadOptions,
): AsyncGenerator<KeylessMessage> {
  const taken = new Set<string>();
  for await (const { place } of retriedMessages(source, options)) taken.add(placeKey(place));
  const columns = [...PLACE, "_kind", "_undecodable", "_committed"];
  for await (const row of logRows(source, columns, options)) {
    const [, , , , kind, undecodable, committed] = row;
    const place = placeOf(row);
    if (kind !== "none" || undecodable == null || taken.has(placeKey(place))) continue;
    yield {
      ...place,
      reason: (JSON.parse(undecodable as string) as { readonly reason: string }).reason,
      committed: committed == null ? null : Number(committed),
    };
  }
}

function placeOf(row: readonly (Value | undefined)[]): MessagePlace {
  return { topic: row[0] as string, partition: row[1] as number, offset: Number(row[2]) };
}

/** Gives the rows of the change log. A column that the log lacks is undefined. */
async function* logRows(
  source: SourceSpec,
  columns: readonly string[],
  { offline, offsets, signal }: ReadOptions,
): AsyncGenerator<readonly (Value | undefined)[]> {
  const { name } = historyTables(source).changes;
  const state = await offline.state(name, { signal });
  if (state === null) return;
  const there = columns.filter((column) => state.columns.some((one) => one.name === column));
  const at = columns.map((column) => there.indexOf(column));
  const range = offsets === undefined ? undefined : { column: "_offset", ...offsets };
  const scan = { columns: there, version: state.version, range, signal };
  for await (const { length, vectors } of offline.scan(name, scan))
    for (let i = 0; i < length; i++)
      yield at.map((c) => (c < 0 ? undefined : valueAt(vectors[c]!, i)));
}
