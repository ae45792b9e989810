import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import type { Postgres } from "../src/index.ts";

interface Envelope {
  readonly op: string;
  readonly after: Readonly<Record<string, unknown>>;
}

/** The messages of a topic from its beginning, as they come. */
export async function messages(brokers: readonly string[], topic: string) {
  const client = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  while (!(await admin.listTopics()).includes(topic)) await sleep(200);
  await admin.disconnect();
  const consumer = client.consumer({ groupId: `test-${Math.random()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const seen: Envelope[] = [];
  await consumer.run({ eachMessage: async ({ message }) => { seen.push(JSON.parse(message.value!.toString()) as Envelope); } });
  return {
    async until(count: number): Promise<readonly Envelope[]> {
      while (seen.length < count) await sleep(50);
      return seen;
    },
    stop: () => consumer.disconnect(),
  };
}

/** Whether the server lets us in. */
export function reached({ host, port, user, password, database }: Pick<Postgres, "host" | "port" | "user" | "password" | "database">): Promise<boolean> {
  const client = new pg.Client({ host, port, user, password, database });
  // a server that goes down says so outside any call
  client.on("error", () => undefined);
  return client.connect().then(() => client.end()).then(() => true, () => false);
}
