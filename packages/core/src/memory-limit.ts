/** The memory and the threads of a training set. */

/** The bytes that the events, the rows and the answers of a training set may take, about. */
export const DEFAULT_MEMORY_LIMIT: number = 2 ** 30;
/** The least limit: a row group of a file must fit. */
export const LEAST_MEMORY_LIMIT: number = 64 * 2 ** 20;
/** The most threads. */
export const MOST_WORKERS = 256;
