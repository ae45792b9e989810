/**
 * Encodes row groups in a worker thread while the caller's thread computes the next rows. If the
 * worker does not start or dies, the caller's thread encodes them.
 */
import type { Worker } from "node:worker_threads";
import { startWorker } from "@tidemark/core/internal";
import type { Vector } from "@tidemark/core/spi";
import {
  encodeGroup,
  type EncodedGroup,
  type RowGroupRows,
  type EncodingRefusal,
} from "./parquet/row-group.ts";

export interface EncodeTask {
  readonly id: number;
  readonly group: RowGroupRows;
}

export interface EncodeResult {
  readonly id: number;
  /** The encoded row group; null if the worker could not encode it. */
  readonly answer: EncodedGroup | EncodingRefusal | null;
}

export interface RowGroupWorker {
  encode(group: RowGroupRows): Promise<EncodedGroup | EncodingRefusal>;
  /** Ends the worker. Row groups that are still being encoded fail. */
  end(): Promise<void>;
}

interface PendingTask {
  readonly group: RowGroupRows;
  readonly resolve: (
    answer: EncodedGroup | EncodingRefusal | Promise<EncodedGroup | EncodingRefusal>,
  ) => void;
  readonly reject: (error: Error) => void;
}

export function rowGroupWorker(start: () => Worker = startWorkerThread): RowGroupWorker {
  const pending = new Map<number, PendingTask>();
  let ended = false;
  let next = 0;
  let worker: Worker | null = null;
  const onWorkerGone = (): void => {
    worker = null;
    for (const { group, resolve } of pending.values()) resolve(encodeGroup(group));
    pending.clear();
  };
  try {
    worker = start();
    worker.on("message", ({ id, answer }: EncodeResult) => {
      const task = pending.get(id);
      pending.delete(id);
      task?.resolve(answer ?? encodeGroup(task.group));
    });
    for (const event of ["error", "messageerror", "exit"]) worker.on(event, onWorkerGone);
  } catch {
    worker = null; // a bundle may lack the file, and a process may have no threads
  }
  return {
    async encode(group) {
      if (ended) throw new Error("the row group worker has ended");
      // bytes values may lie anywhere in the memory of other buffers, so they are not sent
      if (worker === null || group.vectors.some(holdsBytes)) return await encodeGroup(group);
      const id = next++;
      try {
        worker.postMessage({
          id,
          group: { ...group, vectors: group.vectors.map(copyOutOfBuffer) },
        } satisfies EncodeTask);
      } catch {
        return await encodeGroup(group);
      }
      return await new Promise((resolve, reject) => {
        pending.set(id, { group, resolve, reject });
      });
    },
    async end() {
      const running = worker;
      ended = true;
      worker = null;
      for (const { reject } of pending.values())
        reject(new Error("the row group worker has ended"));
      pending.clear();
      await running?.terminate();
    },
  };
}

/**
 * A computation that takes this long (ms) before its first rows usually brings many rows. The
 * worker starts meanwhile.
 */
const WORKER_START_DELAY = 100;

/** Starts a worker as soon as there is clearly work for it; null if none may start. */
export function lazyRowGroupWorker(start: (() => RowGroupWorker) | null): {
  readonly encode: RowGroupWorker["encode"];
  readonly begin: () => void;
  readonly end: () => Promise<void>;
} {
  let worker: RowGroupWorker | null = null;
  const begin = (): void => {
    if (start !== null) worker ??= start();
  };
  const timer = setTimeout(begin, WORKER_START_DELAY);
  return {
    begin,
    encode: (group) => (worker === null ? encodeGroup(group) : worker.encode(group)),
    async end() {
      clearTimeout(timer);
      await worker?.end();
    },
  };
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

/** Copies a view out of its buffer, because sending a view sends the whole buffer. */
function copyOutOfBuffer(vector: Vector): Vector {
  const own = <T extends Uint8Array | Int32Array | Float64Array | BigInt64Array>(values: T): T =>
    values.byteLength === values.buffer.byteLength ? values : (values.slice() as T);
  const valid = vector.valid === null ? null : own(vector.valid);
  switch (vector.kind) {
    case "string":
      return { ...vector, codes: own(vector.codes), valid };
    case "big":
    case "bytes":
      return { ...vector, valid };
    case "list": {
      const { offsets, elements } = vector;
      return { ...vector, offsets: own(offsets), elements: copyOutOfBuffer(elements), valid };
    }
    case "map": {
      const [keys, values] = [copyOutOfBuffer(vector.keys), copyOutOfBuffer(vector.values)];
      return { ...vector, offsets: own(vector.offsets), keys, values, valid };
    }
    case "struct":
      return { ...vector, fields: vector.fields.map(copyOutOfBuffer), valid };
    default:
      return { ...vector, values: own(vector.values), valid } as Vector;
  }
}

/** Starts the worker of this file. */
export function startWorkerThread(): Worker {
  return startWorker(import.meta.url, "./", "encode-worker");
}
