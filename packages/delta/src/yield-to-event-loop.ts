/**
 * Yields to the event loop, so that requests in the same thread are answered between the columns of
 * a file.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
