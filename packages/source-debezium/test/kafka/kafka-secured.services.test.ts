/** Tests the Kafka source on a broker that requires TLS and a password. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startKafka } from "@tidemark/testkit/services";
import { kafkaChanges, type KafkaChangesOptions } from "@tidemark/source-debezium";
import kafkajs from "kafkajs";
import { startProgram } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { messages } from "../support/fixtures.ts";
import { batches, changesOf } from "../support/kafka.ts";
import { times, transactions } from "../support/sources.ts";

const PASSWORD = "tidemark-secret";

/** Makes a certificate for this machine's address, and the key store of the broker. */
async function certificate(folder: string) {
  const location = join(folder, "broker.p12");
  const store = [
    "-alias",
    "broker",
    "-keystore",
    location,
    "-storetype",
    "PKCS12",
    "-storepass",
    PASSWORD,
  ];
  await startProgram("keytool", [
    "-genkeypair",
    ...store,
    "-keyalg",
    "RSA",
    "-validity",
    "30",
    "-dname",
    "CN=127.0.0.1",
    "-ext",
    "san=ip:127.0.0.1",
  ]).succeeded();
  const { stdout: pem } = await startProgram("keytool", [
    "-exportcert",
    "-rfc",
    ...store,
  ]).succeeded();
  const trusted = join(folder, "trusted.p12");
  await startProgram(
    "keytool",
    [
      "-importcert",
      "-noprompt",
      "-alias",
      "broker",
      "-keystore",
      trusted,
      "-storetype",
      "PKCS12",
      "-storepass",
      PASSWORD,
    ],
    { input: pem },
  ).succeeded();
  return { pem, location, trusted };
}

suiteNeeding(realKafka(), "a Kafka behind TLS and SASL", () => {
  test(
    "is read with the certificate and the password; without one of them the error says what " +
      "to check",
    { timeout: 180_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "tidemark-secured-"));
      const { pem, location, trusted } = await certificate(folder);
      const kafka = await startKafka({
        settings: {
          "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
          "sasl.enabled.mechanisms": "PLAIN",
          "sasl.mechanism.inter.broker.protocol": "PLAIN",
          "listener.name.plaintext.plain.sasl.jaas.config":
            `org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" ` +
            `password="${PASSWORD}" user_broker="${PASSWORD}" user_reader="${PASSWORD}";`,
          "ssl.keystore.type": "PKCS12",
          "ssl.keystore.location": location,
          "ssl.keystore.password": PASSWORD,
          "ssl.truststore.type": "PKCS12",
          "ssl.truststore.location": trusted,
          "ssl.truststore.password": PASSWORD,
          "log.retention.ms": -1,
        },
      });
      try {
        const brokers = [...kafka.brokers];
        // Each client needs its own settings, because kafkajs writes into them.
        const secured = (password = PASSWORD) => ({
          ssl: { ca: [pem] },
          sasl: { mechanism: "plain" as const, username: "reader", password },
        });
        const topic = "bank.public.transaction_data";
        const sent = messages("bare.public.transaction_data.jsonl").slice(0, 5);
        const client = new kafkajs.Kafka({
          brokers,
          ...secured(),
          logLevel: kafkajs.logLevel.NOTHING,
        });
        const admin = client.admin();
        await admin.connect();
        await admin.createTopics({
          waitForLeaders: false,
          topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
        });
        while (
          !(await admin.fetchTopicOffsets(topic).then(
            (found) => found.length === 1,
            () => false,
          ))
        )
          await sleep(50);
        await admin.disconnect();
        const producer = client.producer({
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        });
        await producer.connect();
        await producer.send({ topic, messages: sent.map(({ key, value }) => ({ key, value })) });
        await producer.disconnect();

        const read = (options: Partial<KafkaChangesOptions>) =>
          batches(
            kafkaChanges({
              brokers,
              topics: topic,
              times,
              until: "caught-up",
              onWarning: () => undefined,
              ...options,
            }),
            [transactions],
          );
        const failure = (options: Partial<KafkaChangesOptions>) =>
          read(options).then(
            () => "it ended well",
            (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
          );
        expect(changesOf(await read(secured())).map(({ offset }) => offset)).toEqual([
          0, 1, 2, 3, 4,
        ]);
        expect(await failure(secured("wrong"))).toMatch(/^KAFKA_REFUSED: .*check sasl/);
        expect(await failure({ ...secured(), ssl: true })).toMatch(/^KAFKA_UNREACHABLE: .*ssl/);
      } finally {
        await kafka.stop();
        rmSync(folder, { recursive: true });
      }
    },
  );
});
