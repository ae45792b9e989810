/**
 * Writing and reading files is long work in the thread that also serves requests: between columns
 * it lets everybody else have their turn.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
