/** Encodes row groups in threads, while the caller's thread computes the next rows. */
import { buffersOfVector, ownVector } from "@tidemark/core/internal/columns";
import { inThreads, moduleUrl, threadsOfCores, type RunInThread } from "@tidemark/core/internal";
import type { Vector } from "@tidemark/core/spi";
import {
  encodeGroup,
  type EncodedGroup,
  type EncodingRefusal,
  type RowGroupRows,
} from "./row-group.ts";

/** A smaller row group is encoded before a thread has started. */
const LEAST_ROWS_FOR_THREADS = 16_384;

type Encoded = EncodedGroup | EncodingRefusal;

/** Returns what encodes a row group in a thread, or in this one if no thread can. */
export function encodeThreads(
  run: RunInThread<RowGroupRows, Encoded> = inThreads(
    moduleUrl(import.meta.url, "../", "encode-task"),
  ),
  leastRows: number = LEAST_ROWS_FOR_THREADS,
): (group: RowGroupRows) => Promise<Encoded> {
  return async (group) => {
    // bytes values may lie anywhere in the memory of other buffers, so they are not sent
    if (group.rows < leastRows || group.vectors.some(holdsBytes)) return await encodeGroup(group);
    const answer = await run(async () => {
      const vectors = group.vectors.map((vector) => ownVector(vector, group.rows));
      return { task: { ...group, vectors }, buffers: vectors.flatMap(buffersOfVector) };
    });
    return answer ?? (await encodeGroup(group));
  };
}

/** What encodes row groups in threads; undefined: this process has one core. */
export function encodeOnOtherCores(): ReturnType<typeof encodeThreads> | undefined {
  return threadsOfCores() === 0 ? undefined : encodeThreads();
}

function holdsBytes(vector: Vector): boolean {
  switch (vector.kind) {
    case "list":
      return holdsBytes(vector.elements);
    case "map":
      return holdsBytes(vector.keys) || holdsBytes(vector.values);
    case "struct":
      return vector.fields.some(holdsBytes);
    default:
      return vector.kind === "bytes";
  }
}
