/** Starts one MinIO for a test file, and makes a bucket for each test. */
import { randomUUID } from "node:crypto";
import type { ObjectStore } from "@tidemark/delta";
import { type Minio, startMinio } from "@tidemark/testkit/services/minio";
import { afterAll, beforeAll, onTestFailed } from "vitest";
import { type S3ObjectsOptions, s3Objects } from "../src/index.ts";

export interface Buckets {
  readonly minio: Minio;
  /** Makes a bucket and returns its name. */
  make(): Promise<string>;
  /** The options of `s3Objects` for a bucket. */
  options(bucket: string): S3ObjectsOptions;
  objects(bucket: string, more?: Partial<S3ObjectsOptions>): ObjectStore;
}

/** Declares the start and the stop of a MinIO around the tests of this suite. */
export function minioBuckets(): Buckets {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio();
  });
  afterAll(async () => {
    await minio?.stop();
  });
  const options = (bucket: string): S3ObjectsOptions => ({
    bucket,
    endpoint: minio.endpoint,
    credentials: minio.credentials,
  });
  return {
    get minio() {
      return minio;
    },
    async make() {
      onTestFailed(() => {
        console.error(`minio printed last:\n${minio.log()}`);
      });
      const bucket = `b-${randomUUID()}`;
      await minio.createBucket(bucket);
      return bucket;
    },
    options,
    objects: (bucket, more) => s3Objects({ ...options(bucket), ...more }),
  };
}

export async function keysOf(objects: ObjectStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}
