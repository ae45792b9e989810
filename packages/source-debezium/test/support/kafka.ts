/** One real Kafka for a file of tests, and topics to publish into it. */
import { startKafka } from "@tidemark/services";
import kafkajs from "kafkajs";
import type { ChangeSource, Change, ChangeBatch, Position, SourceSpec } from "@tidemark/core/spi";
import type { LogMessage } from "../../src/message.ts";

export type Broker = Awaited<ReturnType<typeof broker>>;

export async function broker(settings?: Readonly<Record<string, string | number>>) {
  const service = await startKafka({ settings });
  const client = new kafkajs.Kafka({ brokers: [...service.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  return {
    service, client, admin, brokers: [...service.brokers],

    async topic(topic: string, partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<void> {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) }] });
    },

    /** As retention does it: what lies before the offset is gone. */
    async expire(topic: string, offset: number): Promise<void> {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    },

    /** In the order given, each into its partition. A producer of its own: one that knows the topic drops what is for a partition added since. */
    async publish(topic: string, messages: readonly LogMessage[], compression = kafkajs.CompressionTypes.None): Promise<void> {
      const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await producer.connect();
      for (let from = 0; from < messages.length; from += 200) {
        await producer.send({
          topic, compression, acks: -1,
          messages: messages.slice(from, from + 200).map(({ partition, timestamp, key, value, headers }) => ({
            partition, key, value, timestamp: String(timestamp), headers: headers as Record<string, string>,
          })),
        });
      }
      await producer.disconnect();
    },

    async stop(): Promise<void> {
      await admin.disconnect();
      await service.stop();
    },
  };
}

/** All batches of a run that ends by itself. */
export async function batches(source: ChangeSource, sources: readonly SourceSpec[], after: readonly Position[] = [], signal?: AbortSignal): Promise<ChangeBatch[]> {
  const found: ChangeBatch[] = [];
  for await (const batch of source.changes({ sources, after, signal })) found.push(batch);
  return found;
}

export const changesOf = (found: readonly ChangeBatch[]): Change[] => found.flatMap(({ changes }) => [...changes]);

/** Where a run stands behind these batches. */
export function positionsOf(found: readonly ChangeBatch[], before: readonly Position[] = []): Position[] {
  return [...new Map([...before, ...found.flatMap(({ positions }) => [...positions])].map((position) => [position.partition, position])).values()];
}
