/** The memory and the threads of a training set. */
import { nodeOs } from "./node-modules.ts";

/** The bytes that the events, the rows and the answers of a training set may take, about. */
export const DEFAULT_MEMORY_LIMIT: number = 2 ** 30;
/** The least limit: a row group of a file must fit. */
export const LEAST_MEMORY_LIMIT: number = 64 * 2 ** 20;
/** The most threads. */
export const MOST_WORKERS = 256;
/**
 * The memory of a thread: its heap, its code, and its copies of rows. With one thread for so many
 * bytes of the limit, the process stays within 256 MiB over the limit.
 */
const BYTES_PER_THREAD = 320 * 2 ** 20;
/** With a smaller limit, the threads would take more than the limit leaves to them. */
const LEAST_LIMIT_FOR_THREADS: number = 2 ** 30;

/** The threads that compute without a setting: one for each core, none if there is one core. */
export function threadsOfCores(): number {
  const cores = nodeOs().availableParallelism();
  return cores < 2 ? 0 : cores;
}

/** The threads that may read, and those that may compute, under a memory limit. */
export function threadsWithin(
  memoryLimit: number = DEFAULT_MEMORY_LIMIT,
  workers: number = threadsOfCores(),
): number {
  if (memoryLimit < LEAST_LIMIT_FOR_THREADS) return 0;
  return Math.min(workers, Math.floor(memoryLimit / BYTES_PER_THREAD));
}
