/** The change source over Kafka topics, in any format that a decoder reads. */
import { randomUUID } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource, Position } from "@tidemark/core/spi";
import kafkajs, {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type KafkaConfig,
  type KafkaMessage,
} from "kafkajs";
import { FetchedQueue, messageBytes } from "./fetched-queue.ts";
import { registerCodecs } from "./kafka-codecs.ts";
import { kafkaFailure } from "./kafka-failure.ts";
import { KafkaFetcher } from "./kafka-fetcher.ts";
import { type KafkaPartition, positionAfter } from "./kafka-partition.ts";
import { type KafkaMessage as Message, kafkaMessage } from "../message/kafka-message.ts";
import type { MessageDecoder, OnWarning, RunningDecoder } from "../message/message-decoder.ts";
import { processWarning } from "../message/process-warning.ts";

/** The methods of a kafkajs client that the change source calls. */
export interface KafkaClient {
  admin(): Admin;
  consumer(config: ConsumerConfig): Consumer;
}

/** How Kafka is read. The decoder says what the messages hold. */
export interface KafkaSourceOptions {
  /** Addresses of the brokers, `host:port`. Omit them if `client` is given. */
  readonly brokers?: readonly string[] | Exclude<KafkaConfig["brokers"], string[]> | undefined;
  readonly ssl?: KafkaConfig["ssl"] | undefined;
  readonly sasl?: KafkaConfig["sasl"] | undefined;
  readonly clientId?: string | undefined;
  /** A kafkajs client, in place of `brokers`, `ssl`, `sasl` and `clientId`. */
  readonly client?: KafkaClient | undefined;
  /** Names of topics, or patterns over the topics that exist when the run starts. */
  readonly topics: string | RegExp | readonly (string | RegExp)[];
  /**
   * The consumer group. Runs of one group divide the partitions, so they must feed the same stores.
   * Without this option a run has a group of its own and reads all partitions.
   */
  readonly groupId?: string | undefined;
  /**
   * When the run ends. `"signal"` ends with the run's signal and is the default. `"caught-up"` ends
   * where the topics ended at the start of the run.
   */
  readonly until?: "signal" | "caught-up" | undefined;
  /**
   * What the log of a partition with no stored position must hold. `"complete"` requires the log
   * from offset 0 on and is the default. `"retained"` takes what retention has left: choose it only
   * if that holds a snapshot of the whole table.
   */
  readonly beginning?: "complete" | "retained" | undefined;
  /** The most messages of a batch; default 5,000. */
  readonly batchMessages?: number | undefined;
  /** A batch ends with the message that reaches so many bytes; default 8 Mi. */
  readonly batchBytes?: number | undefined;
  /** Fetching pauses while so many bytes wait; default 32 Mi. */
  readonly prefetchBytes?: number | undefined;
  /**
   * Fetching pauses while so many messages wait; default 50,000. One answer of each broker may
   * exceed the limits.
   */
  readonly prefetchMessages?: number | undefined;
  /** Further settings of kafkajs's consumer. */
  readonly consumer?:
    | Partial<Omit<ConsumerConfig, "groupId" | "allowAutoTopicCreation">>
    | undefined;
  /**
   * Called once for each thing that a log loses without an error, and for every retry. The default
   * emits a warning of the process.
   */
  readonly onWarning?: OnWarning | undefined;
}

/**
 * Retries of kafkajs. With them a run finds a restarted broker within seconds. kafkajs's defaults
 * wait for up to half a minute.
 */
const RETRY_OPTIONS = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 6 };

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
    owns,
    lag: () =>
      [...(sharedReader?.partitions.values() ?? [])]
        .filter(({ assigned, verified }) => assigned && verified)
        .map(lagOf),

    async *changes({
      sources,
      after,
      positions,
      signal,
      independent = false,
    }): AsyncGenerator<ChangeBatch> {
      const running = decoder.start({ sources, onWarning });
      const skippedNow = new Map<string, number>();
      if (!independent) skipped = skippedNow;
      // An independent reader has a group of its own. In the shared group it would take partitions
      // from the shared reader.
      const groupId = independent ? undefined : options.groupId;
      await registerCodecs();
      const client = options.client ?? kafkaClientOf(options, name);
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
        const consumer = client.consumer({
          // After a restart the broker waits for the session of the former member. In a group of
          // its own a run may keep that session short.
          maxWaitTimeInMs: 100,
          metadataMaxAge: 60_000,
          ...(groupId === undefined ? { sessionTimeout: 10_000 } : {}),
          ...options.consumer,
          groupId: groupId ?? `tidemark-${randomUUID()}`,
          allowAutoTopicCreation: false,
          retry: {
            ...RETRY_OPTIONS,
            ...options.consumer?.retry,
            restartOnFailure: async (error) =>
              fetcher?.isClosed() !== true &&
              (await options.consumer?.retry?.restartOnFailure?.(error)) !== false,
          },
        });
        fetcher = new KafkaFetcher({
          name,
          admin,
          consumer,
          topics,
          after,
          positions,
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
          const batch = nextBatch(queue, running, skippedNow, maxMessages, maxBytes);
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
  skipped: Map<string, number>,
  maxMessages: number,
  maxBytes: number,
): ChangeBatch | null {
  const changes: Change[] = [];
  const moved = new Set<KafkaPartition>();
  let bytes = 0;
  let count = 0;
  for (let fetched = queue.first(); fetched !== undefined; fetched = queue.first()) {
    const { partition, messages, position } = fetched;
    let last: Message | null = null;
    while (fetched.taken < messages.length && count < maxMessages && bytes < maxBytes) {
      const raw = queue.takeMessage(fetched);
      const message = (last = messageOf(partition, raw));
      const change = decoder.decode(message);
      bytes += messageBytes(raw);
      count++;
      if (change === null) skipped.set(partition.topic, (skipped.get(partition.topic) ?? 0) + 1);
      else {
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
    positions: [...moved].flatMap(({ relevant, delivered }): Position[] =>
      relevant ? [delivered!] : [],
    ),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function messageOf(
  { topic, partition }: KafkaPartition,
  { offset, timestamp, key, value, headers = {} }: KafkaMessage,
): Message {
  return kafkaMessage({
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key,
    value,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value === undefined ? null : String(Array.isArray(value) ? value.at(-1) : value),
      ]),
    ),
  });
}

function lagOf({ name, delivered, highWatermark, watermark }: KafkaPartition): PartitionLag {
  return {
    partition: name,
    offset: delivered?.offset ?? null,
    highWatermark,
    lag: Math.max(0, highWatermark - 1 - (delivered?.offset ?? -1)),
    watermark,
  };
}

function kafkaClientOf(
  { brokers, ssl, sasl, clientId = "tidemark" }: KafkaSourceOptions,
  name: string,
): KafkaClient {
  if (brokers === undefined)
    throw new TidemarkError(
      "KAFKA_WITHOUT_BROKERS",
      `${name}: neither brokers nor a client is given; pass brokers: ["host:9092"]`,
    );
  return new kafkajs.Kafka({
    brokers: typeof brokers === "function" ? brokers : [...brokers],
    clientId,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: RETRY_OPTIONS,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

async function existingTopics(
  requested: readonly (string | RegExp)[],
  admin: Admin,
  name: string,
): Promise<readonly string[]> {
  const topicsInKafka = await admin.listTopics();
  const topics = [
    ...new Set(
      requested.flatMap((one) =>
        topicsInKafka.filter((topic) =>
          typeof one === "string"
            ? topic === one
            : new RegExp(one.source, one.flags.replace(/[gy]/g, "")).test(topic),
        ),
      ),
    ),
  ];
  const absent = requested.filter((one) => typeof one === "string" && !topicsInKafka.includes(one));
  if (absent.length > 0 || topics.length === 0) {
    throw new TidemarkError(
      "TOPIC_NOT_FOUND",
      `${name}: Kafka has no topic ${absent.length > 0 ? absent.join(", ") : "that matches"}; ` +
        "check the name and which topics the user may see " +
        `(a connector creates a topic with the first row of its table)`,
    );
  }
  return topics;
}
