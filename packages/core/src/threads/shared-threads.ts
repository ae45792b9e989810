/**
 * The threads of this process. They do the tasks of any module, so that a process has no more
 * threads than tasks at once, whatever they are.
 */
import {
  moduleUrl,
  startWorker,
  workerPool,
  type WorkerPool,
  type WorkerTask,
} from "./worker-pool.ts";

/** A module that a thread loads to do its tasks. */
export interface TaskModule<T = unknown, A = unknown> {
  answerTask(task: T): Promise<TaskAnswer<A>>;
}

/** An answer, and the buffers that the thread gives away with it. */
export interface TaskAnswer<A> {
  readonly answer: A;
  readonly buffers: readonly ArrayBuffer[];
}

/** What a thread is sent. */
export interface ModuleTask {
  /** The URL of the module. */
  readonly module: string;
  readonly task: unknown;
}

/**
 * Does a task of one module in a thread. `make` makes the task once a thread is free. null: no
 * thread could.
 *
 * @throws whatever the task throws in the thread.
 */
export type RunInThread<T, A> = (
  make: () => Promise<WorkerTask<T>>,
  signal?: AbortSignal,
) => Promise<A | null>;

let shared: WorkerPool<ModuleTask, unknown> | null = null;

function sharedPool(): WorkerPool<ModuleTask, unknown> {
  return (shared ??= workerPool(() =>
    startWorker(moduleUrl(import.meta.url, "../", "task-worker")),
  ));
}

/** Does the tasks of a module, whose URL this is. No thread is started before there is a task. */
export function inThreads<T, A>(
  module: string,
  pool: () => WorkerPool<ModuleTask, unknown> = sharedPool,
): RunInThread<T, A> {
  return async (make, signal) =>
    (await pool().run(async () => {
      const { task, buffers } = await make();
      return { task: { module, task }, buffers };
    }, signal)) as A | null;
}
