/**
 * The compute engine of this machine. It collects the events of a task, cuts them into splits, and
 * computes the splits in threads, or in the calling thread if there are few events.
 */
import { threadsOfCores } from "../memory-limit.ts";
import type { ComputeEngine } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { answerSplits } from "./answer-splits.ts";
import { computeSplit } from "./compute-split.ts";
import { splitInThread, splitTask } from "./split-threads.ts";

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

/** Makes the exact engine of this machine. */
export function localEngine(options: LocalEngineOptions = {}): ComputeEngine {
  const { rowsPerSplit, onOverflow, onTruncated } = options;

  return {
    name: "local engine",
    async compute(task, host) {
      const { signal } = host;
      const workers = host.workers ?? options.workers ?? threadsOfCores();
      const counted = { overflows: 0, truncated: 0 };
      const yieldToEventLoop = eventLoopYielder();
      const betweenPieces = (): Promise<void> | undefined => {
        signal?.throwIfAborted();
        return yieldToEventLoop();
      };
      const answers = await answerSplits(task, host, {
        concurrency: Math.max(1, workers),
        rowsPerSplit: (rows) => rowsPerSplit ?? rowsOfSplit(rows, workers),
        async compute(load, rows) {
          const isWorthThreads = workers > 0 && rows > (rowsPerSplit ?? LEAST_ROWS_FOR_THREADS);
          const found =
            (isWorthThreads
              ? await splitInThread(async () => splitTask(await load()), signal)
              : null) ?? (await computeSplit(await load(), betweenPieces));
          counted.overflows += found.overflows;
          counted.truncated += found.truncated;
          return found.answers;
        },
      });
      if (counted.overflows > 0) onOverflow?.(counted.overflows);
      if (counted.truncated > 0) onTruncated?.(counted.truncated);
      return answers;
    },
  };
}

function rowsOfSplit(rows: number, workers: number): number {
  if (workers === 0 || rows <= LEAST_ROWS_FOR_THREADS) return ROWS_PER_SPLIT;
  return Math.min(MOST_ROWS_PER_SPLIT, Math.ceil(rows / (workers * SPLITS_PER_THREAD)));
}
