/**
 * Feeds changes into one store at the store's own pace. While the store is caught up, the consumer
 * takes batches from the run's reader. A failing store is retried. A store that would hold up the
 * others gets an independent reader. Its queue is dropped, except for the batch it had begun. Once
 * the store works again, the independent reader reads until the store is caught up.
 */
import { TidemarkError, isRetryable } from "../errors.ts";
import type { ChangeBatch, Position } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { traced, type Attributes } from "../tracing.ts";
import { sourceBatcher, type ChangeChecks, type SourceBatches } from "./source-batches.ts";
import type { LogLevel } from "./log-level.ts";
import type { SourceWriter, StoreWriters } from "./source-writer.ts";
import {
  retryDelay,
  errorSummary,
  withTimeout,
  type Notifier,
  type StoreBackpressure,
  type Sleep,
} from "./backpressure.ts";

/** ms between two independent readers of a store that is not caught up. */
const REREAD_DELAY = 1_000;

/** The state that the store consumers of one run share. */
export interface RunState {
  readonly signal: AbortSignal;
  readonly notifier: Notifier;
  readonly sleep: Sleep;
  /** The current time, µs. */
  readonly clock: () => number;
  /** The source of each partition. */
  readonly partitions: Map<string, string>;
  readonly checks: ChangeChecks;
  /** The offset that the run's reader has reached, by partition; its next changes come after it. */
  readonly delivered: ReadonlyMap<string, number>;
  /** The size of a store's queue at which it is full. */
  readonly queueLimit: { readonly changes: number; readonly bytes: number };
  /** Whether the run's reader owns this partition. */
  owns(partition: string): boolean;
  /** Opens an independent reader. */
  independentReader(
    after: readonly Position[],
    positions: (partitions: readonly string[]) => Promise<readonly Position[]>,
    signal: AbortSignal,
  ): AsyncIterable<ChangeBatch>;
  /** Whether the run's reader holds back the first rows of the source until they are judged. */
  withholds(source: string): boolean;
  /** Whether the run's reader has ended. */
  ended(): boolean;
  /** Whether the run has read the log to its end. */
  isLevel(): boolean;
  /** Asks for the level of the run with its whole log. */
  readonly level: () => Promise<LogLevel>;
  /** How long a store may take nothing before the run ends, ms. */
  maxStallTime(): number;
  fail(error: unknown): void;
  reportBackpressure(report: StoreBackpressure): void;
  /** Called when more changes are durable. */
  acknowledge(): Promise<void>;
}

export class StoreConsumer {
  readonly name: string;
  /** Durable positions by partition, as the source gave them. */
  readonly durable: Map<string, Position> = new Map();
  sharesReader = true;
  private readonly store: StoreWriters;
  private readonly run: RunState;
  private writers: ReadonlyMap<string, SourceWriter> | null = null;
  private queue: SourceBatches[] = [];
  /** The size of the queue, including the batch that is being written. */
  private changes = 0;
  private bytes = 0;
  private busy = false;
  /**
   * The offsets at which an independent reader can return to the queue. The queue then holds
   * everything that the run's reader gave since. null: the queue is empty.
   */
  private target: ReadonlyMap<string, number> | null = null;
  private stalled: {
    readonly since: number;
    attempts: number;
    error: TidemarkError<string> | null;
  } | null = null;
  private stallTimer: AbortController | null = null;
  /** The current reading of the independent reader, and the sources that it leaves out. */
  private reading: AbortController | null = null;
  private readonly leftOut = new Set<string>();

  constructor(store: StoreWriters, run: RunState) {
    this.store = store;
    this.run = run;
    this.name = store.name;
  }

  /** Takes changes until the source has ended and the store is caught up. */
  async work(): Promise<void> {
    const { run } = this;
    const writers = await this.attempt(() => this.store.open(run.signal));
    for (const [source, writer] of writers) {
      for (const position of writer.positions.values()) {
        run.partitions.set(position.partition, source);
        run.checks.origins.load(source, position);
      }
      this.markDurable(source, writer);
    }
    this.writers = writers;
    run.notifier.notify();
    try {
      await this.takeAll(writers);
    } finally {
      for (const writer of writers.values()) await writer.abandon?.();
    }
  }

  /** Takes changes, and finishes the writers. */
  private async takeAll(writers: ReadonlyMap<string, SourceWriter>): Promise<void> {
    const {
      run,
      store: { maintenance },
    } = this;
    for (;;) {
      run.signal.throwIfAborted();
      if (!this.sharesReader) {
        await this.runIndependentReader();
        continue;
      }
      const sourceBatches = this.queue.shift();
      if (sourceBatches === undefined) {
        if (run.ended()) break;
        if (!(await this.changedInTime())) await this.commitDue();
        continue;
      }
      this.busy = true;
      await this.attempt(() => this.deliver(sourceBatches));
      if (maintenance !== undefined) await this.attempt(() => maintenance.step());
      this.busy = false;
      this.account(sourceBatches, -1);
      run.notifier.notify();
    }
    await this.attempt(async () => {
      for (const [source, writer] of writers) {
        await writer.finish();
        if (run.isLevel()) await writer.markReady?.(run.level);
        this.markDurable(source, writer);
      }
    });
    await run.acknowledge();
    if (maintenance !== undefined) await this.attempt(() => maintenance.finish());
  }

  /**
   * Notes the level of every source of the store. False: a source is not ready yet, or the store
   * still writes changes that the reader gave.
   */
  async markReady(level: () => Promise<LogLevel>): Promise<boolean> {
    if (!this.sharesReader || !this.idle()) return false;
    let isReady = true;
    for (const writer of this.writers!.values())
      if ((await writer.markReady?.(level)) === false) isReady = false;
    return isReady;
  }

  isOpen(): boolean {
    return this.writers !== null;
  }

  /** Whether the consumer has written everything in its queue. */
  idle(): boolean {
    return this.writers !== null && this.queue.length === 0 && !this.busy;
  }

  full(): boolean {
    return this.changes >= this.run.queueLimit.changes || this.bytes >= this.run.queueLimit.bytes;
  }

  failing(): boolean {
    return this.stalled !== null && this.stalled.attempts > 0;
  }

  backpressure(): StoreBackpressure | null {
    if (this.stalled === null) return null;
    const { since, attempts, error } = this.stalled;
    return {
      role: this.store.role,
      store: this.name,
      since: formatTime(since),
      attempts,
      error: error === null ? null : errorSummary(error),
      independent: !this.sharesReader,
      caughtUp: false,
    };
  }

  /** Adds batches of the run's reader to the queue. */
  enqueue(sourceBatches: SourceBatches): void {
    if (!this.sharesReader && this.target === null) return;
    this.queue.push(sourceBatches);
    this.account(sourceBatches, 1);
    if (!this.sharesReader && this.full()) this.dropQueue();
  }

  readIndependently(): void {
    this.sharesReader = false;
    this.dropQueue();
    this.stalled ??= { since: this.run.clock(), attempts: 0, error: null };
    this.startStallTimer();
    this.reportBackpressure();
    this.run.notifier.notify();
  }

  /**
   * Called when the run's reader gained partitions. The queue of an independent reader then no
   * longer begins at the reader's offsets, so that queue is dropped.
   */
  onRepositioned(): void {
    if (!this.sharesReader) this.dropQueue();
  }

  /** Called when sources may have been judged. A reading that left one out begins again. */
  onJudged(): void {
    if ([...this.leftOut].some((source) => !this.run.withholds(source))) this.reading?.abort();
  }

  positions(): readonly Position[] {
    return [...(this.writers?.values() ?? [])].flatMap(({ positions }) => [...positions.values()]);
  }

  positionOf(partition: string): Position | undefined {
    return this.writers?.get(this.run.partitions.get(partition) ?? "")?.positions.get(partition);
  }

  /** Reloads the store's positions, which another run may have moved. */
  async reload(): Promise<void> {
    for (const [source, writer] of this.writers ?? []) {
      await writer.reload();
      for (const position of writer.positions.values()) {
        this.run.partitions.set(position.partition, source);
        this.run.checks.origins.load(source, position);
      }
    }
  }

  /** Starts the timer of a stalled store; called again when the source ends. */
  startStallTimer(): void {
    this.stallTimer?.abort();
    this.stallTimer = null;
    const maxStallTime = this.run.maxStallTime();
    if (this.stalled === null || maxStallTime === Infinity) return;
    const stallTimer = (this.stallTimer = new AbortController());
    void this.giveUpAfter(maxStallTime, stallTimer.signal);
  }

  stop(): void {
    this.stallTimer?.abort();
  }

  private async giveUpAfter(maxStallTime: number, signal: AbortSignal): Promise<void> {
    await this.run.sleep(maxStallTime, signal);
    if (!signal.aborted) this.run.fail(this.stallError());
  }

  /** Reads independently until the store is caught up with the run's reader. */
  private async runIndependentReader(): Promise<void> {
    const { run } = this;
    for (;;) {
      if (this.target === null) this.setTarget();
      if (this.isCaughtUp()) return this.rejoinReader();
      const after = this.positions();
      const own = sourceBatcher(after, run.partitions, run.checks);
      const positions = async (partitions: readonly string[]): Promise<readonly Position[]> => {
        await this.attempt(() => this.reload());
        const now = this.positions().filter(({ partition }) => partitions.includes(partition));
        own.restart(partitions, now);
        return now;
      };
      const reading = (this.reading = new AbortController());
      const signal = AbortSignal.any([run.signal, reading.signal]);
      this.leftOut.clear();
      try {
        for await (const batch of run.independentReader(after, positions, signal)) {
          const sourceBatches = this.withoutHeld(own.split(batch));
          await this.attempt(() => this.deliver(sourceBatches));
          if (this.target === null) this.setTarget();
          if (this.isCaughtUp()) break;
        }
      } catch (error) {
        if (!reading.signal.aborted) throw error;
      }
      run.signal.throwIfAborted();
      if (!this.isCaughtUp()) await run.sleep(REREAD_DELAY, run.signal);
    }
  }

  /**
   * Leaves out the rows of new sources that are not judged yet. A source that was left out stays so
   * for the whole reading, because its first rows are missing.
   */
  private withoutHeld(batches: SourceBatches): SourceBatches {
    const bySource = [...batches.bySource].filter(([source]) => {
      const isNew = (this.writers?.get(source)?.positions.size ?? 0) === 0;
      if (isNew && this.run.withholds(source)) this.leftOut.add(source);
      return !this.leftOut.has(source);
    });
    return { ...batches, bySource: new Map(bySource) };
  }

  /** Begins to queue what the run's reader gives from now on. */
  private setTarget(): void {
    this.dropQueue();
    this.target = new Map(this.run.delivered);
  }

  private isCaughtUp(): boolean {
    const { target, run } = this;
    if (target === null) return false;
    for (const [partition, offset] of target) {
      const source = run.partitions.get(partition);
      if (source === undefined || this.writers?.has(source) !== true || !run.owns(partition))
        continue;
      if ((this.positionOf(partition)?.offset ?? -1) < offset) return false;
    }
    return true;
  }

  private rejoinReader(): void {
    this.sharesReader = true;
    this.target = null;
    if (!this.failing()) this.reportCaughtUp();
    this.run.notifier.notify();
  }

  private async deliver({ bySource }: SourceBatches): Promise<void> {
    for (const [source, writer] of this.writers!) {
      const part = bySource.get(source);
      if (part === undefined || part.positions.length === 0) continue;
      const attributes = (): Attributes => ({
        "tidemark.source": source,
        "tidemark.store": this.store.role,
        "tidemark.changes": part.changes.length,
      });
      const write = (): Promise<boolean> => writer.write(part.changes, part.positions);
      if (await traced("apply", attributes, write)) this.markDurable(source, writer);
    }
    await this.run.acknowledge();
  }

  /**
   * Waits for the notifier. False if taken changes must be made durable before it notifies, so that
   * a quiet log delays no commit.
   */
  private async changedInTime(): Promise<boolean> {
    const { notifier, sleep } = this.run;
    const changed = notifier.changed().then(() => true);
    const wait = Math.min(...[...this.writers!.values()].map((writer) => writer.commitDueIn()));
    return wait === Infinity ? changed : (await withTimeout(changed, wait, sleep)) !== null;
  }

  private async commitDue(): Promise<void> {
    this.busy = true;
    for (const [source, writer] of this.writers!)
      if (await this.attempt(() => writer.commitWhenDue())) this.markDurable(source, writer);
    await this.run.acknowledge();
    this.busy = false;
    this.run.notifier.notify();
  }

  /** Marks everything that the source writer took as durable. */
  private markDurable(source: string, { positions, assumed }: SourceWriter): void {
    for (const [partition, position] of positions)
      if (this.run.partitions.get(partition) === source && !assumed.has(position))
        this.durable.set(partition, position);
  }

  /** Repeats the action while the store's errors are retryable. */
  private async attempt<T>(action: () => Promise<T>): Promise<T> {
    const { run } = this;
    for (let attempts = 0; ;) {
      run.signal.throwIfAborted();
      try {
        // an interrupted write may have succeeded
        if (attempts > 0) await this.reload();
        const result = await action();
        this.succeeded();
        return result;
      } catch (error) {
        run.signal.throwIfAborted();
        if (!isRetryable(error)) throw error;
        attempts++;
        this.failed(error);
      }
      await run.sleep(retryDelay(attempts), run.signal);
    }
  }

  private failed(error: TidemarkError<string>): void {
    const first = !this.failing();
    if (this.stalled === null) {
      this.stalled = { since: this.run.clock(), attempts: 0, error };
      this.startStallTimer();
    }
    this.stalled.attempts++;
    this.stalled.error = error;
    if (first) this.reportBackpressure();
    this.run.notifier.notify();
  }

  private succeeded(): void {
    if (this.stalled === null) return;
    if (this.sharesReader) return this.reportCaughtUp();
    this.stalled.attempts = 0;
    this.startStallTimer();
  }

  private reportCaughtUp(): void {
    const last = this.backpressure();
    this.stalled = null;
    this.stallTimer?.abort();
    if (last !== null) this.run.reportBackpressure({ ...last, attempts: 0, caughtUp: true });
  }

  private reportBackpressure(): void {
    this.run.reportBackpressure(this.backpressure()!);
  }

  private dropQueue(): void {
    for (const sourceBatches of this.queue) this.account(sourceBatches, -1);
    this.queue = [];
    this.target = null;
  }

  private account({ changes, bytes }: SourceBatches, sign: 1 | -1): void {
    this.changes += sign * Math.max(1, changes);
    this.bytes += sign * bytes;
  }

  private stallError(): TidemarkError {
    const { since, error } = this.backpressure()!;
    return new TidemarkError(
      "STORE_STALLED",
      `${this.name}: has taken nothing for too long, with trouble since ${since} ` +
        `(${error?.message ?? "it does not answer"}); ` +
        "what each store has stays, and nothing is lost: make the store answer again, " +
        "and run again to go on from there",
      { cause: this.stalled?.error ?? undefined },
    );
  }
}
