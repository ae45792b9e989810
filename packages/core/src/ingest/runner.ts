/**
 * Reads a change source into the stores. Each store takes what it lacks, keeps its own position,
 * and waits for no other store.
 */
import type { SourceSpec } from "../specs.ts";
import type { ChangeBatch, ChangeSource, Position, SkippedMessages } from "../spi.ts";
import { isRetryable, type TidemarkError } from "../errors.ts";
import { logOrderCheck } from "../rows/log-order.ts";
import type { NotTaken } from "./not-taken.ts";
import { SourceOrigins } from "../rows/source-origins.ts";
import { FirstRows } from "./first-rows.ts";
import { lagKeeper, measuredPartitions, type MeasuredPartition } from "./run-lag.ts";
import { RunReport, type EntityKeysOf } from "./run-report.ts";
import { logLevel, partOfLevel, type LogLevel } from "./log-level.ts";
import { DEFAULT_MISMATCH, type SourceMismatch } from "./source-fit.ts";
import { StoreConsumer, type RunState } from "./store-consumer.ts";
import { sourceBatcher, type SourceBatches } from "./source-batches.ts";
import type { StoreWriters } from "./source-writer.ts";
import {
  Notifier,
  retryDelay,
  sleep as realSleep,
  withTimeout,
  type StoreBackpressure,
  type Sleep,
} from "./backpressure.ts";

/** How far a reading of changes is. */
export interface ChangesProgress {
  /** Changes read so far, and the total number if the source knows it. */
  readonly changes: number;
  readonly total: number | null;
}

/** How far a run is. */
export interface RunProgress extends ChangesProgress {
  /** What was not taken so far. */
  readonly notTaken: readonly NotTaken[];
}

/** What a run read. */
export interface RunResult {
  /** The messages that gave a change of a declared source. */
  readonly changes: number;
  /** All messages: those that gave a change, and those that were skipped. */
  readonly messages: number;
  /** What was not taken of them. Empty if everything was taken (law 11). */
  readonly notTaken: readonly NotTaken[];
}

export interface RunSettings {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Called for the first message or value of each kind that is not taken. */
  readonly onNotTaken?: ((first: NotTaken) => void) | undefined;
  /** Called once for each column and reason that most rows of a source have. */
  readonly onMismatch?: ((mismatch: SourceMismatch) => void) | undefined;
  /**
   * The share of a new source's first rows that may be unusable, from 0 to 1. More than that ends
   * the run with `SOURCE_MISMATCH`. Default: 0.5. "ignore": the rows are not judged.
   */
  readonly mismatch?: number | "ignore" | undefined;
  /** The columns that a key, a time or a feature reads, by source name. */
  readonly neededColumns?: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** Called with the skipped messages of each batch. */
  readonly onSkipped?: ((skipped: readonly SkippedMessages[]) => Promise<void>) | undefined;
  /**
   * Says whether sources may be marked as ready. Nothing does while rows may have been erased
   * elsewhere.
   */
  readonly mayBeReady?: (() => Promise<boolean>) | undefined;
  /** Waits until sources may be marked as ready. Called when the run ends. */
  readonly untilMayBeReady?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Keeps how far the run is behind its log. Called every ten seconds and at the end. */
  readonly onLag?: ((measured: readonly MeasuredPartition[]) => Promise<void>) | undefined;
  /** The entity keys under which rows are stored, by source name. */
  readonly entityKeys?: EntityKeysOf | undefined;
  /** Whether the changes are only a part of the log, as those of a retry. */
  readonly partOfLog?: boolean | undefined;
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
/** How long a source of which no message could be read may wait for one that can, ms. */
const UNREADABLE_WAIT = 5_000;
/** How often a run looks whether its sources are level with their log, ms. */
const LEVEL_INTERVAL = 500;
/** How long a run waits at most between two looks at the partitions of other runs, ms. */
const MAX_LEVEL_INTERVAL = 60_000;
/** How long rows of an endless log are held back until their source is judged, ms. */
const HELD_TIME = 1_000;
/** How long a failed run waits for store calls that ignore the signal, ms. */
const SHUTDOWN_GRACE_PERIOD = 5_000;

/**
 * Runs the change source into the stores. Errors of a store or of the source, and the signal's
 * reason, are thrown as they are.
 *
 * @throws STORE_STALLED when a store takes nothing for too long.
 * @throws SOURCE_UNREADABLE when no message of a source can be read.
 * @throws SOURCE_MISMATCH when most of the first rows of a new source cannot be used.
 * @throws EXPECTATION_FAILED when a row violates an expectation that stops the run.
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
  const checks = { logOrder: logOrderCheck(), origins: new SourceOrigins(sources), sources };
  const delivered = new Map<string, number>();
  let firstRows: FirstRows | null = null;
  let ended = false;
  /** Why the run ends before the end of the log. */
  let unreadable: TidemarkError | null = null;
  let report: RunReport | null = null;
  let acknowledging: Promise<void> = Promise.resolve();
  const acknowledged = new Map<string, number>();

  const state: RunState = {
    signal,
    notifier,
    sleep,
    clock: options.clock ?? (() => Date.now() * 1000),
    partitions,
    checks,
    delivered,
    queueLimit: options.queueLimit ?? QUEUE_LIMIT,
    fail,
    owns: (partition) => from.owns?.(partition) ?? true,
    independentReader: (after, positions, pass) =>
      from.changes({ sources, after, positions, signal: pass, independent: true }),
    withholds: (source) => firstRows?.withholds(source) ?? true,
    ended: () => ended,
    isLevel: () => ended && unreadable === null && options.partOfLog !== true,
    level: async () => {
      await options.untilMayBeReady?.(signal);
      const own = (from.lag?.() ?? []).map(({ partition }) => partition);
      return levelOf(await logLevel(from, sources, own, signal));
    },
    maxStallTime: () =>
      options.maxStallTime ?? (ended || from.bounded === true ? MAX_STALL_TIME_AT_END : Infinity),
    reportBackpressure: (report) => options.onBackpressure?.(report),
    acknowledge: () =>
      from.ack === undefined ? acknowledging : (acknowledging = acknowledging.then(acknowledge)),
  };
  /** What the run is level with, without the sources whose table is likely a typo. */
  const levelOf = ({ partitions: level, isWhole }: LogLevel): LogLevel => ({
    partitions: level,
    isWhole: (source, seen) => report?.isMistyped(source) !== true && isWhole(source, seen),
    keepsUnreadable: from.unreadable === "keep",
  });
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

  /** The stores whose sources this run did not mark as ready yet. */
  const unready = new Set(options.partOfLog === true ? [] : consumers);
  let marking = false;
  let looks = { own: "", due: 0, wait: LEVEL_INTERVAL };
  async function markLevel(): Promise<void> {
    const lags = from.lag?.() ?? [];
    const partitions = lags.map(({ partition }) => partition);
    const own = JSON.stringify(partitions);
    if (own !== looks.own) looks = { own, due: 0, wait: LEVEL_INTERVAL };
    if (
      marking ||
      firstRows?.holds() !== false ||
      lags.length === 0 ||
      lags.some(({ lag }) => lag > 0) ||
      performance.now() < looks.due
    )
      return;
    marking = true;
    // a log that does not answer is asked again at the next look
    const level = async (): Promise<LogLevel> =>
      (await options.mayBeReady?.()) === false
        ? partOfLevel([])
        : levelOf(
            await logLevel(from, sources, partitions, signal).catch(() => partOfLevel(partitions)),
          );
    try {
      for (const consumer of unready) if (await consumer.markReady(level)) unready.delete(consumer);
    } catch (error) {
      // the next look tries an unavailable store again
      if (!isRetryable(error)) fail(error);
    } finally {
      marking = false;
      // The partitions of another run may take long, so the looks become rare.
      looks.due = performance.now() + looks.wait;
      looks.wait = Math.min(2 * looks.wait, MAX_LEVEL_INTERVAL);
    }
  }
  const levelTimer =
    from.lag === undefined
      ? undefined
      : setInterval(() => {
          if (unready.size > 0) void markLevel();
        }, LEVEL_INTERVAL);

  const lag = lagKeeper(
    () =>
      measuredPartitions({
        from,
        partitions,
        delivered,
        isAtEnd: state.isLevel(),
        at: state.clock(),
      }),
    async (measured) => (options.partOfLog === true ? undefined : options.onLag?.(measured)),
    fail,
  );
  const workers = Promise.all(consumers.map((consumer) => consumer.work().catch(fail)));
  let reader: AsyncIterator<ChangeBatch> | null = null;
  try {
    const total = (await from.size?.({ sources, signal })) ?? null;
    await waitUntilOpen();
    const after = leastPositions(sharingConsumers());
    for (const { partition, offset } of after) delivered.set(partition, offset);
    const batcher = sourceBatcher(after, partitions, checks);
    const positions = async (asked: readonly string[]): Promise<readonly Position[]> => {
      for (const consumer of sharingConsumers()) await reload(consumer);
      const now = leastPositions(sharingConsumers()).filter(({ partition }) =>
        asked.includes(partition),
      );
      for (const partition of asked) delivered.delete(partition);
      for (const { partition, offset } of now) delivered.set(partition, offset);
      for (const consumer of consumers) consumer.onRepositioned();
      batcher.restart(asked, now);
      firstRows?.restart(asked);
      return now;
    };
    const counts = (report = new RunReport({
      sources,
      entityKeys: options.entityKeys ?? new Map(),
      begun: new Set(partitions.values()),
      bounded: from.bounded === true,
      unreadable: from.unreadable ?? "stop",
      keepsBytes: stores.some(({ role }) => role === "history"),
      onNotTaken: options.onNotTaken,
      neededColumns: options.neededColumns ?? new Map(),
      onMismatch: options.onMismatch,
      mismatch: options.mismatch ?? DEFAULT_MISMATCH,
    }));
    const begun = new Set(after.map(({ partition }) => partitions.get(partition)));
    const isNew = ({ name }: SourceSpec): boolean =>
      options.mismatch !== "ignore" && !begun.has(name);
    const held = (firstRows = new FirstRows(
      sources.filter(isNew).map(({ name }) => name),
      (source, last) => counts.judge(source, last),
      state.clock,
    ));
    /** Gives batches to the stores, and the sources that were judged to independent readers. */
    const give = (released: readonly SourceBatches[]): void => {
      for (const batches of released) {
        for (const consumer of consumers) consumer.enqueue(batches);
        for (const { positions: reached } of batches.bySource.values())
          for (const { partition, offset } of reached)
            delivered.set(partition, Math.max(offset, delivered.get(partition) ?? -1));
      }
      for (const consumer of consumers) consumer.onJudged();
      notifier.notify();
    };
    const reading = new AbortController();
    const readerSignal = AbortSignal.any([signal, reading.signal]);
    reader = from
      .changes({ sources, after, positions, signal: readerSignal })
      [Symbol.asyncIterator]();
    let pending = reader.next();
    for (;;) {
      const isHolding = held.holds() && from.bounded !== true;
      const wait = isHolding ? HELD_TIME : counts.mayBeUnreadable() ? UNREADABLE_WAIT : null;
      const next =
        wait === null ? await orFailed(pending) : await withTimeout(orFailed(pending), wait, sleep);
      if (next === null && isHolding) {
        give(held.release(Infinity));
        if (held.mismatch === null) continue;
      }
      if (next === null) {
        unreadable = counts.unreadable(true);
        // The reader waits for messages. Its signal ends the wait.
        reading.abort();
        await orFailed(pending.catch(() => undefined));
        break;
      }
      if (next.done === true) break;
      const batches = batcher.split(next.value);
      counts.add({
        ...next.value,
        changes: [...batches.bySource.values()].flatMap(({ changes }) => changes),
      });
      give(held.take(batches));
      if (isHolding) give(held.release(state.clock() - HELD_TIME * 1_000));
      await waitForRoom();
      signal.throwIfAborted();
      if (next.value.skipped !== undefined) await options.onSkipped?.(next.value.skipped);
      onProgress?.({ changes: counts.changes, total, notTaken: counts.list() });
      unreadable = counts.unreadable(false);
      if (unreadable !== null || held.mismatch !== null) break;
      pending = reader.next();
    }
    // Nothing more comes, so the sources are judged on what there is. The empty batch lets each
    // store do its maintenance, also if nothing came.
    give([...held.finish(), { bySource: new Map(), changes: 0, bytes: 0 }]);
    unreadable = held.mismatch ?? unreadable ?? counts.unreadable(true);
    if (unreadable !== null) await orFailed(Promise.resolve(reader.return?.()));
    ended = true;
    for (const consumer of consumers) consumer.startStallTimer();
    notifier.notify();
    await orFailed(workers);
    await acknowledging;
    await lag.finish();
    signal.throwIfAborted();
    // The stores hold what else was read, so that the bytes of undecodable messages are kept.
    if (unreadable !== null) throw unreadable;
    return { changes: counts.changes, messages: counts.messages, notTaken: counts.list() };
  } catch (error) {
    fail(error);
    await withTimeout(
      Promise.allSettled([reader?.return?.(), workers]),
      SHUTDOWN_GRACE_PERIOD,
      sleep,
    );
    throw signal.reason;
  } finally {
    clearInterval(levelTimer);
    lag.stop();
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
