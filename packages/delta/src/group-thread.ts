/**
 * Row groups encoded in a thread of its own, while the caller's computes the next rows; where there
 * is no such thread, or it dies, in the caller's.
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
  /** null: it could not be done there. */
  readonly answer: EncodedGroup | Refused | null;
}

export interface GroupThread {
  encode(group: GroupRows): Promise<EncodedGroup | Refused>;
  /** Afterwards there is no thread. What was asked of it and is not done fails. */
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
    worker = null; // a bundle without the file, a process that may have no threads
  }
  return {
    async encode(group) {
      if (ended) throw new Error("the thread for row groups has ended");
      // values that lie anywhere in the memory of others are not for sending
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
 * Who computes for so long (ms) before the first rows come brings many of them: the thread starts
 * meanwhile.
 */
const LONG = 100;

/** A thread that starts when it is clear that there is work for it; null: none does. */
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

/** A view is sent with all of the memory behind it. */
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

/** Beside this file, built or not. */
export function ownThread(): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  return new Worker(
    new URL(isSource ? "./group-worker.ts" : "./group-worker.js", import.meta.url),
    { name: "tidemark row groups" },
  );
}
