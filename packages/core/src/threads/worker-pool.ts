/**
 * Threads that answer tasks. A thread that does not start, or that dies, is no error: whoever asks
 * computes the answer itself.
 */
import type { Worker } from "node:worker_threads";
import { isTidemarkError, TidemarkError } from "../errors.ts";
import { nodeThreads } from "../node-modules.ts";

/** A message to a thread, and the buffers that the thread takes over. */
export interface WorkerTask<T> {
  readonly task: T;
  readonly buffers: readonly ArrayBuffer[];
}

/** What a thread says. */
export type WorkerReply<A> =
  | { readonly answer: A }
  /** The thread lacks what the task needs. */
  | { readonly unable: true }
  | { readonly error: { readonly code: string | null; readonly message: string } };

/** The reply of a thread whose task failed. */
export function errorReply(error: unknown): WorkerReply<never> {
  const { message } = error as Error;
  return { error: { code: isTidemarkError(error) ? error.code : null, message } };
}

/** Threads that run tasks, one task each at a time. */
export interface WorkerPool<T, A> {
  /**
   * Runs a task in a thread that is free, or in a new one. `make` makes the message. null: no
   * thread could answer.
   *
   * @throws whatever the task throws in the thread.
   */
  run(make: () => Promise<WorkerTask<T>>, signal?: AbortSignal): Promise<A | null>;
}

interface Thread<A> {
  readonly worker: Worker;
  settle: ((reply: WorkerReply<A> | null) => void) | null;
}

/**
 * The URL of the module `name`, which is a source in the folder of `from` or above it, or stands
 * beside `from` once both are built.
 */
export function moduleUrl(from: string, folder: "./" | "../", name: string): string {
  const file = from.endsWith(".ts") ? `${folder}${name}.ts` : `./${name}.js`;
  return new URL(file, from).href;
}

/** Starts the worker of a module. */
export function startWorker(module: string): Worker {
  const { Worker: Thread } = nodeThreads();
  return new Thread(new URL(module), { name: "tidemark worker" });
}

/** Threads that are idle for so long end, ms. */
const IDLE = 10_000;

/** Makes a pool that starts a thread when a task finds none that is free. */
export function workerPool<T, A>(start: () => Worker): WorkerPool<T, A> {
  const idle: Thread<A>[] = [];
  const threads = new Set<Thread<A>>();
  let canStart = true;
  let idleTimer: NodeJS.Timeout | undefined;

  function gone(thread: Thread<A>): void {
    threads.delete(thread);
    const at = idle.indexOf(thread);
    if (at >= 0) idle.splice(at, 1);
    thread.settle?.(null);
    thread.settle = null;
  }

  function startThread(): Thread<A> | null {
    try {
      const thread: Thread<A> = { worker: start(), settle: null };
      threads.add(thread);
      thread.worker.unref();
      thread.worker.on("message", (reply: WorkerReply<A>) => {
        thread.settle?.(reply);
        thread.settle = null;
      });
      for (const event of ["error", "messageerror", "exit"])
        thread.worker.on(event, () => {
          // a thread that fails once, such as one whose file a bundle lacks, fails again
          if (event === "error") canStart = false;
          void thread.worker.terminate();
          gone(thread);
        });
      return thread;
    } catch {
      canStart = false;
      return null;
    }
  }

  function release(thread: Thread<A>): void {
    if (!threads.has(thread)) return;
    idle.push(thread);
    clearTimeout(idleTimer);
    idleTimer = setTimeout(() => void endIdle(), IDLE);
    idleTimer.unref();
  }

  async function endIdle(): Promise<void> {
    const ending = idle.splice(0);
    for (const thread of ending) threads.delete(thread);
    await Promise.all(ending.map(({ worker }) => worker.terminate()));
  }

  async function ask(
    thread: Thread<A>,
    { task, buffers }: WorkerTask<T>,
    signal: AbortSignal | undefined,
  ): Promise<WorkerReply<A> | null> {
    const end = (): void => {
      void thread.worker.terminate();
      gone(thread);
    };
    signal?.addEventListener("abort", end);
    thread.worker.ref();
    try {
      return await new Promise((resolve) => {
        thread.settle = resolve;
        try {
          thread.worker.postMessage(task, buffers);
        } catch {
          // what no thread can take, such as a function
          thread.settle = null;
          resolve(null);
        }
      });
    } finally {
      thread.worker.unref();
      signal?.removeEventListener("abort", end);
    }
  }

  return {
    async run(make, signal) {
      const thread = idle.pop() ?? (canStart ? startThread() : null);
      if (thread === null) return null;
      try {
        const reply = await ask(thread, await make(), signal);
        signal?.throwIfAborted();
        if (reply === null || "unable" in reply) return null;
        if ("answer" in reply) return reply.answer;
        const { code, message } = reply.error;
        throw code === null ? new Error(message) : new TidemarkError<string>(code, message);
      } finally {
        release(thread);
      }
    },
  };
}
