/** A change source over topics of Kafka, in any format that a decoder reads. */
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

/** What is called of a client of kafkajs. */
export interface KafkaClient {
  admin(): Admin;
  consumer(config: ConsumerConfig): Consumer;
}

/** How Kafka is read; what the messages hold is the decoder's. */
export interface KafkaSourceOptions {
  /** Addresses, `host:port`; or give a client. */
  readonly brokers?: readonly string[] | Exclude<KafkaConfig["brokers"], string[]> | undefined;
  readonly ssl?: KafkaConfig["ssl"] | undefined;
  readonly sasl?: KafkaConfig["sasl"] | undefined;
  readonly clientId?: string | undefined;
  readonly client?: KafkaClient | undefined;
  /** Names, or patterns for the topics there are when the run starts. */
  readonly topics: string | RegExp | readonly (string | RegExp)[];
  /**
   * Runs of one group share the partitions among them: only for runs into the same stores. Without
   * it, a run has a group of its own and takes them all.
   */
  readonly groupId?: string | undefined;
  /** When the run ends: with its signal, or where the topics ended when it first saw them. */
  readonly until?: "signal" | "caught-up" | undefined;
  /**
   * What a partition of which nothing is stored has to hold: its log from offset 0 on, or what
   * retention has left, when that holds a snapshot of the whole table.
   */
  readonly beginning?: "complete" | "retained" | undefined;
  /** A batch ends after so many messages (5,000) … */
  readonly batchMessages?: number | undefined;
  /** … or bytes (8 Mi), whichever is first. */
  readonly batchBytes?: number | undefined;
  /** Fetching pauses while so many bytes wait (32 Mi) … */
  readonly prefetchBytes?: number | undefined;
  /** … or messages (50,000). One answer of each broker may come on top of it. */
  readonly prefetchMessages?: number | undefined;
  /** Further settings of the consumer, as kafkajs takes them. */
  readonly consumer?:
    | Partial<Omit<ConsumerConfig, "groupId" | "allowAutoTopicCreation">>
    | undefined;
  /**
   * Told once of each thing that a log loses without an error, and when Kafka is tried again; by
   * default a warning of the process.
   */
  readonly onWarning?: OnWarning | undefined;
}

/** A broker that comes back is found within seconds; kafkajs would wait for up to half a minute. */
const RETRY_OPTIONS = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 6 };

/** How far one partition is, as the group has given it to this run. */
export interface PartitionLag {
  readonly partition: string;
  /** The last offset handed on to the stores; null: none. */
  readonly offset: number | null;
  /** The offset after the partition's last message, as of the last answer. */
  readonly highWatermark: number;
  /** How many offsets lie between. */
  readonly lag: number;
  /** Commit time of the newest change handed on, µs; null: none yet. */
  readonly watermark: number | null;
}

/** A change source that reads topics of Kafka. */
export interface KafkaChanges extends ChangeSource {
  /** How far the current run is. */
  lag(): readonly PartitionLag[];
  /** What was fetched and waits: never much more than the prefetch limits. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** How many messages of the current run were of no declared source, by topic. */
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
  /** Of the first reader of the current run, or of the last one. */
  let sharedReader: KafkaFetcher | null = null;
  /** Of those beside it. */
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
      // Of a shared group a second member would take partitions from the first: who reads beside it
      // has a group of its own.
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
          // After a restart the broker waits for the member that we were before: in a group of our
          // own, nobody is hurt if that is short.
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
            // Who reads beside may be level now, without another message.
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

/** Decodes what waits, up to the limits; null: nothing waits. */
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
      // once, not for each message: its checkpoint is a hash
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
        "check the name and what the user may see " +
        `(a connector makes a topic with the first row of its table)`,
    );
  }
  return topics;
}
