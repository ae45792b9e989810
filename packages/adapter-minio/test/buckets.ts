/** Makes a bucket for each test, in the MinIO of the run or in one of the file's own. */
import { randomUUID } from "node:crypto";
import type { ObjectStore } from "@tidemark/delta";
import { createBucket } from "@tidemark/testkit/services/minio";
import { type SharedServices, sharedService } from "@tidemark/testkit/services/shared";
import { beforeAll } from "vitest";
import { type S3ObjectsOptions, s3Objects } from "../src/index.ts";

type Addresses = SharedServices["minio"];

export interface Buckets<Minio extends Addresses = Addresses> {
  readonly minio: Minio;
  /** Makes a bucket and returns its name. */
  make(): Promise<string>;
  /** The options of `s3Objects` for a bucket. */
  options(bucket: string): S3ObjectsOptions;
  objects(bucket: string, more?: Partial<S3ObjectsOptions>): ObjectStore;
}

/** Asks for a MinIO before the tests of this suite. Default: the one of the run. */
export function minioBuckets(): Buckets;
export function minioBuckets<Minio extends Addresses>(start: () => Promise<Minio>): Buckets<Minio>;
export function minioBuckets(
  start: () => Promise<Addresses> = () => sharedService("minio"),
): Buckets {
  let minio: Addresses;
  beforeAll(async () => {
    minio = await start();
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
      const bucket = `b-${randomUUID()}`;
      await createBucket(minio, bucket);
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
