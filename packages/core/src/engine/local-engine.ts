/**
 * The compute engine of this machine. It collects the events of a task, cuts them into splits, and
 * computes the splits in threads, or in the calling thread if there are few events.
 */
import type { DeriveNode } from "../plan/nodes.ts";
import { nodeOs } from "../node-modules.ts";
import { DEFAULT_MEMORY_LIMIT } from "../memory-limit.ts";
import type { ComputeEngine, EngineHost } from "../spi.ts";
import { reachOfPlan } from "../window/window-edges.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { answersByRow } from "./answers-by-row.ts";
import { CollectedEvents, type CollectedSplit } from "./collected-events.ts";
import { computeSplit, type Split, type SplitAnswers } from "./compute-split.ts";
import { orderRows, type OrderedRows } from "./entity-row-order.ts";
import { splitTask, splitThreads } from "./split-threads.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** How the engine computes. */
export interface LocalEngineOptions {
  /** Gets the number of sums outside their type, if there are any (law 3: they are counted). */
  readonly onOverflow?: ((count: number) => void) | undefined;
  readonly onTruncated?: ((count: number) => void) | undefined;
  /** The number of threads; 0: the calling thread computes. Default: one for each core. */
  readonly workers?: number | undefined;
  /** So many events and entity rows make a split. A smaller task needs no thread. */
  readonly rowsPerSplit?: number | undefined;
}

/** Fewer rows are computed before a thread has started. */
const LEAST_ROWS_FOR_THREADS = 500_000;
/** A split in the calling thread is sorted at once, so it is small. */
const ROWS_PER_SPLIT = 200_000;
/** Each thread has so many splits, so that all end at about the same time. */
const SPLITS_PER_THREAD = 4;
/** A larger split takes more memory and no less time. */
const MOST_ROWS_PER_SPLIT = 1_000_000;

/** An engine whose threads can be ended. Threads that are idle end by themselves. */
export interface LocalEngine extends ComputeEngine {
  close(): Promise<void>;
}

/** Makes the exact engine of this machine. */
export function localEngine(options: LocalEngineOptions = {}): LocalEngine {
  const { rowsPerSplit } = options;
  let threads: WorkerPool<Split, SplitAnswers> | null = null;

  return {
    name: "local engine",
    async compute({ plan, rows }, host) {
      const { signal } = host;
      const workers = host.workers ?? options.workers ?? coresForThreads();
      const labels = orderRows(rows);
      const collected = new CollectedEvents({
        labels,
        memoryLimit: host.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
        expected: host.expectedEvents ?? null,
        concurrency: Math.max(1, workers),
        reach: reachOfPlan(plan),
        rowsPerSplit: (all) => rowsPerSplit ?? rowsOfSplit(all, workers),
      });
      try {
        for await (const batch of host.events()) {
          signal?.throwIfAborted();
          await collected.add(batch);
        }
        const least = rowsPerSplit ?? LEAST_ROWS_FOR_THREADS;
        const pool = workers > 0 && collected.size > least ? (threads ??= splitThreads()) : null;
        return await answersOf(plan, labels, collected, pool, Math.max(1, workers), host, options);
      } finally {
        await collected.close();
      }
    },
    async close() {
      await threads?.close();
      threads = null;
    },
  };
}

function coresForThreads(): number {
  const cores = nodeOs().availableParallelism();
  return cores < 2 ? 0 : cores;
}

function rowsOfSplit(rows: number, workers: number): number {
  if (workers === 0 || rows <= LEAST_ROWS_FOR_THREADS) return ROWS_PER_SPLIT;
  return Math.min(MOST_ROWS_PER_SPLIT, Math.ceil(rows / (workers * SPLITS_PER_THREAD)));
}

/** Computes all splits, up to `concurrency` at once. */
async function answersOf(
  plan: DeriveNode,
  labels: OrderedRows,
  collected: CollectedEvents,
  pool: WorkerPool<Split, SplitAnswers> | null,
  concurrency: number,
  { signal }: EngineHost,
  { onOverflow, onTruncated }: LocalEngineOptions,
): ReturnType<ComputeEngine["compute"]> {
  const answers = answersByRow(plan.columns, labels.rows);
  const counted = { overflows: 0, truncated: 0 };
  const yieldToEventLoop = eventLoopYielder();
  const betweenPieces = (): Promise<void> | undefined => {
    signal?.throwIfAborted();
    return yieldToEventLoop();
  };
  const compute = async (split: CollectedSplit): Promise<void> => {
    const make = async (): Promise<Split> => splitOf(plan, labels, split, await split.batches());
    const found =
      (await pool?.run(async () => splitTask(await make()), signal)) ??
      (await computeSplit(await make(), betweenPieces));
    answers.put(split.firstPlace, found.answers);
    counted.overflows += found.overflows;
    counted.truncated += found.truncated;
  };
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  const run = async (split: CollectedSplit): Promise<void> => {
    try {
      await compute(split);
    } catch (error) {
      failure ??= { error };
    }
  };
  for await (const split of collected.splits()) {
    const work = run(split).finally(() => running.delete(work));
    running.add(work);
    while (running.size >= concurrency) await Promise.race(running);
    if (failure !== null) break;
  }
  await Promise.all(running);
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  if (counted.overflows > 0) onOverflow?.(counted.overflows);
  if (counted.truncated > 0) onTruncated?.(counted.truncated);
  return answers.finish();
}

function splitOf(
  plan: DeriveNode,
  labels: OrderedRows,
  { first, end, firstPlace, endPlace }: CollectedSplit,
  batches: Split["batches"],
): Split {
  const starts = Int32Array.from(
    { length: end - first + 1 },
    (_, e) => Math.min(Math.max(labels.starts[first + e]!, firstPlace), endPlace) - firstPlace,
  );
  return { plan, first, starts, times: labels.times.subarray(firstPlace, endPlace), batches };
}
