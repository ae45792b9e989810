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
import { abortOptions, type S3 } from "./client.ts";

/**
 * The bytes of a part. S3 wants at least 5 MiB except for the last part, and takes 10,000 parts.
 */
export const PART_BYTES: number = 8 << 20;
/**
 * The number of parts that are sent at once. With the part being filled, an upload holds four in
 * memory.
 */
const PARALLEL_PARTS = 3;

export interface UploadTarget {
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
  target: UploadTarget,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parts = fullParts(content);
  try {
    const first = (await parts.next()).value!;
    if (first.length < PART_BYTES)
      await s3.send(new PutObjectCommand({ ...target, Body: first }), abortOptions(signal));
    else await uploadParts(s3, target, first, parts, signal);
  } finally {
    await parts.return(undefined); // tell the writer of the content that the rest is not needed
  }
}

async function uploadParts(
  s3: S3,
  target: UploadTarget,
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand(target),
    abortOptions(signal),
  );
  const uploadId = { Bucket: target.Bucket, Key: target.Key, UploadId };
  const stop = new AbortController();
  const abortSignal = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const done: CompletedPart[] = [];
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  const sendPart = async (PartNumber: number, Body: Uint8Array): Promise<void> => {
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...uploadId, PartNumber, Body }),
      { abortSignal },
    );
    done[PartNumber - 1] = { PartNumber, ETag, ChecksumCRC32 };
  };
  const send = async (Body: Uint8Array): Promise<void> => {
    while (running.size >= PARALLEL_PARTS) await Promise.race(running);
    if (failure !== null) throw failure.error;
    signal?.throwIfAborted();
    const PartNumber = done.push({});
    const sending = sendPart(PartNumber, Body)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(sending));
    running.add(sending);
  };

  try {
    await send(first);
    for await (const part of rest) if (part.length > 0) await send(part);
    await Promise.all(running);
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
    await s3.send(
      new CompleteMultipartUploadCommand({ ...uploadId, MultipartUpload: { Parts: done } }),
      abortOptions(signal),
    );
  } catch (error) {
    stop.abort();
    await Promise.all(running);
    // No signal here: the parts must be removed. If the server is unavailable, its own clean-up of
    // uploads removes them.
    await s3.send(new AbortMultipartUploadCommand(uploadId)).catch(() => undefined);
    throw error;
  }
}

/**
 * Turns pieces of any size into full parts and a last part, which may be empty. A piece is copied,
 * because its writer may reuse the memory.
 */
async function* fullParts(
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  if (content instanceof Uint8Array) {
    for (let from = 0; from === 0 || from < content.length; from += PART_BYTES)
      yield content.subarray(from, from + PART_BYTES);
    return undefined;
  }
  let part = new Uint8Array(PART_BYTES);
  let length = 0;
  for await (const piece of content) {
    for (let from = 0; from < piece.length;) {
      const taken = piece.subarray(from, from + PART_BYTES - length);
      part.set(taken, length);
      length += taken.length;
      from += taken.length;
      if (length < PART_BYTES) continue;
      yield part;
      part = new Uint8Array(PART_BYTES);
      length = 0;
    }
  }
  yield part.subarray(0, length);
  return undefined;
}
