/** Connects to Kafka: the client, its consumer, and the topics that exist. */
import { randomUUID } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import kafkajs, { type Admin, type ConsumerConfig } from "kafkajs";
import type { KafkaClient, KafkaSourceOptions } from "./kafka-options.ts";
import { warnOfUnencryptedLogin } from "./unencrypted-login.ts";

/**
 * Retries of kafkajs. With them a run finds a restarted broker within seconds. kafkajs's defaults
 * wait for up to half a minute.
 */
const RETRY_OPTIONS = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 6 };

/** The settings of a consumer. Without `groupId` it is alone in a group of its own. */
export function consumerConfig(
  { consumer }: KafkaSourceOptions,
  groupId: string | undefined,
  isClosed: () => boolean,
): ConsumerConfig {
  return {
    // After a restart the broker waits for the session of the former member. In a group of its own
    // a run may keep that session short.
    maxWaitTimeInMs: 100,
    metadataMaxAge: 60_000,
    ...(groupId === undefined ? { sessionTimeout: 10_000 } : {}),
    ...consumer,
    groupId: groupId ?? `tidemark-${randomUUID()}`,
    allowAutoTopicCreation: false,
    retry: {
      ...RETRY_OPTIONS,
      ...consumer?.retry,
      restartOnFailure: async (error) =>
        !isClosed() && (await consumer?.retry?.restartOnFailure?.(error)) !== false,
    },
  };
}

/** The client of the options, or a new one. */
export function kafkaClientOf(
  { client, brokers, ssl, sasl, clientId = "tidemark" }: KafkaSourceOptions,
  name: string,
): KafkaClient {
  if (client !== undefined) return client;
  if (brokers === undefined)
    throw new TidemarkError(
      "KAFKA_WITHOUT_BROKERS",
      `${name}: neither brokers nor a client is given; pass brokers: ["host:9092"]`,
    );
  warnOfUnencryptedLogin(name, { brokers, ssl, sasl });
  return new kafkajs.Kafka({
    brokers: typeof brokers === "function" ? brokers : [...brokers],
    clientId,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: RETRY_OPTIONS,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

/** The names of the requested topics that exist.
 *
 * @throws TOPIC_NOT_FOUND when a named topic does not exist, or no topic matches.
 */
export async function existingTopics(
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
