/**
 * Long work in the thread that also serves requests and applies changes: it gives way every few
 * milliseconds.
 */

/** How long it may hold the thread, ms. */
const HELD = 8;

/**
 * Call what this returns between small pieces of work; it waits for everybody else's turn when the
 * thread has been held for long enough.
 */
export function eventLoopYielder(): () => Promise<void> | undefined {
  let since = performance.now();
  const giveWay = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    since = performance.now();
  };
  return () => (performance.now() - since < HELD ? undefined : giveWay());
}
