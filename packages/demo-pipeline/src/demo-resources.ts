/**
 * Makes the resources of the real demo: a database, a bucket and names of its own, all called
 * tidemark-demo. The demo may therefore run again on the same services. Leftovers of an earlier
 * demo are removed at the start. The connector and its topics get new names each time, because
 * Kafka Connect remembers the offsets of a name.
 */
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { s3Objects } from "@tidemark/adapter-minio";
import type { ObjectStore } from "@tidemark/delta";
import type { PipelineAddresses } from "@tidemark/testkit/services";
import { deleteConnector, registerConnector } from "@tidemark/source-debezium";
import kafkajs from "kafkajs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { unregisterDemo } from "./trino-check.ts";

const NAME = "tidemark-demo";
const DATABASE = "tidemark_demo";
const SLOTS = "tidemark\\_tidemark\\_demo\\_%";
const TABLES = ["public.transaction_data", "public.customer_data"];

export interface DemoResources {
  readonly database: pg.Pool;
  /** The name of the connector, and the prefix of its topics. */
  readonly name: string;
  readonly topics: readonly string[];
  readonly lake: ObjectStore;
  /** The address of the lake: `s3://bucket/prefix`. */
  readonly location: string;
  /** Makes the connector, and waits until it runs. */
  connect(signal: AbortSignal | undefined): Promise<void>;
  /**
   * Removes the connector and its slot, which would hold back the database's log. Tables, topics
   * and lake stay.
   */
  removeConnector(): Promise<void>;
  close(): Promise<void>;
}

export async function createDemoResources(
  addresses: PipelineAddresses,
  signal: AbortSignal | undefined,
): Promise<DemoResources> {
  const { postgres, connect, minio, trino, inside } = addresses;
  const { host, port, user, password } = postgres;
  const admin = new pg.Pool({ host, port, user, password, database: postgres.database, max: 1 });
  const pools = [admin];
  // stopping services report an error to idle connections too
  admin.on("error", () => undefined);
  const name = `${NAME}-${new Date().toISOString().slice(0, 19).replace(/\D/g, "")}`;
  const client = { endpoint: minio.endpoint, region: minio.region, credentials: minio.credentials };
  const close = async (): Promise<void> => {
    for (const pool of pools) await pool.end();
  };
  try {
    await removeConnectors(connect.url);
    await removeSlots(admin);
    signal?.throwIfAborted();
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${DATABASE}`);
    await removeTopics(addresses.kafka.brokers);
    // unregister the tables while their files exist
    if (trino !== undefined) await unregisterDemo(trino.url, signal);
    await emptyBucket(client, signal);
    const database = new pg.Pool({ host, port, user, password, database: DATABASE, max: 4 });
    pools.push(database);
    database.on("error", () => undefined);
    return {
      database,
      name,
      topics: TABLES.map((table) => `${name}.${table}`),
      lake: s3Objects({ bucket: NAME, prefix: name, ...client }),
      location: `s3://${NAME}/${name}`,
      async connect(until) {
        await registerConnector({
          url: connect.url,
          name,
          database: { ...inside.postgres, user, password, name: DATABASE },
          tables: TABLES,
          signal: until,
        });
      },
      async removeConnector() {
        await removeConnectors(connect.url);
        await removeSlots(admin);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function removeConnectors(url: string): Promise<void> {
  const response = await fetch(`${url}/connectors`);
  for (const name of (await response.json()) as string[])
    if (name.startsWith(`${NAME}-`)) await deleteConnector({ url, name });
}

/** Removes the slots. A slot is still in use for a moment after its connector was removed. */
async function removeSlots(admin: pg.Pool): Promise<void> {
  for (let waited = 0; ; waited++) {
    await admin.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name " +
        "LIKE $1 AND NOT active",
      [SLOTS],
    );
    const { rows } = await admin.query<{ slot_name: string }>(
      "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE $1",
      [SLOTS],
    );
    if (rows.length === 0) return;
    if (waited === 300)
      throw new Error(
        `demo: somebody still reads the replication slot ${rows[0]!.slot_name}, ` +
          "which a demo before made; end that, then start again",
      );
    await sleep(100);
  }
}

async function removeTopics(brokers: readonly string[]): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter(
      (topic) => topic.startsWith(`${NAME}-`) || topic.startsWith(`__debezium-heartbeat.${NAME}-`),
    );
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
}

async function emptyBucket(
  { endpoint, region, credentials }: PipelineAddresses["minio"],
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { endpoint, region, credentials };
  const client = new S3Client({ ...options, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: NAME })).catch((error: Error) => {
    if (error.name !== "BucketAlreadyOwnedByYou") throw error;
  });
  client.destroy();
  const bucket = s3Objects({ bucket: NAME, ...options });
  const keys: string[] = [];
  for await (const { key } of bucket.list("", { signal })) keys.push(key);
  await bucket.deleteAll!(keys, { signal });
}
