/** Bounds the wait for a store, so that a store that never answers holds up no other. */
import { isRetryable } from "../errors.ts";

/** How long the history waits for the online store, ms. It needs no answer to go on. */
const TIMEOUT = 2_000;

/** Waits for the promise. null: it takes too long, or a store does not answer. */
export async function withinTimeout<T>(promise: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const answer = promise.catch((error: unknown) => {
    if (!isRetryable(error)) throw error;
    return null;
  });
  try {
    return await Promise.race([
      answer,
      new Promise<null>((resolve) => {
        timer = setTimeout(resolve, TIMEOUT, null);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
