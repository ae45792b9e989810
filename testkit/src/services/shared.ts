/**
 * The services of a test run, which test files share. Each file gets a bucket, a database or topics
 * of its own. A file that kills a service, or needs other settings, starts its own.
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import type { Connect } from "./connect.ts";
import { type KafkaTopics, kafkaTopicsAt } from "./kafka-topics.ts";
import type { Kafka } from "./kafka.ts";
import { createBucket, type Minio } from "./minio.ts";
import type { PipelineAddresses } from "./pipeline.ts";
import type { Postgres } from "./postgres.ts";
import type { Trino } from "./trino.ts";

declare module "vitest" {
  interface ProvidedContext {
    serviceBroker: string;
  }
}

/** The addresses of the services of a run. */
export interface SharedServices {
  readonly postgres: Pick<Postgres, "host" | "port" | "user" | "password" | "database" | "url">;
  readonly kafka: Pick<Kafka, "brokers">;
  readonly connect: Pick<Connect, "url">;
  readonly minio: Pick<Minio, "endpoint" | "region" | "credentials">;
  readonly trino: Pick<Trino, "url">;
}

/** The names of the services. */
export type SharedName = keyof SharedServices;

/** Returns the addresses of a service, once it is ready. */
export async function sharedService<Name extends SharedName>(
  name: Name,
): Promise<SharedServices[Name]> {
  const response = await fetch(`${inject("serviceBroker")}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${name} is not ready for the tests: ${text}`);
  return JSON.parse(text) as SharedServices[Name];
}

/** A MinIO, and a bucket for one test file. */
export type OwnBucket = SharedServices["minio"] & { readonly bucket: string };

/** Makes a bucket in the MinIO of the run. */
export async function ownBucket(): Promise<OwnBucket> {
  const { endpoint, region, credentials } = await sharedService("minio");
  const bucket = `b-${randomUUID()}`;
  await createBucket({ endpoint, region, credentials }, bucket);
  return { endpoint, region, credentials, bucket };
}

/** Makes a database in the PostgreSQL of the run. */
export async function ownDatabase(): Promise<SharedServices["postgres"]> {
  const server = await sharedService("postgres");
  const database = `d_${randomUUID().replaceAll("-", "")}`;
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`create database ${database}`);
  await client.end();
  return { ...server, database, url: server.url.replace(/[^/]*$/, database) };
}

/** Connects to the Kafka of the run. A topic that another file made is refused. */
export async function ownTopics(): Promise<KafkaTopics> {
  return kafkaTopicsAt((await sharedService("kafka")).brokers);
}

/** Returns the addresses of all services of the run, Trino too. They are processes. */
export async function sharedPipeline(): Promise<PipelineAddresses> {
  const [postgres, kafka, connect, minio, trino] = await Promise.all([
    sharedService("postgres"),
    sharedService("kafka"),
    sharedService("connect"),
    sharedService("minio"),
    sharedService("trino"),
  ]);
  return { postgres, kafka, connect, minio, trino, inside: { postgres, minio } };
}
