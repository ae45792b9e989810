/**
 * Simulates Kafka between the connector and the reader. Partitions go by key, one is added midway,
 * segments are delivered again, and a tail is unread. The truth of each message comes along.
 */
import type { Value } from "../../../packages/core/src/specs.ts";
import type { Change, InvalidColumn } from "../../../packages/core/src/spi.ts";
import { keyJson } from "./debezium-writer.ts";
import type { Delivery, Message, Tag, ScenarioTraits } from "./messages.ts";
import type { Random } from "./random.ts";

/** The traits of a delivery. */
export interface LogTraits {
  readonly prefix: string;
  readonly partitions: number;
  readonly partitionAdded: boolean;
  readonly redelivered: boolean;
  readonly tailCut: boolean;
  /** True if the partitions were read in another order than they were written. */
  readonly interleaved: boolean;
}

/** Delivers the messages of a database as Kafka does. */
export function deliver(
  random: Random,
  messages: readonly Message[],
  traits: ScenarioTraits,
  log: LogTraits,
): Delivery[] {
  const addedAt = log.partitionAdded ? random.int(messages.length + 1) : Infinity;
  const sent = messages.map((message, i) => ({ message, again: false, added: i >= addedAt }));
  if (log.redelivered) {
    for (let n = random.between(1, 2); n > 0; n--) {
      const to = random.between(1, sent.length);
      const from = Math.max(0, to - random.between(1, 25));
      // Without LSNs only the offset orders changes, so a restarted connector repeats everything
      // since.
      const at = traits.withoutLsn || random.chance(0.6) ? to : random.between(to, sent.length);
      const added = sent[at - 1]!.added;
      sent.splice(at, 0, ...sent.slice(from, to).map((one) => ({ ...one, again: true, added })));
    }
  }
  const offsets = new Map<string, number>();
  const deliveries: Delivery[] = [];
  sent.forEach(({ message, again, added }, i) => {
    const topic = `${log.prefix}.${message.table.source.table}`;
    const count = log.partitions + (added ? 1 : 0);
    const partition = message.key === null ? 0 : hash(keyJson(message.table, message.key)) % count;
    const tags: Tag[] = [
      ...message.tags,
      ...(again ? ["delivered again" as const] : []),
      ...(added && count > 1 ? ["partition added" as const] : []),
      ...(traits.withoutLsn ? ["no LSN" as const] : []),
    ];
    const place = `${topic}:${partition}`;
    for (const tombstone of message.op === "d" && traits.tombstones ? [false, true] : [false]) {
      const offset = (offsets.get(place) ?? -1) + (random.chance(0.03) ? random.between(2, 5) : 1);
      offsets.set(place, offset);
      deliveries.push({
        message,
        tombstone,
        topic,
        partition,
        offset,
        timestamp: Math.max(0, Math.floor(message.committed / 1000)) + 300 + i,
        tags,
      });
    }
  });
  const read = log.tailCut ? withoutTail(random, deliveries) : deliveries;
  return log.interleaved
    ? interleave(random, read, (one) => `${one.topic}:${one.partition}`)
    : read;
}

/** Reorders messages, but keeps the order within each partition. */
export function interleave<T>(
  random: Random,
  things: readonly T[],
  partitionOf: (thing: T) => string,
): T[] {
  const partitions = [...new Set(things.map(partitionOf))];
  const queues = partitions.map((partition) =>
    things.filter((thing) => partitionOf(thing) === partition),
  );
  const result: T[] = [];
  while (queues.length > 0) {
    const queue = random.pick(queues);
    // Runs of messages, not single ones, as a consumer reads.
    result.push(...queue.splice(0, random.pick([1, 3, 40])));
    if (queue.length === 0) queues.splice(queues.indexOf(queue), 1);
  }
  return result;
}

/**
 * Leaves the last messages of one partition unread. A `c` with an old key may then be there without
 * its `d`.
 */
function withoutTail(random: Random, deliveries: readonly Delivery[]): Delivery[] {
  const changes = deliveries.filter((one) => one.message.oldKey !== null);
  const late = changes.length > 0 ? random.pick(changes) : random.pick(deliveries);
  const gone =
    deliveries.find(
      (one) =>
        one.message.newKey !== null && one.message.lsn === late.message.lsn && !one.tombstone,
    ) ?? late;
  const kept = deliveries.filter(
    (one) =>
      one.topic !== gone.topic || one.partition !== gone.partition || one.offset < gone.offset,
  );
  return kept.map((one) =>
    one.message.oldKey !== null && one.message.lsn === late.message.lsn
      ? { ...one, tags: [...one.tags, "c without its d" as const] }
      : one,
  );
}

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Returns the change that a decoder must make of a message, as its writer knows it. */
export function expectedChange(delivery: Delivery, traits: ScenarioTraits): Change {
  const { message } = delivery;
  const { table } = message;
  const here = {
    source: table.source.name,
    topic: delivery.topic,
    partition: delivery.partition,
    offset: delivery.offset,
    timestamp: delivery.timestamp,
    extra: null,
  };
  const nothing = {
    values: null,
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
  };
  if (delivery.tombstone)
    return {
      ...here,
      ...nothing,
      kind: "none",
      order: null,
      committed: null,
      snapshot: false,
      op: null,
      transaction: null,
    };
  const common = {
    ...here,
    order: traits.withoutLsn ? null : orderOf(message),
    ...committedAfterOf(message, traits),
    committed: committedOf(message, traits),
    snapshot: message.snapshot !== "false",
    ...snapshotMarkerOf(message, traits),
    op: message.op,
    transaction: message.transaction === null ? null : String(message.transaction),
  };
  if (message.op === "t") return { ...common, ...nothing, kind: "truncate" };
  const keyOnly: Value[] = table.source.columns.map((_, i) =>
    table.key.includes(i) ? message.key![table.key.indexOf(i)]!.value : null,
  );
  if (message.row === null) return { ...common, ...nothing, kind: "delete", values: keyOnly };
  const oldKey = message.oldKey === null ? null : message.oldKey.map((cell) => cell.value);
  if (message.broken)
    return {
      ...common,
      ...nothing,
      kind: "upsert",
      values: keyOnly,
      oldKey,
      undecodable: { reason: "CONTENT_UNREADABLE", message: "after is no row" },
    };
  const invalidColumns: InvalidColumn[] = [];
  let nonFinite = 0;
  const values = message.row.map((cell, i): Value => {
    if (message.unavailable.includes(i)) return null;
    if (cell.missing === "NaN" || cell.missing === "Infinity") nonFinite += 1;
    else if (cell.missing !== null && cell.missing !== "null")
      invalidColumns.push({ column: table.source.columns[i]!.name, reason: cell.missing });
    return cell.value;
  });
  return {
    ...common,
    ...nothing,
    kind: "upsert",
    values,
    oldKey,
    unavailable: message.unavailable,
    invalidColumns,
    nonFinite,
  };
}

/** Returns the log order. A row that was read at the end of a commit comes before that end. */
function orderOf({ snapshot, order, lastCommit }: Message): bigint {
  return snapshot === "incremental" && lastCommit === order ? order - 1n : order;
}

/** Returns the last commit before the change's own, if the change was written before it. */
function committedAfterOf(
  { lsn, lastCommit }: Message,
  { shape }: ScenarioTraits,
): Pick<Change, "committedAfter"> {
  // Unwrapped messages have no `sequence`.
  const isLate = shape !== "unwrapped" && lsn !== null && lastCommit !== null && lastCommit > lsn;
  return isLate ? { committedAfter: lastCommit } : {};
}

/** Returns the snapshot marker. Unwrapped messages do not name their place in a snapshot. */
function snapshotMarkerOf(
  { snapshot }: Message,
  { shape }: ScenarioTraits,
): Pick<Change, "snapshotMarker"> {
  if (shape === "unwrapped") return {};
  if (snapshot.startsWith("first")) return { snapshotMarker: "first" };
  if (snapshot.startsWith("last")) return { snapshotMarker: "last" };
  return snapshot === "incremental" ? { snapshotMarker: "incremental" } : {};
}

/**
 * Returns the commit time: `ts_us`, else the last microsecond of `ts_ms` (law 6: ts_ms·1000 + 999).
 */
function committedOf(message: Message, traits: ScenarioTraits): number {
  return traits.millisecondsOnly
    ? Math.floor(message.committed / 1000) * 1000 + 999
    : message.committed;
}
