/** A change source that decodes kept messages again. */
import type { NotTaken, NotTakenCounts } from "../ingest/not-taken.ts";
import { retriedPlace } from "../rows/retried.ts";
import { partitionOf } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, ChangeBatch, ChangeSource, SkippedMessages } from "../spi.ts";
import { placeKey, type StoredMessage } from "./kept-messages.ts";

export interface RetryOptions {
  readonly source: SourceSpec;
  /** The number of the first retry that no store has. */
  readonly retry: number;
  /** The places of messages that an earlier retry took. */
  readonly taken: ReadonlySet<string>;
  /** The source's snapshot generation. Messages of an earlier one are in its snapshot. */
  readonly generation: number;
  readonly decode: (messages: readonly StoredMessage[]) => readonly (Change | SkippedMessages)[];
  /** Whether every store has reached the message. */
  readonly isReached: (message: StoredMessage) => boolean;
  /** Gets what still cannot be read. */
  readonly notTaken: NotTakenCounts;
  /** Called for each kept message that no earlier retry took. */
  readonly onMessage: () => void;
}

const MESSAGES_PER_BATCH = 500;

/** Makes the change source of kept messages. A message that still cannot be read is left out. */
export function retrySource(
  kept: AsyncIterable<StoredMessage>,
  options: RetryOptions,
): ChangeSource {
  const { taken, generation } = options;
  return {
    name: `kept messages of source ${options.source.name}`,
    bounded: true,
    async *changes(): AsyncGenerator<ChangeBatch> {
      const offsets = new Map<string, number>();
      let { retry } = options;
      let waiting: StoredMessage[] = [];
      for await (const message of kept) {
        if (message.generation !== generation || taken.has(placeKey(message))) continue;
        options.onMessage();
        if (!options.isReached(message)) {
          options.notTaken.add(behind(options.source, message));
          continue;
        }
        // Offsets ascend within a partition. A lower one begins the next retry.
        const partition = partitionOf(message);
        if (message.offset <= (offsets.get(partition) ?? -1)) {
          yield decodedBatch(waiting, retry, options);
          waiting = [];
          offsets.clear();
          retry++;
        }
        offsets.set(partition, message.offset);
        waiting.push(message);
        if (waiting.length < MESSAGES_PER_BATCH) continue;
        yield decodedBatch(waiting, retry, options);
        waiting = [];
      }
      yield decodedBatch(waiting, retry, options);
    },
  };
}

function behind({ name }: SourceSpec, { topic, partition, offset }: StoredMessage): NotTaken {
  return {
    kind: "undecodable",
    source: name,
    reason: "ONLINE_STORE_BEHIND",
    column: null,
    count: 1,
    first: {
      topic,
      partition,
      offset,
      message:
        "the online store has not reached this message; run tidemark run or tidemark backfill, " +
        "then tidemark retry",
    },
  };
}

function decodedBatch(
  messages: readonly StoredMessage[],
  retry: number,
  { decode, notTaken, source }: RetryOptions,
): ChangeBatch {
  const changes: Change[] = [];
  const skipped: SkippedMessages[] = [];
  const reached = new Map<string, number>();
  for (const [i, decoded] of decode(messages).entries()) {
    const message = messages[i]!;
    if (!("kind" in decoded)) {
      skipped.push(decoded);
      continue;
    }
    const { undecodable } = decoded;
    if (undecodable !== null) {
      notTaken.add({
        kind: "undecodable",
        source: source.name,
        reason: undecodable.reason,
        column: null,
        count: 1,
        first: {
          topic: message.topic,
          partition: message.partition,
          offset: message.offset,
          message: undecodable.message,
        },
      });
      continue;
    }
    const place = retriedPlace(message, retry);
    changes.push({
      ...decoded,
      ...place,
      // The order that the change would have had in its log.
      order: decoded.order ?? message.inheritedOrder ?? BigInt(message.offset),
      snapshotMarker: undefined,
    });
    reached.set(partitionOf(place), place.offset);
  }
  return {
    changes,
    skipped,
    positions: [...reached].map(([partition, offset]) => ({ partition, offset })),
  };
}
