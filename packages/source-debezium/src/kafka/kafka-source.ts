/** The change source over Kafka topics, in any format that a decoder reads. */
import type { Change, ChangeBatch, ChangeSource, LogEnd, Position } from "@tidemark/core/spi";
import { FetchedQueue, messageBytes } from "./fetched-queue.ts";
import { messageOf } from "./fetched-message.ts";
import { registerCodecs } from "./kafka-codecs.ts";
import { consumerConfig, existingTopics, kafkaClientOf } from "./kafka-connection.ts";
import { kafkaFailure } from "./kafka-failure.ts";
import { KafkaFetcher } from "./kafka-fetcher.ts";
import type { KafkaSourceOptions } from "./kafka-options.ts";
import { type KafkaPartition, positionAfter } from "./kafka-partition.ts";
import { readMessages, type ReadMessagesOptions } from "./read-messages.ts";
import {
  decodeKept,
  decodeMessage,
  resumeAfter,
  SkippedCounts,
  withDecoderState,
} from "../message/decode-message.ts";
import type { KafkaMessage } from "../message/kafka-message.ts";
import type { MessageDecoder, RunningDecoder } from "../message/message-decoder.ts";
import { sourceOfTopic } from "../message/source-of-topic.ts";
import { endsOfNoTopic } from "./missing-topics.ts";
import { processWarning } from "../message/process-warning.ts";

/** The lag of one partition that the group has assigned to this run. */
export interface PartitionLag {
  /** `topic:partition`. */
  readonly partition: string;
  /** The last offset given to the stores; null: none. */
  readonly offset: number | null;
  /** The offset after the partition's last message, as of the broker's last answer. */
  readonly highWatermark: number;
  /** How many offsets of the log were not yet given to the stores. */
  readonly lag: number;
  /** Commit time of the newest change given to the stores, µs; null: none yet. */
  readonly watermark: number | null;
}

/** The change source of `kafkaChanges`. */
export interface KafkaChanges extends ChangeSource {
  /** Gives the lag of each assigned partition of the current run. */
  lag(): readonly PartitionLag[];
  /** Fetched messages that wait to be decoded: never much more than the prefetch limits. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** Counts the messages of the current run that are of no declared source, by topic. */
  readonly skipped: ReadonlyMap<string, number>;
  /**
   * Reads the messages of the topics as they are, without a decoder and without stored positions.
   * `recordedLine` makes a line of a recording of each.
   *
   * @throws LOG_LOST when the log does not reach back to the offset, or loses messages meanwhile.
   */
  messages(options?: ReadMessagesOptions): AsyncGenerator<readonly KafkaMessage[]>;
}

/** Reads topics of Kafka and gives their messages to the decoder. */
export function kafkaSource(options: KafkaSourceOptions, decoder: MessageDecoder): KafkaChanges {
  const requestedTopics = [options.topics].flat() as readonly (string | RegExp)[];
  const name = `Kafka topics ${requestedTopics.join(", ")}`;
  const maxMessages = options.batchMessages ?? 5_000;
  const maxBytes = options.batchBytes ?? 8 * 2 ** 20;
  const { onWarning = processWarning } = options;
  const warn = (code: string, message: string): void => {
    onWarning({ code, message });
  };
  const queues = new Set<FetchedQueue>();
  /** The reader that feeds all stores: of the current run, or of the last run. */
  let sharedReader: KafkaFetcher | null = null;
  /** The readers of single stores that fell behind. */
  const independentReaders = new Set<KafkaFetcher>();
  let skipped: ReadonlyMap<string, number> = new Map();
  const owns = (partition: string): boolean =>
    sharedReader?.partitions.get(partition)?.assigned === true;

  return {
    name,
    shared: true,
    get skipped() {
      return skipped;
    },
    get waiting() {
      return {
        messages: sum([...queues].map(({ messages }) => messages)),
        bytes: sum([...queues].map(({ bytes }) => bytes)),
      };
    },
    bounded: options.until === "caught-up",
    unreadable: options.unreadable,
    owns,
    messages: (reading = {}) => readMessages(options, requestedTopics, name, reading),
    decodeKept: (messages, { sources }) => decodeKept(decoder, messages, sources),
    lag: () =>
      [...(sharedReader?.partitions.values() ?? [])]
        .filter(({ assigned, verified }) => assigned && verified)
        .map((partition) => lagOf(partition, sharedReader?.isQuiet() === true)),

    async ends({ sources, signal }) {
      const admin = kafkaClientOf(options, name).admin();
      try {
        await admin.connect();
        const ends: LogEnd[] = [];
        for (const topic of await existingTopics(requestedTopics, admin, name)) {
          signal?.throwIfAborted();
          const source = sourceOfTopic(decoder, topic, sources);
          for (const { partition, high } of await admin.fetchTopicOffsets(topic))
            ends.push({ partition: `${topic}:${partition}`, end: Number(high), source });
        }
        return [...ends, ...endsOfNoTopic(requestedTopics, ends, sources)];
      } catch (error) {
        throw signal?.aborted === true ? error : kafkaFailure(name, error);
      } finally {
        await admin.disconnect().catch(() => undefined);
      }
    },

    async *changes({
      sources,
      after,
      positions,
      signal,
      independent = false,
    }): AsyncGenerator<ChangeBatch> {
      const running = decoder.start({ sources, onWarning });
      const skippedNow = new Map<string, number>();
      const skippedCounts = new SkippedCounts();
      if (!independent) skipped = skippedNow;
      // An independent reader has a group of its own. In the shared group it would take partitions
      // from the shared reader.
      const groupId = independent ? undefined : options.groupId;
      await registerCodecs();
      const client = kafkaClientOf(options, name);
      const admin = client.admin();
      const queue = new FetchedQueue({
        messages: options.prefetchMessages ?? 50_000,
        bytes: options.prefetchBytes ?? 32 * 2 ** 20,
      });
      queues.add(queue);
      let fetcher: KafkaFetcher | null = null;
      const wakeUp = (): void => {
        fetcher?.wakeUp();
      };
      signal?.addEventListener("abort", wakeUp);
      try {
        await admin.connect();
        const topics = await existingTopics(requestedTopics, admin, name);
        const consumer = client.consumer(
          consumerConfig(options, groupId, () => fetcher?.isClosed() === true),
        );
        fetcher = new KafkaFetcher({
          name,
          admin,
          consumer,
          topics,
          after,
          positions,
          onPosition: (partition, position) => {
            resumeAfter(running, [position ?? { partition, offset: -1 }]);
          },
          queue,
          beginningMayBeGone: options.beginning === "retained",
          holdsDeclaredTable: (topic) => decoder.holds?.(topic, sources) === true,
          onRetry: ({ message }) => {
            warn("KAFKA_RETRIES", `${message}; trying again`);
          },
          wanted: independent ? owns : () => true,
          onAssigned: independent
            ? () => undefined
            : () => {
                for (const one of independentReaders) one.reassign();
              },
        });
        if (independent) independentReaders.add(fetcher);
        else sharedReader = fetcher;
        await fetcher.start();
        for (;;) {
          signal?.throwIfAborted();
          if (options.until === "caught-up" && fetcher.caughtUp()) return;
          if (fetcher.wasReassigned()) {
            // The independent reader may have caught up by losing a partition, without a message.
            yield { changes: [], positions: [] };
            continue;
          }
          await fetcher.waitForChange();
          signal?.throwIfAborted();
          const batch = nextBatch(
            queue,
            running,
            { byTopic: skippedNow, counts: skippedCounts },
            maxMessages,
            maxBytes,
          );
          fetcher.resumeIfHalfEmpty();
          if (batch !== null) yield batch;
        }
      } catch (error) {
        throw signal?.aborted === true ? error : kafkaFailure(name, error);
      } finally {
        signal?.removeEventListener("abort", wakeUp);
        queues.delete(queue);
        if (fetcher !== null) independentReaders.delete(fetcher);
        await fetcher?.close();
        await admin.disconnect().catch(() => undefined);
      }
    },
  };
}

/** Decodes waiting messages up to the limits. Gives null if no message waits. */
function nextBatch(
  queue: FetchedQueue,
  decoder: RunningDecoder,
  skipped: { readonly byTopic: Map<string, number>; readonly counts: SkippedCounts },
  maxMessages: number,
  maxBytes: number,
): ChangeBatch | null {
  const changes: Change[] = [];
  const moved = new Set<KafkaPartition>();
  let bytes = 0;
  let count = 0;
  for (let fetched = queue.first(); fetched !== undefined; fetched = queue.first()) {
    const { partition, messages, position } = fetched;
    let last: KafkaMessage | null = null;
    while (fetched.taken < messages.length && count < maxMessages && bytes < maxBytes) {
      const raw = queue.takeMessage(fetched);
      const message = (last = messageOf(partition, raw));
      const change = decodeMessage(decoder, message);
      bytes += messageBytes(raw);
      count++;
      if ("skipped" in change) {
        skipped.byTopic.set(partition.topic, (skipped.byTopic.get(partition.topic) ?? 0) + 1);
        skipped.counts.add(message, change);
      } else {
        if (partition.beginningLost !== null) throw partition.beginningLost;
        partition.relevant = true;
        if (change.committed !== null)
          partition.watermark = Math.max(partition.watermark ?? -Infinity, change.committed);
        changes.push(change);
      }
    }
    if (fetched.taken === messages.length) {
      partition.delivered = position;
      queue.removeFirst();
    } else if (last !== null) {
      // Made once and not for each message, because the checkpoint is a hash.
      partition.delivered = positionAfter(partition.name, last);
    }
    moved.add(partition);
    if (fetched.taken < messages.length) break;
  }
  if (moved.size === 0) return null;
  return {
    changes,
    skipped: skipped.counts.take(),
    positions: [...moved].flatMap(({ relevant, delivered }): Position[] =>
      relevant ? [withDecoderState(decoder, delivered!)] : [],
    ),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function lagOf(partition: KafkaPartition, isQuiet: boolean): PartitionLag {
  const { name, delivered, fetched, nextOffset, highWatermark, watermark } = partition;
  // A partition of which nothing was fetched may have offsets without a message only.
  const next = fetched === undefined ? nextOffset : (delivered?.offset ?? -1) + 1;
  const isAtEnd = isQuiet && next >= nextOffset;
  return {
    partition: name,
    offset: delivered?.offset ?? null,
    highWatermark,
    lag: isAtEnd ? 0 : Math.max(0, highWatermark - next),
    watermark,
  };
}
