/**
 * Reads a change source into the stores. Each store takes what it lacks, keeps its own position,
 * and waits for no other store.
 */
import type { SourceSpec } from "../specs.ts";
import type { ChangeBatch, ChangeSource, Position } from "../spi.ts";
import { isRetryable } from "../errors.ts";
import { logOrderCheck } from "../rows/log-order.ts";
import { StoreConsumer, type RunState } from "./store-consumer.ts";
import { sourceBatcher } from "./source-batches.ts";
import type { StoreWriters } from "./source-writer.ts";
import {
  Notifier,
  retryDelay,
  sleep as realSleep,
  withTimeout,
  type StoreBackpressure,
  type Sleep,
} from "./backpressure.ts";

/** How far a run is. */
export interface RunProgress {
  /** Changes read so far, and the total number if the source knows it. */
  readonly changes: number;
  readonly total: number | null;
}

/** What a run read. */
export interface RunResult {
  readonly changes: number;
}

export interface RunSettings {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Called when a store fails or gets an independent reader, and when it is caught up again. */
  readonly onBackpressure?: ((report: StoreBackpressure) => void) | undefined;
  /** How long a store that takes nothing may hold up the others, ms. */
  readonly maxBlockTime?: number | undefined;
  /** How long a store may take nothing before the run ends with `STORE_STALLED`, ms. */
  readonly maxStallTime?: number | undefined;
  /** The size of a store's queue at which it is full. */
  readonly queueLimit?: RunState["queueLimit"] | undefined;
  /** The current time, µs. */
  readonly clock?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  /** During the run, this set has a function that reports the stores that do not keep up. */
  readonly backpressure?: Set<() => readonly StoreBackpressure[]> | undefined;
}

const QUEUE_LIMIT = { changes: 20_000, bytes: 16 * 2 ** 20 };
const MAX_BLOCK_TIME = 10_000;
/**
 * The longest stall in a run that is to end. While the source goes on, a store may recover at any
 * time. A run that is ending must not wait forever.
 */
const MAX_STALL_TIME_AT_END = 60_000;
/** How long a failed run waits for store calls that ignore the signal, ms. */
const SHUTDOWN_GRACE_PERIOD = 5_000;

/**
 * Runs the change source into the stores. Errors of a store or of the source, and the signal's
 * reason, are thrown as they are.
 *
 * @throws STORE_STALLED when a store takes nothing for too long.
 */
export async function runChanges(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  stores: readonly StoreWriters[],
  options: RunSettings,
): Promise<RunResult> {
  const { onProgress, sleep = realSleep, maxBlockTime = MAX_BLOCK_TIME } = options;
  const runAbort = new AbortController();
  const { signal } = runAbort;
  const notifier = new Notifier();
  const waiting = new Set<(error: unknown) => void>();
  const fail = (error: unknown): void => {
    runAbort.abort(error);
    for (const reject of waiting) reject(signal.reason);
    notifier.notify();
  };
  const abort = (): void => {
    fail(options.signal?.reason);
  };
  if (options.signal?.aborted === true) abort();
  options.signal?.addEventListener("abort", abort);

  /**
   * Waits for the promise, or until the run has failed. `Promise.race` is not used: a promise that
   * outlives the race keeps the race's values in memory.
   */
  function orFailed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      promise.then(resolve, reject).finally(() => {
        waiting.delete(reject);
      });
      if (signal.aborted) reject(signal.reason);
    });
  }

  /** Waits for the promise; null after the maximum block time. */
  const withinBlockTime = <T>(promise: Promise<T>): Promise<T | null> =>
    withTimeout(orFailed(promise), maxBlockTime, sleep);

  const partitions = new Map<string, string>();
  const checkLogOrder = logOrderCheck();
  const delivered = new Map<string, number>();
  let ended = false;
  let acknowledging: Promise<void> = Promise.resolve();
  const acknowledged = new Map<string, number>();

  const state: RunState = {
    signal,
    notifier,
    sleep,
    clock: options.clock ?? (() => Date.now() * 1000),
    partitions,
    checkLogOrder,
    delivered,
    queueLimit: options.queueLimit ?? QUEUE_LIMIT,
    fail,
    owns: (partition) => from.owns?.(partition) ?? true,
    independentReader: (after, positions) =>
      from.changes({ sources, after, positions, signal, independent: true }),
    ended: () => ended,
    maxStallTime: () =>
      options.maxStallTime ?? (ended || from.bounded === true ? MAX_STALL_TIME_AT_END : Infinity),
    reportBackpressure: (report) => options.onBackpressure?.(report),
    acknowledge: () =>
      from.ack === undefined ? acknowledging : (acknowledging = acknowledging.then(acknowledge)),
  };
  const consumers = stores.map((store) => new StoreConsumer(store, state));
  const backpressure = (): readonly StoreBackpressure[] =>
    consumers.flatMap((consumer) => consumer.backpressure() ?? []);
  options.backpressure?.add(backpressure);
  const sharingConsumers = (): StoreConsumer[] =>
    consumers.filter((consumer) => consumer.sharesReader);

  /** Acknowledges the positions that are durable in every store. */
  async function acknowledge(): Promise<void> {
    const [first, ...others] = consumers;
    const now = [...first!.durable.values()].flatMap((position) => {
      const all = [position, ...others.map(({ durable }) => durable.get(position.partition))];
      if (all.includes(undefined)) return [];
      const least = (all as Position[]).reduce((a, b) => (b.offset < a.offset ? b : a));
      return least.offset > (acknowledged.get(least.partition) ?? -1) &&
        delivered.has(least.partition)
        ? [least]
        : [];
    });
    for (const { partition, offset } of now) acknowledged.set(partition, offset);
    if (now.length > 0) await from.ack!(now);
  }

  /** True if nothing changed within the maximum block time. */
  const blockTimeExceeded = async (): Promise<boolean> =>
    (await withinBlockTime(notifier.changed().then(() => true))) === null;

  /**
   * Waits until the stores that share the reader have room and the fastest is idle. A store that
   * takes nothing while another store waits gets an independent reader.
   */
  async function waitForRoom(): Promise<void> {
    for (let timedOut = false; ;) {
      const those = sharingConsumers();
      const full = those.filter((consumer) => consumer.full());
      const waits = those.some((consumer) => consumer.idle());
      if (waits && full.length === 0) return;
      const stuck = waits ? full.filter((consumer) => timedOut || consumer.failing()) : [];
      for (const consumer of stuck) consumer.readIndependently();
      if (stuck.length > 0) continue;
      if (waits) timedOut = await blockTimeExceeded();
      else await orFailed(notifier.changed());
    }
  }

  /** Waits until a store is open and every other store is open, failing or too slow. */
  async function waitUntilOpen(): Promise<void> {
    for (let timedOut = false; ;) {
      const open = consumers.filter((consumer) => consumer.isOpen());
      const others = consumers.filter((consumer) => !consumer.isOpen());
      if (open.length > 0 && others.every((consumer) => timedOut || consumer.failing())) {
        for (const consumer of others) consumer.readIndependently();
        return;
      }
      if (open.length > 0) timedOut = await blockTimeExceeded();
      else await orFailed(notifier.changed());
    }
  }

  /** Reloads the positions of a store. A store that does not answer holds up no other store. */
  async function reload(consumer: StoreConsumer): Promise<void> {
    for (let attempts = 1; consumer.sharesReader; attempts++) {
      const asked = consumer.reload().then(
        () => "done" as const,
        (error: unknown) => {
          if (!isRetryable(error)) throw error;
          return "failed" as const;
        },
      );
      const answer = await withinBlockTime(asked);
      if (answer === "done") return;
      if (sharingConsumers().length > 1) return consumer.readIndependently();
      if (answer === null && (await orFailed(asked)) === "done") return;
      await sleep(retryDelay(attempts), signal);
      signal.throwIfAborted();
    }
  }

  const workers = Promise.all(consumers.map((consumer) => consumer.work().catch(fail)));
  let reader: AsyncIterator<ChangeBatch> | null = null;
  try {
    const total = (await from.size?.({ sources, signal })) ?? null;
    await waitUntilOpen();
    const after = leastPositions(sharingConsumers());
    for (const { partition, offset } of after) delivered.set(partition, offset);
    const batcher = sourceBatcher(after, partitions, checkLogOrder);
    const positions = async (asked: readonly string[]): Promise<readonly Position[]> => {
      for (const consumer of sharingConsumers()) await reload(consumer);
      const now = leastPositions(sharingConsumers()).filter(({ partition }) =>
        asked.includes(partition),
      );
      for (const partition of asked) delivered.delete(partition);
      for (const { partition, offset } of now) delivered.set(partition, offset);
      for (const consumer of consumers) consumer.onRepositioned();
      batcher.restart(asked, now);
      return now;
    };
    let changes = 0;
    reader = from.changes({ sources, after: after, positions, signal })[Symbol.asyncIterator]();
    for (;;) {
      const next = await orFailed(reader.next());
      if (next.done === true) break;
      const batches = batcher.split(next.value);
      for (const consumer of consumers) consumer.enqueue(batches);
      for (const { positions: reached } of batches.bySource.values())
        for (const { partition, offset } of reached)
          delivered.set(partition, Math.max(offset, delivered.get(partition) ?? -1));
      notifier.notify();
      await waitForRoom();
      signal.throwIfAborted();
      changes += batches.changes;
      onProgress?.({ changes, total });
    }
    ended = true;
    for (const consumer of consumers) consumer.startStallTimer();
    notifier.notify();
    await orFailed(workers);
    await acknowledging;
    signal.throwIfAborted();
    return { changes };
  } catch (error) {
    fail(error);
    await withTimeout(
      Promise.allSettled([reader?.return?.(), workers]),
      SHUTDOWN_GRACE_PERIOD,
      sleep,
    );
    throw signal.reason;
  } finally {
    for (const consumer of consumers) consumer.stop();
    options.signal?.removeEventListener("abort", abort);
    options.backpressure?.delete(backpressure);
  }
}

/** The positions that every store has reached: reading starts behind the slowest store. */
function leastPositions(consumers: readonly StoreConsumer[]): readonly Position[] {
  const [first, ...others] = consumers;
  return first!.positions().flatMap((position) => {
    const all = [position, ...others.map((consumer) => consumer.positionOf(position.partition))];
    if (all.includes(undefined)) return [];
    return [(all as Position[]).reduce((least, one) => (one.offset < least.offset ? one : least))];
  });
}
