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
import { FetchedQueue, sizeOf } from "./fetched-queue.ts";
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
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 6 };

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
  const asked = [options.topics].flat() as readonly (string | RegExp)[];
  const name = `Kafka topics ${asked.join(", ")}`;
  const mostMessages = options.batchMessages ?? 5_000;
  const mostBytes = options.batchBytes ?? 8 * 2 ** 20;
  const { onWarning = processWarning } = options;
  const warn = (code: string, message: string): void => {
    onWarning({ code, message });
  };
  const queues = new Set<FetchedQueue>();
  /** Of the first reader of the current run, or of the last one. */
  let first: KafkaFetcher | null = null;
  /** Of those beside it. */
  const besides = new Set<KafkaFetcher>();
  let skipped: ReadonlyMap<string, number> = new Map();
  const owns = (partition: string): boolean => first?.partitions.get(partition)?.assigned === true;

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
      [...(first?.partitions.values() ?? [])]
        .filter(({ assigned, ready }) => assigned && ready)
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
      const client = options.client ?? clientOf(options, name);
      const admin = client.admin();
      const queue = new FetchedQueue({
        messages: options.prefetchMessages ?? 50_000,
        bytes: options.prefetchBytes ?? 32 * 2 ** 20,
      });
      queues.add(queue);
      let mine: KafkaFetcher | null = null;
      const stir = (): void => {
        mine?.stir();
      };
      signal?.addEventListener("abort", stir);
      try {
        await admin.connect();
        const topics = await existing(asked, admin, name);
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
            ...RETRY,
            ...options.consumer?.retry,
            restartOnFailure: async (error) =>
              mine?.isClosed() !== true &&
              (await options.consumer?.retry?.restartOnFailure?.(error)) !== false,
          },
        });
        mine = new KafkaFetcher({
          name,
          admin,
          consumer,
          topics,
          after,
          positions,
          queue,
          retained: options.beginning === "retained",
          declared: (topic) => decoder.holds?.(topic, sources) === true,
          onRetry: ({ message }) => {
            warn("KAFKA_RETRIES", `${message}; trying again`);
          },
          wanted: independent ? owns : () => true,
          onAssigned: independent
            ? () => undefined
            : () => {
                for (const one of besides) one.reassign();
              },
        });
        if (independent) besides.add(mine);
        else first = mine;
        await mine.start();
        for (;;) {
          signal?.throwIfAborted();
          if (options.until === "caught-up" && mine.caughtUp()) return;
          if (mine.wasReassigned()) {
            // Who reads beside may be level now, without another message.
            yield { changes: [], positions: [] };
            continue;
          }
          await mine.change();
          signal?.throwIfAborted();
          const batch = nextBatch(queue, running, skippedNow, mostMessages, mostBytes);
          mine.refill();
          if (batch !== null) yield batch;
        }
      } catch (error) {
        throw signal?.aborted === true ? error : kafkaFailure(name, error);
      } finally {
        signal?.removeEventListener("abort", stir);
        queues.delete(queue);
        if (mine !== null) besides.delete(mine);
        await mine?.close();
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
  mostMessages: number,
  mostBytes: number,
): ChangeBatch | null {
  const changes: Change[] = [];
  const moved = new Set<KafkaPartition>();
  let bytes = 0;
  let count = 0;
  for (let fetched = queue.first(); fetched !== undefined; fetched = queue.first()) {
    const { partition, messages, position } = fetched;
    let last: Message | null = null;
    while (fetched.taken < messages.length && count < mostMessages && bytes < mostBytes) {
      const raw = queue.take(fetched);
      const message = (last = logMessage(partition, raw));
      const change = decoder.decode(message);
      bytes += sizeOf(raw);
      count++;
      if (change === null) skipped.set(partition.topic, (skipped.get(partition.topic) ?? 0) + 1);
      else {
        if (partition.headless !== null) throw partition.headless;
        partition.relevant = true;
        if (change.committed !== null)
          partition.watermark = Math.max(partition.watermark ?? -Infinity, change.committed);
        changes.push(change);
      }
    }
    if (fetched.taken === messages.length) {
      partition.given = position;
      queue.shift();
    } else if (last !== null) {
      // once, not for each message: its checkpoint is a hash
      partition.given = positionAfter(partition.name, last);
    }
    moved.add(partition);
    if (fetched.taken < messages.length) break;
  }
  if (moved.size === 0) return null;
  return {
    changes,
    positions: [...moved].flatMap(({ relevant, given }): Position[] => (relevant ? [given!] : [])),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function logMessage(
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

function lagOf({ name, given, high, watermark }: KafkaPartition): PartitionLag {
  return {
    partition: name,
    offset: given?.offset ?? null,
    highWatermark: high,
    lag: Math.max(0, high - 1 - (given?.offset ?? -1)),
    watermark,
  };
}

function clientOf(
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
    retry: RETRY,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

async function existing(
  asked: readonly (string | RegExp)[],
  admin: Admin,
  name: string,
): Promise<readonly string[]> {
  const there = await admin.listTopics();
  const topics = [
    ...new Set(
      asked.flatMap((one) =>
        there.filter((topic) =>
          typeof one === "string"
            ? topic === one
            : new RegExp(one.source, one.flags.replace(/[gy]/g, "")).test(topic),
        ),
      ),
    ),
  ];
  const absent = asked.filter((one) => typeof one === "string" && !there.includes(one));
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
