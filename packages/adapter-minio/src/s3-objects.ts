import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { TidemarkError } from "@tidemark/core";
import { withoutUserInfo } from "@tidemark/core/internal";
import type { ObjectStore } from "@tidemark/delta";
import { s3ClientOf, abortOptions, type S3ObjectsOptions } from "./client.ts";
import { isAmbiguous, nameOf, objectError, statusOf } from "./errors.ts";
import { upload } from "./upload.ts";

/** The folder of the store's own objects, which no listing shows. */
const RESERVED_FOLDER = ".tidemark";
/**
 * The object that the probe creates. It stays, so the next process learns from one request that the
 * server is safe.
 */
const PROBE_KEY = `${RESERVED_FOLDER}/conditional-create`;
/** The metadata of an object that names the call that wrote it. */
const WRITE_ID = "tidemark-write";
/** The number of keys in one delete request, which is S3's limit. */
const KEYS_PER_DELETE = 1000;
/** The attempts of a create that met a concurrent create, or of a read whose answer broke off. */
const MAX_TRIES = 5;

/**
 * Stores objects in a bucket of MinIO, S3, or another server that honours `If-None-Match: *`.
 *
 * Before the first write the store probes whether the server honours the header. Without it two
 * writers could overwrite each other's commits, so the server is refused. A process that only reads
 * makes no probe and needs no right to write.
 *
 * @throws OBJECTS_CREATE_UNSAFE when the server, or a proxy on the way, ignores `If-None-Match: *`.
 * @throws OBJECTS_UNREACHABLE when the server did not answer in seven attempts.
 * @throws OBJECTS_DENIED when the server refuses the key, its secret, or the operation.
 * @throws OBJECTS_BUCKET_MISSING when the bucket does not exist.
 * @throws OBJECTS_WRONG_REGION when the bucket is in another region, or the region is unknown.
 * @throws OBJECTS_FULL when no space is left.
 * @throws OBJECTS_BAD_KEY when a path cannot be an object's key.
 * @throws OBJECTS_FAILED when the server refuses in another way.
 * @example
 * const objects = s3Objects({
 *   bucket: "bank",
 *   endpoint: "http://127.0.0.1:9000",
 *   credentials: { accessKeyId: "…", secretAccessKey: "…" },
 * });
 * const offline = deltaOfflineStore(objects);
 */
export function s3Objects(options: S3ObjectsOptions): ObjectStore {
  const { bucket: Bucket, endpoint } = options;
  const s3 = s3ClientOf(options);
  const folder = (options.prefix ?? "").replace(/^\/+|\/+$/g, "");
  const root = folder === "" ? "" : `${folder}/`;
  const atEndpoint = endpoint === undefined ? "" : ` at ${withoutUserInfo(endpoint)}`;
  const name = `s3://${Bucket}${folder === "" ? "" : `/${folder}`}${atEndpoint}`;
  let proven = false;

  const guard = async <T>(
    key: string,
    signal: AbortSignal | undefined,
    action: () => Promise<T>,
  ): Promise<T> => {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      signal?.throwIfAborted(); // throw the caller's reason, not the SDK's error
      throw objectError(name, key, error);
    }
  };

  /**
   * Returns the call that wrote the object; "" if the object is not Tidemark's; null if it does not
   * exist.
   */
  const writerOf = async (Key: string, signal: AbortSignal | undefined): Promise<string | null> => {
    try {
      return (
        (await s3.send(new HeadObjectCommand({ Bucket, Key }), abortOptions(signal))).Metadata?.[
          WRITE_ID
        ] ?? ""
      );
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };

  /**
   * Creates an object that carries the name of this call. A request that was sent twice may be
   * refused because of its own success, and a broken one may have succeeded. In both cases the name
   * in the stored object tells which call wrote it.
   */
  const create = async (
    Key: string,
    Body: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<boolean> => {
    const id = randomUUID();
    for (let attempt = 1; ; attempt++) {
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket,
            Key,
            Body,
            IfNoneMatch: "*",
            Metadata: { [WRITE_ID]: id },
          }),
          abortOptions(signal),
        );
        return true;
      } catch (error) {
        if (statusOf(error) === 412) return (await writerOf(Key, signal)) === id;
        if (statusOf(error) === 409 && attempt < MAX_TRIES) {
          // another create or delete of this key is running
          await sleep(Math.random() * 2 ** attempt * 20, undefined, { signal });
          continue;
        }
        const writer = isAmbiguous(error) ? await writerOf(Key, signal).catch(() => null) : null;
        if (writer === null) throw error;
        return writer === id;
      }
    }
  };

  const probe = async (signal: AbortSignal | undefined): Promise<void> => {
    if (proven) return;
    const unsafe = (how: string, cause?: unknown): TidemarkError =>
      new TidemarkError(
        "OBJECTS_CREATE_UNSAFE",
        `${name}: the server ${how} "If-None-Match: *", ` +
          "so two writers could overwrite each other's commits; use one that keeps it (MinIO, " +
          "AWS S3), and see that no proxy on the way drops the header",
        { cause },
      );
    try {
      const content = new TextEncoder().encode(
        "A server that lets this object be created a second time is no place for a table.\n",
      );
      if (
        (await create(root + PROBE_KEY, content, signal)) &&
        (await create(root + PROBE_KEY, content, signal))
      )
        throw unsafe("ignores");
    } catch (error) {
      throw statusOf(error) === 501 || nameOf(error) === "NotImplemented"
        ? unsafe("does not know", error)
        : error;
    }
    proven = true;
  };

  const read = async (
    Key: string,
    Range: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer> | null> => {
    for (let attempt = 1; ; attempt++) {
      const { Body } = await s3.send(
        new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }),
        abortOptions(signal),
      );
      try {
        const bytes = await Body!.transformToByteArray();
        return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
      } catch (error) {
        // the client retries a request, but not an answer that broke off
        if (attempt === MAX_TRIES || signal?.aborted === true) throw error;
      }
    }
  };

  const sizeOf = async (Key: string, signal: AbortSignal | undefined): Promise<number | null> => {
    try {
      return (
        (await s3.send(new HeadObjectCommand({ Bucket, Key }), abortOptions(signal)))
          .ContentLength ?? 0
      );
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };

  return {
    name,
    size: (key, { signal } = {}) =>
      guard(key, signal, () => sizeOf(bucketKeyOf(root, name, key), signal)),
    read: (key, range, { signal } = {}) =>
      guard(key, signal, async () => {
        const path = bucketKeyOf(root, name, key);
        if (range !== undefined && range.to <= range.from)
          return (await sizeOf(path, signal)) === null ? null : new Uint8Array();
        try {
          return await read(
            path,
            range === undefined ? undefined : `bytes=${range.from}-${range.to - 1}`,
            signal,
          );
        } catch (error) {
          if (nameOf(error) === "NoSuchKey") return null;
          if (statusOf(error) === 416) return new Uint8Array(); // the object ends before the range
          throw error;
        }
      }),
    put: (key, content, { signal } = {}) =>
      guard(key, signal, async () => {
        const target = {
          Bucket,
          Key: bucketKeyOf(root, name, key),
          Metadata: { [WRITE_ID]: randomUUID() },
        };
        await probe(signal);
        try {
          await upload(s3, target, content, signal);
        } catch (error) {
          // If the end of a multipart upload is sent twice, the second answer is that the upload
          // does not exist.
          if (
            nameOf(error) !== "NoSuchUpload" ||
            (await writerOf(target.Key, signal)) !== target.Metadata[WRITE_ID]
          )
            throw error;
        }
      }),
    createIfAbsent: (key, content, { signal } = {}) =>
      guard(key, signal, async () => {
        const path = bucketKeyOf(root, name, key);
        await probe(signal);
        return create(path, content, signal);
      }),
    async *list(prefix, { signal, after } = {}) {
      let ContinuationToken: string | undefined;
      do {
        const page = await guard(prefix, signal, () =>
          s3.send(
            new ListObjectsV2Command({
              Bucket,
              Prefix: root + prefix,
              EncodingType: "url", // XML cannot hold every key
              ...(ContinuationToken === undefined
                ? after === undefined
                  ? {}
                  : { StartAfter: root + after }
                : { ContinuationToken }),
            }),
            abortOptions(signal),
          ),
        );
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          const key = decodeURIComponent(Key!.replaceAll("+", " ")).slice(root.length);
          if (!key.startsWith(`${RESERVED_FOLDER}/`))
            yield { key, size: Size ?? 0, modified: LastModified?.getTime() ?? 0 };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    delete: (key, { signal } = {}) =>
      guard(key, signal, async () => {
        await s3.send(
          new DeleteObjectCommand({ Bucket, Key: bucketKeyOf(root, name, key) }),
          abortOptions(signal),
        );
      }),
    async deleteAll(keys, { signal } = {}) {
      const paths = keys.map((key) => bucketKeyOf(root, name, key));
      for (let from = 0; from < paths.length; from += KEYS_PER_DELETE) {
        const Objects = paths.slice(from, from + KEYS_PER_DELETE).map((Key) => ({ Key }));
        const { Errors = [] } = await guard(keys[from]!, signal, () =>
          s3.send(
            new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
            abortOptions(signal),
          ),
        );
        const [first] = Errors;
        if (first !== undefined) {
          throw objectError(
            name,
            first.Key?.slice(root.length) ?? "",
            Object.assign(new Error(first.Message ?? "one of many deletes failed"), {
              name: first.Code ?? "Error",
              $metadata: {},
            }),
          );
        }
      }
    },
  };
}

/**
 * Turns a key into a key of the bucket. A segment is never `.` or `..`, which servers and tools
 * would resolve.
 */
function bucketKeyOf(root: string, name: string, key: string): string {
  const segments = key.split("/");
  if (
    segments[0] === RESERVED_FOLDER ||
    segments.some(
      (segment) => segment === "" || segment === "." || segment === ".." || /[\0\\]/.test(segment),
    )
  ) {
    throw new TidemarkError(
      "OBJECTS_BAD_KEY",
      `${name}: ${JSON.stringify(key)} is no key; use names joined by "/", without empty, "." ` +
        `and ".." segments`,
    );
  }
  return root + key;
}
