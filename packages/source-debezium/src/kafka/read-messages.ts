/** Reads the messages of topics as they are, to record them. */
import { TidemarkError } from "@tidemark/core";
import type { KafkaMessage } from "../message/kafka-message.ts";
import { processWarning } from "../message/process-warning.ts";
import { messageOf } from "./fetched-message.ts";
import { FetchedQueue, messageBytes } from "./fetched-queue.ts";
import { registerCodecs } from "./kafka-codecs.ts";
import { consumerConfig, existingTopics, kafkaClientOf } from "./kafka-connection.ts";
import { kafkaFailure } from "./kafka-failure.ts";
import { KafkaFetcher } from "./kafka-fetcher.ts";
import type { KafkaPartition, Watermarks } from "./kafka-partition.ts";
import type { KafkaSourceOptions } from "./kafka-options.ts";

/** Where a reading of messages begins and ends. */
export interface ReadMessagesOptions {
  /**
   * Where each partition begins: with what its log holds, with messages to come, or at an offset.
   * The default is `"beginning"`.
   */
  readonly from?: "beginning" | "latest" | number | undefined;
  /**
   * When the reading ends. `"caught-up"` ends where the topics ended at the start. `"signal"` ends
   * with the signal. The default is that of the change source.
   */
  readonly until?: "signal" | "caught-up" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A batch of messages ends at the first of the two limits. */
const BATCH_LIMITS = { messages: 1_000, bytes: 2 ** 20 };
/** What may wait in memory, unless the options of the change source say it. */
const QUEUE_LIMITS = { messages: 50_000, bytes: 32 * 2 ** 20 };

/** Reads the messages in batches. Offsets ascend within a partition. */
export async function* readMessages(
  options: KafkaSourceOptions,
  requestedTopics: readonly (string | RegExp)[],
  name: string,
  { from = "beginning", until = options.until ?? "signal", signal }: ReadMessagesOptions,
): AsyncGenerator<readonly KafkaMessage[]> {
  const { onWarning = processWarning } = options;
  await registerCodecs();
  const client = kafkaClientOf(options, name);
  const admin = client.admin();
  const queue = new FetchedQueue({
    messages: options.prefetchMessages ?? QUEUE_LIMITS.messages,
    bytes: options.prefetchBytes ?? QUEUE_LIMITS.bytes,
  });
  // After a crash of the consumer, a partition begins where it began before.
  const beginnings = new Map<string, number>();
  let fetcher: KafkaFetcher | null = null;
  const wakeUp = (): void => {
    fetcher?.wakeUp();
  };
  signal?.addEventListener("abort", wakeUp);
  try {
    signal?.throwIfAborted();
    await admin.connect();
    const topics = await existingTopics(requestedTopics, admin, name);
    const reader: KafkaFetcher = new KafkaFetcher({
      name,
      admin,
      consumer: client.consumer(
        consumerConfig(options, undefined, () => fetcher?.isClosed() === true),
      ),
      topics,
      after: [],
      positions: undefined,
      queue,
      beginningMayBeGone: true,
      beginningOf(partition, log) {
        const offset = beginningOf(name, beginnings.get(partition.name) ?? from, partition, log);
        if (from !== "beginning") beginnings.set(partition.name, offset);
        return offset;
      },
      holdsDeclaredTable: () => false,
      onRetry({ message }) {
        onWarning({ code: "KAFKA_RETRIES", message: `${message}; trying again` });
      },
      wanted: () => true,
      onAssigned: () => undefined,
    });
    fetcher = reader;
    await reader.start();
    for (;;) {
      signal?.throwIfAborted();
      if (until === "caught-up" && reader.caughtUp()) return;
      await reader.waitForChange();
      signal?.throwIfAborted();
      const messages = nextMessages(queue, until);
      reader.resumeIfHalfEmpty();
      if (messages.length > 0) yield messages;
    }
  } catch (error) {
    throw signal?.aborted === true ? error : kafkaFailure(name, error);
  } finally {
    signal?.removeEventListener("abort", wakeUp);
    await fetcher?.close();
    await admin.disconnect().catch(() => undefined);
  }
}

/** Takes messages out of the queue up to the limits. */
function nextMessages(queue: FetchedQueue, until: "signal" | "caught-up"): KafkaMessage[] {
  const messages: KafkaMessage[] = [];
  let bytes = 0;
  for (let fetched = queue.first(); fetched !== undefined; fetched = queue.first()) {
    const { partition } = fetched;
    while (fetched.taken < fetched.messages.length) {
      if (messages.length >= BATCH_LIMITS.messages || bytes >= BATCH_LIMITS.bytes) return messages;
      const raw = queue.takeMessage(fetched);
      // Messages that came after the start do not belong to a reading that ends there.
      if (until === "caught-up" && Number(raw.offset) >= partition.firstHighWatermark!) continue;
      bytes += messageBytes(raw);
      messages.push(messageOf(partition, raw));
    }
    queue.removeFirst();
  }
  return messages;
}

/** @throws LOG_LOST when the log begins after the offset. */
function beginningOf(
  name: string,
  from: "beginning" | "latest" | number,
  { topic, partition }: KafkaPartition,
  { low, high }: Watermarks,
): number {
  if (from === "beginning") return low;
  if (from === "latest") return high;
  if (from >= low) return Math.min(from, high);
  throw new TidemarkError(
    "LOG_LOST",
    `${name}: topic ${topic}, partition ${partition}: the log begins at offset ${low}, and ` +
      `offset ${from} is gone (retention); begin at a later offset, or at the beginning`,
  );
}
