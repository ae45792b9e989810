/**
 * What takes changes into one store, at the store's own pace. While it is level it takes what the
 * run's reader gives; a store that fails is tried again, and one that would hold up the others is
 * detached: it keeps nothing in memory but what it had begun, and once it works again reads by
 * itself until it is level.
 */
import { TidemarkError, isRetryable } from "../errors.ts";
import type { ChangeBatch, Position } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { forSource } from "../rows/log-order.ts";
import { portioner, type Portion } from "./source-batches.ts";
import type { Sink, StoreSinks } from "./source-writer.ts";
import { pauseAfter, said, within, type Bell, type SinkStall, type Sleep } from "./backpressure.ts";

/** ms between two readers of one that is still not level. */
const READ_AGAIN = 1_000;

/** What the outlets of one run have in common. */
export interface RunState {
  readonly signal: AbortSignal;
  readonly bell: Bell;
  readonly sleep: Sleep;
  /** Now, µs. */
  readonly clock: () => number;
  /** Of which source a partition is. */
  readonly partitions: Map<string, string>;
  readonly check: Parameters<typeof portioner>[2];
  /** Where the run's reader stands, by partition: what it gives next comes after. */
  readonly delivered: ReadonlyMap<string, number>;
  /** What a store may have waiting before its queue is full. */
  readonly most: { readonly changes: number; readonly bytes: number };
  /** Whether the run's reader has this partition. */
  holds(partition: string): boolean;
  /** A reader beside the run's. */
  beside(
    after: readonly Position[],
    positions: (partitions: readonly string[]) => Promise<readonly Position[]>,
  ): AsyncIterable<ChangeBatch>;
  /** The run's reader has ended. */
  ended(): boolean;
  /** How long a store may take nothing before the run ends, ms. */
  limit(): number;
  fail(error: unknown): void;
  tell(stall: SinkStall): void;
  /** Something is durable that was not. */
  settled(): Promise<void>;
}

export class Outlet {
  readonly name: string;
  /** By partition, as the source gave it: what is durable. */
  readonly durable: Map<string, Position> = new Map();
  attached = true;
  private readonly store: StoreSinks;
  private readonly run: RunState;
  private sinks: ReadonlyMap<string, Sink> | null = null;
  private queue: Portion[] = [];
  /** Of the queue and of what is being taken. */
  private changes = 0;
  private bytes = 0;
  private busy = false;
  /**
   * Where a detached one has to be to go on with its queue, which holds all that the run's reader
   * gave since; null: its queue holds nothing.
   */
  private target: ReadonlyMap<string, number> | null = null;
  private stalled: {
    readonly since: number;
    attempts: number;
    error: TidemarkError | null;
  } | null = null;
  private patience: AbortController | null = null;

  constructor(store: StoreSinks, run: RunState) {
    this.store = store;
    this.run = run;
    this.name = store.name;
  }

  /** Takes all there is, until the source has ended and its store is level. */
  async work(): Promise<void> {
    const {
      run,
      store: { upkeep },
    } = this;
    const sinks = await this.attempt(() => this.store.open(run.signal));
    for (const [source, { positions }] of sinks) {
      for (const position of positions.values()) {
        run.partitions.set(position.partition, source);
        this.durable.set(position.partition, forSource(position));
      }
    }
    this.sinks = sinks;
    run.bell.ring();
    for (;;) {
      run.signal.throwIfAborted();
      if (!this.attached) {
        await this.readAlone();
        continue;
      }
      const portion = this.queue.shift();
      if (portion === undefined) {
        if (run.ended()) break;
        if (!(await this.rungInTime())) await this.commitDue();
        continue;
      }
      this.busy = true;
      await this.attempt(() => this.deliver(portion));
      if (upkeep !== undefined) await this.attempt(() => upkeep.step());
      this.busy = false;
      this.weigh(portion, -1);
      run.bell.ring();
    }
    await this.attempt(async () => {
      for (const [source, sink] of sinks) {
        await sink.finish();
        this.settle(source, sink);
      }
    });
    await run.settled();
    if (upkeep !== undefined) await this.attempt(() => upkeep.finish());
  }

  isOpen(): boolean {
    return this.sinks !== null;
  }

  /** Has taken all that it was given. */
  idle(): boolean {
    return this.sinks !== null && this.queue.length === 0 && !this.busy;
  }

  full(): boolean {
    return this.changes >= this.run.most.changes || this.bytes >= this.run.most.bytes;
  }

  failing(): boolean {
    return this.stalled !== null && this.stalled.attempts > 0;
  }

  stall(): SinkStall | null {
    if (this.stalled === null) return null;
    const { since, attempts, error } = this.stalled;
    return {
      sink: this.store.role,
      store: this.name,
      since: formatTime(since),
      attempts,
      error: error === null ? null : said(error),
      detached: !this.attached,
      over: false,
    };
  }

  /** Of the run's reader. */
  offer(portion: Portion): void {
    if (!this.attached && this.target === null) return;
    this.queue.push(portion);
    this.weigh(portion, 1);
    if (!this.attached && this.full()) this.dropQueue();
  }

  detach(): void {
    this.attached = false;
    this.dropQueue();
    this.stalled ??= { since: this.run.clock(), attempts: 0, error: null };
    this.startLimit();
    this.tell();
    this.run.bell.ring();
  }

  /**
   * Partitions came to the run's reader: where it stands in them is no longer where the queue of a
   * detached one began.
   */
  repositioned(): void {
    if (!this.attached) this.dropQueue();
  }

  positions(): readonly Position[] {
    return [...(this.sinks?.values() ?? [])].flatMap(({ positions }) => [...positions.values()]);
  }

  positionOf(partition: string): Position | undefined {
    return this.sinks?.get(this.run.partitions.get(partition) ?? "")?.positions.get(partition);
  }

  /** Where another run has moved the store. */
  async reload(): Promise<void> {
    for (const [source, sink] of this.sinks ?? []) {
      await sink.reload();
      for (const partition of sink.positions.keys()) this.run.partitions.set(partition, source);
    }
  }

  /** How long this store may still take nothing; asked again when the source ends. */
  startLimit(): void {
    this.patience?.abort();
    this.patience = null;
    const limit = this.run.limit();
    if (this.stalled === null || limit === Infinity) return;
    const patience = (this.patience = new AbortController());
    void this.giveUpAfter(limit, patience.signal);
  }

  stop(): void {
    this.patience?.abort();
  }

  private async giveUpAfter(limit: number, signal: AbortSignal): Promise<void> {
    await this.run.sleep(limit, signal);
    if (!signal.aborted) this.run.fail(this.gaveUp());
  }

  /** Until it is level with the run's reader. */
  private async readAlone(): Promise<void> {
    const { run } = this;
    for (;;) {
      if (this.target === null) this.aim();
      if (this.isLevel()) return this.attach();
      const after = this.positions();
      const own = portioner(after, run.partitions, run.check);
      const positions = async (partitions: readonly string[]): Promise<readonly Position[]> => {
        await this.attempt(() => this.reload());
        const now = this.positions().filter(({ partition }) => partitions.includes(partition));
        own.restart(partitions, now);
        return now.map(forSource);
      };
      for await (const batch of run.beside(after.map(forSource), positions)) {
        const portion = own.portionOf(batch);
        await this.attempt(() => this.deliver(portion));
        if (this.target === null) this.aim();
        if (this.isLevel()) break;
      }
      run.signal.throwIfAborted();
      if (!this.isLevel()) await run.sleep(READ_AGAIN, run.signal);
    }
  }

  /** From now on what the run's reader gives is queued too. */
  private aim(): void {
    this.dropQueue();
    this.target = new Map(this.run.delivered);
  }

  private isLevel(): boolean {
    const { target, run } = this;
    if (target === null) return false;
    for (const [partition, offset] of target) {
      const source = run.partitions.get(partition);
      if (source === undefined || this.sinks?.has(source) !== true || !run.holds(partition))
        continue;
      if ((this.positionOf(partition)?.offset ?? -1) < offset) return false;
    }
    return true;
  }

  private attach(): void {
    this.attached = true;
    this.target = null;
    if (!this.failing()) this.over();
    this.run.bell.ring();
  }

  private async deliver({ parts }: Portion): Promise<void> {
    for (const [source, sink] of this.sinks!) {
      const part = parts.get(source);
      if (part === undefined || part.positions.length === 0) continue;
      if (await sink.take(part.changes, part.positions)) this.settle(source, sink);
    }
    await this.run.settled();
  }

  /**
   * Waits for the bell; false where something taken has to be made durable before it rings: a log
   * that is quiet keeps nothing from its store.
   */
  private async rungInTime(): Promise<boolean> {
    const { bell, sleep } = this.run;
    const rung = bell.rung().then(() => true);
    const wait = Math.min(...[...this.sinks!.values()].map((sink) => sink.dueIn()));
    return wait === Infinity ? rung : (await within(rung, wait, sleep)) !== null;
  }

  private async commitDue(): Promise<void> {
    this.busy = true;
    for (const [source, sink] of this.sinks!)
      if (await this.attempt(() => sink.commitWhenDue())) this.settle(source, sink);
    await this.run.settled();
    this.busy = false;
    this.run.bell.ring();
  }

  /** All that the sink took is durable. */
  private settle(source: string, { positions }: Sink): void {
    for (const [partition, position] of positions)
      if (this.run.partitions.get(partition) === source)
        this.durable.set(partition, forSource(position));
  }

  /** Again and again while the store says that this may help. */
  private async attempt<T>(action: () => Promise<T>): Promise<T> {
    const { run } = this;
    for (let attempts = 0; ;) {
      run.signal.throwIfAborted();
      try {
        // what broke off may have been done
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
      await run.sleep(pauseAfter(attempts), run.signal);
    }
  }

  private failed(error: TidemarkError): void {
    const first = !this.failing();
    if (this.stalled === null) {
      this.stalled = { since: this.run.clock(), attempts: 0, error };
      this.startLimit();
    }
    this.stalled.attempts++;
    this.stalled.error = error;
    if (first) this.tell();
    this.run.bell.ring();
  }

  private succeeded(): void {
    if (this.stalled === null) return;
    if (this.attached) return this.over();
    this.stalled.attempts = 0;
    this.startLimit();
  }

  private over(): void {
    const last = this.stall();
    this.stalled = null;
    this.patience?.abort();
    if (last !== null) this.run.tell({ ...last, attempts: 0, over: true });
  }

  private tell(): void {
    this.run.tell(this.stall()!);
  }

  private dropQueue(): void {
    for (const portion of this.queue) this.weigh(portion, -1);
    this.queue = [];
    this.target = null;
  }

  private weigh({ changes, bytes }: Portion, sign: 1 | -1): void {
    this.changes += sign * Math.max(1, changes);
    this.bytes += sign * bytes;
  }

  private gaveUp(): TidemarkError {
    const { since, error } = this.stall()!;
    return new TidemarkError(
      "SINK_STALLED",
      `${this.name}: has taken nothing for too long, with trouble since ${since} ` +
        `(${error?.message ?? "it does not answer"}); ` +
        "what each store has stays, and nothing is lost: see to it, and run again to go on " +
        "from there",
      { cause: this.stalled?.error ?? undefined },
    );
  }
}
