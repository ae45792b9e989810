/**
 * From a change source into the stores: each takes what it has not yet, keeps its own position, and
 * waits for no other.
 */
import type { SourceSpec } from "../specs.ts";
import type { ChangeBatch, ChangeSource, Position } from "../spi.ts";
import { isRetryable } from "../errors.ts";
import { forSource, lsnGuard } from "../rows/log-order.ts";
import { Outlet, type RunState } from "./store-consumer.ts";
import { portioner } from "./source-batches.ts";
import type { StoreSinks } from "./source-writer.ts";
import {
  Bell,
  pauseAfter,
  sleep as realSleep,
  within,
  type SinkStall,
  type Sleep,
} from "./backpressure.ts";

export interface RunProgress {
  /** Changes read so far, and how many there are where the source knows. */
  readonly changes: number;
  readonly total: number | null;
}

export interface RunResult {
  readonly changes: number;
}

export interface RunSettings {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Told when a store fails or is detached, and when it is level again. */
  readonly onStall?: ((stall: SinkStall) => void) | undefined;
  /** How long a store that takes nothing may hold up the others, ms. */
  readonly patience?: number | undefined;
  /** How long a store may take nothing before the run ends with `SINK_STALLED`, ms. */
  readonly limit?: number | undefined;
  /** What a store may have waiting before its queue is full. */
  readonly most?: RunState["most"] | undefined;
  /** Now, µs. */
  readonly clock?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  /** Gets, while the run goes on, what tells of the stores that do not keep up. */
  readonly stalls?: Set<() => readonly SinkStall[]> | undefined;
}

const MOST = { changes: 20_000, bytes: 16 * 2 ** 20 };
const PATIENCE = 10_000;
/**
 * While a source goes on, a store may come back at any time; a run that is to end does not wait for
 * ever.
 */
const LIMIT_AT_END = 60_000;
/** ms that a call of a store which heeds no signal is waited for once the run has failed. */
const GRACE = 5_000;

/** Throws what a store or the source throws, `SINK_STALLED`, and the signal's reason. */
export async function runChanges(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  stores: readonly StoreSinks[],
  options: RunSettings,
): Promise<RunResult> {
  const { onProgress, sleep = realSleep, patience = PATIENCE } = options;
  const inner = new AbortController();
  const { signal } = inner;
  const bell = new Bell();
  const waiting = new Set<(error: unknown) => void>();
  const fail = (error: unknown): void => {
    inner.abort(error);
    for (const reject of waiting) reject(signal.reason);
    bell.ring();
  };
  const abort = (): void => {
    fail(options.signal?.reason);
  };
  if (options.signal?.aborted === true) abort();
  options.signal?.addEventListener("abort", abort);

  /**
   * Or until the run has failed. Not `Promise.race`: a promise that outlives what it is raced with
   * keeps all of that in memory.
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

  /** Or null, when it takes longer than the patience. */
  const patiently = <T>(promise: Promise<T>): Promise<T | null> =>
    within(orFailed(promise), patience, sleep);

  const partitions = new Map<string, string>();
  const check = lsnGuard();
  const delivered = new Map<string, number>();
  let ended = false;
  let acknowledging: Promise<void> = Promise.resolve();
  const acknowledged = new Map<string, number>();

  const state: RunState = {
    signal,
    bell,
    sleep,
    clock: options.clock ?? (() => Date.now() * 1000),
    partitions,
    check,
    delivered,
    most: options.most ?? MOST,
    fail,
    holds: (partition) => from.holds?.(partition) ?? true,
    beside: (after, positions) => from.changes({ sources, after, positions, signal, beside: true }),
    ended: () => ended,
    limit: () => options.limit ?? (ended || from.ends === true ? LIMIT_AT_END : Infinity),
    tell: (stall) => options.onStall?.(stall),
    settled: () =>
      from.ack === undefined ? acknowledging : (acknowledging = acknowledging.then(acknowledge)),
  };
  const outlets = stores.map((store) => new Outlet(store, state));
  const stalls = (): readonly SinkStall[] => outlets.flatMap((outlet) => outlet.stall() ?? []);
  options.stalls?.add(stalls);
  const attached = (): Outlet[] => outlets.filter((outlet) => outlet.attached);

  /** What is durable in every store. */
  async function acknowledge(): Promise<void> {
    const [first, ...others] = outlets;
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

  /** True where nothing changed within the patience. */
  const tooLong = async (): Promise<boolean> =>
    (await patiently(bell.rung().then(() => true))) === null;

  /**
   * Until those that are attached have room and the fastest has nothing left to do. Who takes
   * nothing while another waits for it is detached.
   */
  async function room(): Promise<void> {
    for (let waited = false; ;) {
      const those = attached();
      const full = those.filter((outlet) => outlet.full());
      const waits = those.some((outlet) => outlet.idle());
      if (waits && full.length === 0) return;
      const stuck = waits ? full.filter((outlet) => waited || outlet.failing()) : [];
      for (const outlet of stuck) outlet.detach();
      if (stuck.length > 0) continue;
      if (waits) waited = await tooLong();
      else await orFailed(bell.rung());
    }
  }

  /** Until a store is open, and each that is not has failed or takes too long. */
  async function opened(): Promise<void> {
    for (let waited = false; ;) {
      const open = outlets.filter((outlet) => outlet.isOpen());
      const others = outlets.filter((outlet) => !outlet.isOpen());
      if (open.length > 0 && others.every((outlet) => waited || outlet.failing())) {
        for (const outlet of others) outlet.detach();
        return;
      }
      if (open.length > 0) waited = await tooLong();
      else await orFailed(bell.rung());
    }
  }

  /** Looks up where a store stands; one that does not say holds up no other. */
  async function reload(outlet: Outlet): Promise<void> {
    for (let attempts = 1; outlet.attached; attempts++) {
      const asked = outlet.reload().then(
        () => "done" as const,
        (error: unknown) => {
          if (!isRetryable(error)) throw error;
          return "failed" as const;
        },
      );
      const answer = await patiently(asked);
      if (answer === "done") return;
      if (attached().length > 1) return outlet.detach();
      if (answer === null && (await orFailed(asked)) === "done") return;
      await sleep(pauseAfter(attempts), signal);
      signal.throwIfAborted();
    }
  }

  const workers = Promise.all(outlets.map((outlet) => outlet.work().catch(fail)));
  let reader: AsyncIterator<ChangeBatch> | null = null;
  try {
    const total = (await from.size?.({ sources, signal })) ?? null;
    await opened();
    const after = leastPositions(attached());
    for (const { partition, offset } of after) delivered.set(partition, offset);
    const portions = portioner(after, partitions, check);
    const positions = async (asked: readonly string[]): Promise<readonly Position[]> => {
      for (const outlet of attached()) await reload(outlet);
      const now = leastPositions(attached()).filter(({ partition }) => asked.includes(partition));
      for (const partition of asked) delivered.delete(partition);
      for (const { partition, offset } of now) delivered.set(partition, offset);
      for (const outlet of outlets) outlet.repositioned();
      portions.restart(asked, now);
      return now.map(forSource);
    };
    let changes = 0;
    reader = from
      .changes({ sources, after: after.map(forSource), positions, signal })
      [Symbol.asyncIterator]();
    for (;;) {
      const next = await orFailed(reader.next());
      if (next.done === true) break;
      const portion = portions.portionOf(next.value);
      for (const outlet of outlets) outlet.offer(portion);
      for (const { positions: reached } of portion.parts.values())
        for (const { partition, offset } of reached)
          delivered.set(partition, Math.max(offset, delivered.get(partition) ?? -1));
      bell.ring();
      await room();
      signal.throwIfAborted();
      changes += portion.changes;
      onProgress?.({ changes, total });
    }
    ended = true;
    for (const outlet of outlets) outlet.startLimit();
    bell.ring();
    await orFailed(workers);
    await acknowledging;
    signal.throwIfAborted();
    return { changes };
  } catch (error) {
    fail(error);
    await within(Promise.allSettled([reader?.return?.(), workers]), GRACE, sleep);
    throw signal.reason;
  } finally {
    for (const outlet of outlets) outlet.stop();
    options.signal?.removeEventListener("abort", abort);
    options.stalls?.delete(stalls);
  }
}

/** What every one of them has: reading starts behind the slowest. */
function leastPositions(outlets: readonly Outlet[]): readonly Position[] {
  const [first, ...others] = outlets;
  return first!.positions().flatMap((position) => {
    const all = [position, ...others.map((outlet) => outlet.positionOf(position.partition))];
    if (all.includes(undefined)) return [];
    return [(all as Position[]).reduce((least, one) => (one.offset < least.offset ? one : least))];
  });
}
