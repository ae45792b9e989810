/**
 * The configuration of the bank for the command line: `npm run tidemark -- plan --config
 * packages/demo-pipeline/tidemark.config.ts`.
 *
 * The variables are those of docker/.env.example, so `docker compose up` and this file agree.
 * Inside compose the hosts have other names: POSTGRES_HOST, KAFKA_BROKERS, MINIO_ENDPOINT.
 * BANK_LAKE names a directory for the history, in place of MinIO. BANK_SPARK has the options of
 * `sparkEngine()` as JSON, and BANK_STAGING the directory that Spark shares with this machine.
 */
import { CreateBucketCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { s3Objects } from "@tidemark/adapter-minio";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig, env } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { sparkEngine, type SparkEngineOptions } from "@tidemark/engine-spark";
import { kafkaChanges } from "@tidemark/source-debezium";
import * as features from "./src/features.ts";
import { createBank, writeCustomers, writeDay, type BankConfig } from "./src/postgres-bank.ts";
import { waitForReplication } from "./src/wait-for-replication.ts";

/** Reads a variable. An empty variable counts as unset, as in the compose file. */
const variable = (name: string, otherwise: string): string => process.env[name] || otherwise;

const BANK: BankConfig = {
  seed: Number(variable("BANK_SEED", "66")),
  users: Number(variable("BANK_USERS", "300")),
  transactionsPerDay: Number(variable("BANK_TRANSACTIONS_PER_DAY", "2000")),
  invalidEvery: 6_000,
};
const connector = variable("BANK_CONNECTOR", "bank");
const topics = ["public.transaction_data", "public.customer_data"].map(
  (table) => `${connector}.${table}`,
);
const lake = process.env["BANK_LAKE"];

/** Makes the bucket, which no other program makes. */
async function makeBucket(minio: S3ClientConfig, bucket: string): Promise<void> {
  const client = new S3Client({ ...minio, forcePathStyle: true });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if ((error as Error).name !== "BucketAlreadyOwnedByYou") throw error;
  } finally {
    client.destroy();
  }
}

export default defineConfig({
  definitions: features,
  namespace: "bank",
  zone: "Asia/Ho_Chi_Minh",
  secrets: { postgres: env("POSTGRES_PASSWORD"), minio: env("MINIO_ROOT_PASSWORD") },
  online: () => sqliteOnlineStore(variable("BANK_ONLINE", "online.db")),
  async offline({ secrets }) {
    if (lake) return deltaOfflineStore(localObjects(lake));
    const bucket = variable("BANK_BUCKET", "bank");
    const minio = {
      endpoint: variable("MINIO_ENDPOINT", `http://127.0.0.1:${variable("MINIO_PORT", "9000")}`),
      region: "us-east-1",
      credentials: {
        accessKeyId: variable("MINIO_ROOT_USER", "lake"),
        secretAccessKey: secrets.minio,
      },
    };
    await makeBucket(minio, bucket);
    return deltaOfflineStore(s3Objects({ bucket, prefix: "lake", ...minio }));
  },
  changes: {
    bank: ({ until }) =>
      kafkaChanges({
        brokers: variable("KAFKA_BROKERS", `127.0.0.1:${variable("KAFKA_PORT", "9092")}`).split(
          ",",
        ),
        topics,
        until,
      }),
  },
  engines: {
    spark: sparkEngine({
      lake: lake || `s3a://${variable("BANK_BUCKET", "bank")}/lake`,
      staging: variable("BANK_STAGING", "staging"),
      ...(JSON.parse(variable("BANK_SPARK", "{}")) as Partial<SparkEngineOptions>),
    }),
  },
  load: {
    /**
     * The generator. A day and the note that it is done are written in one transaction, so a
     * repeated call finds the note. A day is done when Kafka has it too.
     */
    bank: {
      database: ({ secrets }) => ({
        host: variable("POSTGRES_HOST", "127.0.0.1"),
        port: Number(variable("POSTGRES_PORT", "5432")),
        database: variable("POSTGRES_DB", "bank"),
        user: variable("POSTGRES_USER", "bank"),
        password: secrets.postgres,
      }),
      async run({ pool, date, signal }) {
        await createBank(pool);
        await writeCustomers(pool, BANK);
        const done = await writeDay(pool, BANK, date);
        await waitForReplication(pool, connector, { signal });
        return { ...done };
      },
    },
  },
});
