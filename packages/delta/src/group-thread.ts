/**
 * Encodes row groups in a worker thread while the caller's thread computes the next rows. If the
 * worker does not start or dies, the caller's thread encodes them.
 */
import { Worker } from "node:worker_threads";
import type { Vector } from "@tidemark/core/spi";
import { encodeGroup, type EncodedGroup, type GroupRows, type Refused } from "./parquet/group.ts";

export interface Task {
  readonly id: number;
  readonly group: GroupRows;
}

export interface Done {
  readonly id: number;
  /** The encoded row group; null if the worker could not encode it. */
  readonly answer: EncodedGroup | Refused | null;
}

export interface GroupThread {
  encode(group: GroupRows): Promise<EncodedGroup | Refused>;
  /** Ends the worker. Row groups that are still being encoded fail. */
  end(): Promise<void>;
}

interface Asked {
  readonly group: GroupRows;
  readonly resolve: (answer: EncodedGroup | Refused | Promise<EncodedGroup | Refused>) => void;
  readonly reject: (error: Error) => void;
}

export function groupThread(start: () => Worker = ownThread): GroupThread {
  const asked = new Map<number, Asked>();
  let ended = false;
  let next = 0;
  let worker: Worker | null = null;
  const isGone = (): void => {
    worker = null;
    for (const { group, resolve } of asked.values()) resolve(encodeGroup(group));
    asked.clear();
  };
  try {
    worker = start();
    worker.on("message", ({ id, answer }: Done) => {
      const one = asked.get(id);
      asked.delete(id);
      one?.resolve(answer ?? encodeGroup(one.group));
    });
    for (const event of ["error", "messageerror", "exit"]) worker.on(event, isGone);
  } catch {
    worker = null; // a bundle may lack the file, and a process may have no threads
  }
  return {
    async encode(group) {
      if (ended) throw new Error("the thread for row groups has ended");
      // bytes values may lie anywhere in the memory of other buffers, so they are not sent
      if (worker === null || group.vectors.some(({ kind }) => kind === "bytes"))
        return await encodeGroup(group);
      const id = next++;
      try {
        worker.postMessage({
          id,
          group: { ...group, vectors: group.vectors.map(compact) },
        } satisfies Task);
      } catch {
        return await encodeGroup(group);
      }
      return await new Promise((resolve, reject) => {
        asked.set(id, { group, resolve, reject });
      });
    },
    async end() {
      const running = worker;
      ended = true;
      worker = null;
      for (const { reject } of asked.values())
        reject(new Error("the thread for row groups has ended"));
      asked.clear();
      await running?.terminate();
    },
  };
}

/**
 * A computation that takes this long (ms) before its first rows usually brings many rows. The
 * worker starts meanwhile.
 */
const LONG = 100;

/** Starts a worker as soon as there is clearly work for it; null if none may start. */
export function lateThread(start: (() => GroupThread) | null): {
  readonly encode: GroupThread["encode"];
  readonly begin: () => void;
  readonly end: () => Promise<void>;
} {
  let thread: GroupThread | null = null;
  const begin = (): void => {
    if (start !== null) thread ??= start();
  };
  const timer = setTimeout(begin, LONG);
  return {
    begin,
    encode: (group) => (thread === null ? encodeGroup(group) : thread.encode(group)),
    async end() {
      clearTimeout(timer);
      await thread?.end();
    },
  };
}

/** Copies a view out of its buffer, because sending a view sends the whole buffer. */
function compact(vector: Vector): Vector {
  const own = <T extends Uint8Array | Int32Array | Float64Array | BigInt64Array>(values: T): T =>
    values.byteLength === values.buffer.byteLength ? values : (values.slice() as T);
  const valid = vector.valid === null ? null : own(vector.valid);
  switch (vector.kind) {
    case "string":
      return { kind: "string", codes: own(vector.codes), dictionary: vector.dictionary, valid };
    case "int64":
      return { ...vector, values: own(vector.values), valid };
    case "int32":
      return { ...vector, values: own(vector.values), valid };
    case "float64":
      return { ...vector, values: own(vector.values), valid };
    case "boolean":
      return { ...vector, values: own(vector.values), valid };
    case "big":
    case "bytes":
      return { ...vector, valid };
  }
}

/** Starts the worker whose file lies beside this file, built or not. */
export function ownThread(): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  return new Worker(
    new URL(isSource ? "./group-worker.ts" : "./group-worker.js", import.meta.url),
    { name: "tidemark row groups" },
  );
}
