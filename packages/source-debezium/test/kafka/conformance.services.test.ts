/** Tests Kafka topics with the conformance suite of change sources, and with a user's decoder. */
import { changeSourceConformance } from "@tidemark/core/testing";
import { type KafkaChanges, kafkaChanges } from "@tidemark/source-debezium";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import type { KafkaTopics } from "@tidemark/testkit/services";
import { ownTopics } from "@tidemark/testkit/services/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createdAnew, twoPartitions } from "../support/conformance.ts";
import { batches, changesOf } from "../support/kafka.ts";
import { paymentDecoder, payments } from "../support/payments.ts";
import { times, transactions } from "../support/sources.ts";

suiteNeeding(realKafka(), "kafkaChanges as a change source", () => {
  let kafka: KafkaTopics;
  beforeAll(async () => {
    kafka = await ownTopics();
  });
  afterAll(async () => {
    await kafka.stop();
  });
  let number = 0;

  for (const until of ["caught-up", "signal"] as const) {
    changeSourceConformance({
      test: (name, run) => {
        test(`until ${until}: ${name}`, { timeout: 120_000 }, run);
      },
      make: async () => {
        const topic = `c${++number}.public.transaction_data`;
        await kafka.topic(topic, 2);
        await kafka.publish(topic, twoPartitions(topic));
        const source = (): KafkaChanges =>
          kafkaChanges({
            brokers: kafka.brokers,
            topics: topic,
            times,
            onWarning: () => undefined,
            until,
            batchMessages: 7,
          });
        return {
          sources: [transactions],
          count: 38,
          maxChanges: 7,
          source,
          recreated: async () => {
            await kafka.admin.deleteTopics({ topics: [topic] });
            await kafka.topic(topic, 2);
            await kafka.publish(topic, createdAnew(topic));
            return source();
          },
        };
      },
    });
  }

  test("a decoder of the user's own reads JSON messages", { timeout: 60_000 }, async () => {
    const topic = `shop${++number}.payments`;
    await kafka.topic(topic);
    const row = {
      id: "9007199254740993",
      user: "ada",
      amount: "12.50",
      at: "2025-06-14T09:30:00Z",
    };
    const common = { partition: 0, timestamp: 1_750_000_000_000, headers: {} };
    await kafka.publish(topic, [
      { ...common, key: "1", value: JSON.stringify(row) },
      { ...common, key: "1", value: JSON.stringify({ id: row.id, deleted: true }) },
    ]);
    const source = kafkaChanges({
      brokers: kafka.brokers,
      topics: topic,
      until: "caught-up",
      decoder: paymentDecoder(topic),
    });
    const changes = changesOf(await batches(source, [payments]));
    expect(changes).toMatchObject([
      { kind: "upsert", values: [9007199254740993n, "ada", 1250n, 1_749_893_400_000_000] },
      { kind: "delete", values: [9007199254740993n, null, null, null], offset: 1 },
    ]);
  });
});
