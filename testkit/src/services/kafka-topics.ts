/** Provides a Kafka for tests, and topics to publish into. */
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { type Kafka, startKafka } from "./kafka.ts";

/** A Kafka, to make topics and to publish. */
export type KafkaTopics = Awaited<ReturnType<typeof kafkaTopicsAt>>;

/** A Kafka that a test may halt. */
export type OwnKafka = KafkaTopics & { readonly service: Kafka };

/** A message to publish. */
export interface Message {
  readonly partition: number;
  readonly timestamp: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/**
 * Recorded messages keep their times, however old or far ahead. No message expires or is refused.
 */
export const ANY_TIME = {
  "log.retention.ms": -1,
  "log.message.timestamp.after.max.ms": "9223372036854775807",
};

/**
 * A broker takes at most 1 MiB of a partition at once (`message.max.bytes`), and generated values
 * may be long.
 */
const REQUEST = { messages: 200, bytes: 2 ** 19 };

function* inRequests(messages: readonly Message[]): Generator<readonly Message[]> {
  let some: Message[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size =
      Buffer.byteLength(message.key ?? "") +
      Buffer.byteLength(message.value ?? "") +
      Buffer.byteLength(JSON.stringify(message.headers));
    if (some.length === REQUEST.messages || (some.length > 0 && bytes + size > REQUEST.bytes)) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(message);
    bytes += size;
  }
  if (some.length > 0) yield some;
}

/** Starts a Kafka that a test may halt. */
export async function startKafkaTopics(
  settings: Readonly<Record<string, string | number>> = {},
): Promise<OwnKafka> {
  const service = await startKafka({ settings: { ...ANY_TIME, ...settings } });
  const topics = await kafkaTopicsAt(service.brokers);
  return {
    ...topics,
    service,
    async stop() {
      await topics.stop();
      await service.stop();
    },
  };
}

/** Connects to a Kafka, to make topics and to publish. */
export async function kafkaTopicsAt(brokers: readonly string[]) {
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  return {
    client,
    admin,
    brokers: [...brokers],

    async topic(
      topic: string,
      partitions = 1,
      config: Readonly<Record<string, string>> = {},
    ): Promise<void> {
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      const made = await admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
      });
      if (!made) throw new Error(`the topic ${topic} was there already; choose another name`);
      // kafkajs would wait for leaders too, and fails if the broker does not know its new topic yet
      while (
        !(await admin.fetchTopicOffsets(topic).then(
          (found) => found.length === partitions,
          () => false,
        ))
      )
        await sleep(50);
    },

    /** Removes the messages before the offset, as retention does. */
    async expire(topic: string, offset: number): Promise<void> {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: String(offset) }],
      });
    },

    /**
     * Publishes the messages in the given order, each into its partition, once. The producer is
     * idempotent, because an unavailable broker may have kept unconfirmed messages. Each call makes
     * a producer: an older one drops messages for partitions that were added since.
     */
    async publish(
      topic: string,
      messages: readonly Message[],
      compression = kafkajs.CompressionTypes.None,
    ): Promise<void> {
      const producer = client.producer({
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await producer.connect();
      for (const some of inRequests(messages)) {
        await producer.send({
          topic,
          compression,
          acks: -1,
          messages: some.map(({ partition, timestamp, key, value, headers }) => ({
            partition,
            key,
            value,
            timestamp: String(timestamp),
            headers: headers as Record<string, string>,
          })),
        });
      }
      await producer.disconnect();
    },

    async stop(): Promise<void> {
      await admin.disconnect();
    },
  };
}
