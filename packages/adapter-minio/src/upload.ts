/**
 * Uploads content as one object: small content in one request, large content or a stream in parts.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from "@aws-sdk/client-s3";
import { until, type S3 } from "./client.ts";

/**
 * The bytes of a part. S3 wants at least 5 MiB except for the last part, and takes 10,000 parts.
 */
export const PART: number = 8 << 20;
/**
 * The number of parts that are sent at once. With the part being filled, an upload holds four in
 * memory.
 */
const PARALLEL = 3;

export interface Target {
  readonly Bucket: string;
  readonly Key: string;
  readonly Metadata: Record<string, string>;
}

/**
 * Uploads the content. The key appears only when all content is there; a failed upload leaves
 * nothing.
 */
export async function upload(
  s3: S3,
  target: Target,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parts = partsOf(content);
  try {
    const first = (await parts.next()).value!;
    if (first.length < PART)
      await s3.send(new PutObjectCommand({ ...target, Body: first }), until(signal));
    else await uploadParts(s3, target, first, parts, signal);
  } finally {
    await parts.return(undefined); // tell the writer of the content that the rest is not needed
  }
}

async function uploadParts(
  s3: S3,
  target: Target,
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target), until(signal));
  const at = { Bucket: target.Bucket, Key: target.Key, UploadId };
  const stop = new AbortController();
  const abortSignal = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const done: CompletedPart[] = [];
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  const sendPart = async (PartNumber: number, Body: Uint8Array): Promise<void> => {
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...at, PartNumber, Body }),
      { abortSignal },
    );
    done[PartNumber - 1] = { PartNumber, ETag, ChecksumCRC32 };
  };
  const send = async (Body: Uint8Array): Promise<void> => {
    while (running.size >= PARALLEL) await Promise.race(running);
    if (failure !== null) throw failure.error;
    signal?.throwIfAborted();
    const PartNumber = done.push({});
    const one = sendPart(PartNumber, Body)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
  };

  try {
    await send(first);
    for await (const part of rest) if (part.length > 0) await send(part);
    await Promise.all(running);
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
    await s3.send(
      new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts: done } }),
      until(signal),
    );
  } catch (error) {
    stop.abort();
    await Promise.all(running);
    // No signal here: the parts must be removed. If the server is unavailable, its own clean-up of
    // uploads removes them.
    await s3.send(new AbortMultipartUploadCommand(at)).catch(() => undefined);
    throw error;
  }
}

/**
 * Turns pieces of any size into full parts and a last part, which may be empty. A piece is copied,
 * because its writer may reuse the memory.
 */
async function* partsOf(
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  if (content instanceof Uint8Array) {
    for (let from = 0; from === 0 || from < content.length; from += PART)
      yield content.subarray(from, from + PART);
    return undefined;
  }
  let part = new Uint8Array(PART);
  let length = 0;
  for await (const piece of content) {
    for (let from = 0; from < piece.length;) {
      const taken = piece.subarray(from, from + PART - length);
      part.set(taken, length);
      length += taken.length;
      from += taken.length;
      if (length < PART) continue;
      yield part;
      part = new Uint8Array(PART);
      length = 0;
    }
  }
  yield part.subarray(0, length);
  return undefined;
}
