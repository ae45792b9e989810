import { queryTrino } from "@tidemark/catalog-trino";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import type { PipelineAddresses, Postgres } from "../../src/services/index.ts";

interface Envelope {
  readonly op: string;
  readonly after: Readonly<Record<string, unknown>>;
}

/** Yields the messages of a topic from its beginning. */
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
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(JSON.parse(message.value!.toString()) as Envelope);
    },
  });
  return {
    async until(count: number): Promise<readonly Envelope[]> {
      while (seen.length < count) await sleep(50);
      return seen;
    },
    stop: () => consumer.disconnect(),
  };
}

/** Returns whether the server accepts a connection. */
export function reached({
  host,
  port,
  user,
  password,
  database,
}: Pick<Postgres, "host" | "port" | "user" | "password" | "database">): Promise<boolean> {
  const client = new pg.Client({ host, port, user, password, database });
  // a stopping server reports an error outside any call
  client.on("error", () => undefined);
  return client
    .connect()
    .then(() => client.end())
    .then(
      () => true,
      () => false,
    );
}

/**
 * Makes an empty Delta table of one column in a new bucket, and registers it with Trino. Returns
 * what Trino counts in it.
 */
export async function countedByTrino(
  { minio, trino }: Pick<PipelineAddresses, "minio" | "trino">,
  bucket: string,
): Promise<readonly unknown[]> {
  const client = new S3Client({
    endpoint: minio.endpoint,
    region: minio.region,
    credentials: minio.credentials,
    forcePathStyle: true,
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const schema = {
    type: "struct",
    fields: [{ name: "id", type: "long", nullable: true, metadata: {} }],
  };
  const actions = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: "2c4cc1ca-6d5e-4d4c-8f4b-6c0b3d6d8d51",
        format: { provider: "parquet", options: {} },
        schemaString: JSON.stringify(schema),
        partitionColumns: [],
        configuration: {},
      },
    },
  ];
  await client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: "table/_delta_log/00000000000000000000.json",
      Body: actions.map((action) => `${JSON.stringify(action)}\n`).join(""),
    }),
  );
  client.destroy();
  await queryTrino(trino!, `CREATE SCHEMA IF NOT EXISTS lake.${bucket}`);
  await queryTrino(
    trino!,
    `CALL lake.system.register_table(schema_name => '${bucket}', table_name => 'counted', ` +
      `table_location => 's3://${bucket}/table')`,
  );
  return queryTrino(trino!, `SELECT count(*) FROM lake.${bucket}.counted`);
}
