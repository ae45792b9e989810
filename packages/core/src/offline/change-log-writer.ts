/**
 * Appends changes of one source to its change log as they arrive. Nothing is looked up, so this
 * source writer waits for no other.
 */
import type { HistoryContext } from "./history-context.ts";
import { TidemarkError } from "../errors.ts";
import type { Change, Metadata, Position, PositionStep } from "../spi.ts";
import { erasureGuard, type EntityKey, type ErasureGuard } from "../ingest/erasure-guard.ts";
import { estimatedBytes } from "../ingest/source-batches.ts";
import { backgroundTask } from "./background-task.ts";
import { changesToBatches } from "./change-log.ts";
import { isCompactionDue } from "./compaction-due.ts";
import { compactHistory, type CompactionSettings } from "./compaction.ts";
import { partitionOf } from "../rows/snapshot-generations.ts";
import type { PairedLog } from "../pairing/store-pair.ts";

/** When buffered changes are committed: at whichever limit comes first. */
export interface CommitLimits {
  readonly rows: number;
  readonly bytes: number;
  /** µs since the first buffered change. */
  readonly age: number;
}

export const DEFAULT_LIMITS: CommitLimits = { rows: 50_000, bytes: 64 * 2 ** 20, age: 60e6 };
/** Changes that wait while a compaction runs. With more of them, appends wait for it. */
const MOST_WAITING = 1_000_000;
/** The number of attempts to commit while other runs move the log. */
const ATTEMPTS = 20;

export interface ChangeLogWriter {
  /** Buffers changes that come after those it has. */
  buffer(changes: readonly Change[], positions: readonly Position[]): void;
  /** ms until the buffered changes reach the age limit; Infinity if none are buffered. */
  commitDueIn(): number;
  /**
   * Commits when a limit is reached. True if nothing is left in the buffer. After a failure the
   * buffered changes are still there.
   */
  commitWhenDue(): Promise<boolean>;
  /** Commits the buffered changes. */
  flush(): Promise<void>;
  /** Discards buffered changes up to these positions, which another run has committed. */
  discardUpTo(stored: readonly Position[]): void;
  /** Commits, and compacts the versions table. */
  finish(): Promise<void>;
  /** Ends a compaction in the background. The run ends without `finish`. */
  abandon(): Promise<void>;
}

export interface ChangeLogWriterOptions extends HistoryContext {
  readonly clock: () => number;
  readonly limits: CommitLimits;
  readonly compaction?: CompactionSettings | undefined;
  /** The snapshot generation of the changes. */
  readonly generation: number;
  /** The log's positions in the generation; the source writer keeps them. */
  readonly positions: readonly Position[];
  /** Reads the log's current positions in the generation. */
  readonly stored: () => Promise<readonly Position[]>;
  /**
   * Whether other runs may move the log: this run then continues behind them. Otherwise a moved log
   * is `HISTORY_FENCED`.
   */
  readonly shared: boolean;
  /** Pairs the change log with the online store. */
  readonly pair: PairedLog;
  /** The columns that hold the keys of entities, so that changes of erased ones are refused. */
  readonly entityKeys: readonly EntityKey[];
  /** Reads what the online store knows of erased entities. */
  readonly erasedOnline: () => Promise<Metadata>;
  readonly signal?: AbortSignal | undefined;
}

export function changeLogWriter(options: ChangeLogWriterOptions): ChangeLogWriter {
  const { offline, source, tables, clock, limits, pair, signal } = options;
  const committedOffsets = new Map(
    options.positions.map(({ partition, offset }) => [partition, offset]),
  );
  let changes: Change[] = [];
  let bytes = 0;
  let bufferedSince = 0;
  let reached = new Map<string, Position>();
  let uncompacted = 0;
  const background = backgroundTask();
  /**
   * A failed commit of this run may still take effect, perhaps later. So this run may itself have
   * moved the log.
   */
  let writeUncertain = false;
  let guard: ErasureGuard | null = null;
  /** µs until the buffered changes reach the age limit. */
  const timeLeft = (): number => bufferedSince + limits.age - clock();

  /** Reads which entities were erased. False: no other than the known ones. */
  async function readErased(): Promise<boolean> {
    const { metadata } = (await offline.state(tables.changes.name, { signal })) ?? {};
    const now = erasureGuard(source, options.entityKeys, metadata, await options.erasedOnline());
    const isChanged = now.step.expected !== guard?.step.expected;
    guard = now;
    return isChanged;
  }

  /** The changes without those of erased entities. The log keeps where each partition begins. */
  function allowed(steps: readonly PositionStep[]): readonly Change[] {
    const kept = guard!.allowed(changes);
    const places = steps.flatMap(({ partition, expected }): readonly Change[] => {
      if (expected !== null) return [];
      const first = changes.find((change) => partitionOf(change) === partition);
      const isThere = (change: Change): boolean =>
        change.offset === first?.offset && partitionOf(change) === partition;
      return first === undefined || kept.some(isThere) ? [] : [guard!.placeOf(first)];
    });
    return places.length === 0 ? kept : [...places, ...kept];
  }

  async function flush(): Promise<void> {
    if (guard === null && reached.size > 0) await readErased();
    for (let attempt = 1; ; attempt++) {
      const steps: PositionStep[] = [...reached.values()].map(
        ({ partition, offset, checkpoint }) => ({
          partition,
          generation: options.generation,
          expected: committedOffsets.get(partition) ?? null,
          next: offset,
          checkpoint,
        }),
      );
      if (steps.length === 0) {
        bytes = 0;
        return;
      }
      const metadata = await pair.steps([...reached.keys()]);
      const written = await offline
        .append(tables.changes, await changesToBatches(source, allowed(steps)), {
          positions: steps,
          metadata: [...metadata, guard!.step],
          signal,
        })
        .catch((error: unknown) => {
          writeUncertain = true;
          throw error;
        });
      if (written === "done") {
        writeUncertain = false;
        for (const { partition, next } of steps) committedOffsets.set(partition, next);
        if (guard!.step.next !== guard!.step.expected) guard = null;
        pair.committed(
          metadata,
          steps.map(({ partition, generation, next: offset }) => ({
            partition,
            generation,
            offset,
          })),
        );
        break;
      }
      pair.reload();
      const isErasure = await readErased();
      const stored = await options.stored();
      const at = new Map(stored.map(({ partition, offset }) => [partition, offset]));
      // A run of other partitions of the source only changes the metadata.
      const isMoved = steps.some(
        ({ partition, expected }) => (at.get(partition) ?? null) !== expected,
      );
      if (!isMoved || ((isErasure || options.shared || writeUncertain) && attempt < ATTEMPTS)) {
        // another run makes progress, however often it is first
        if (!isMoved) attempt--;
        signal?.throwIfAborted();
        discardUpTo(stored);
        continue;
      }
      throw new TidemarkError(
        "HISTORY_FENCED",
        `${offline.name}: another runner has moved the log of source "${source.name}": ` +
          "run one runner per partition, and start this one again to go on from there",
      );
    }
    uncompacted += changes.length;
    changes = [];
    bytes = 0;
    reached = new Map();
  }

  function discardUpTo(stored: readonly Position[]): void {
    for (const { partition, offset } of stored) {
      if (offset <= (committedOffsets.get(partition) ?? -1)) continue;
      committedOffsets.set(partition, offset);
      changes = changes.filter(
        (change) => change.offset > offset || partitionOf(change) !== partition,
      );
      if (offset >= (reached.get(partition)?.offset ?? Infinity)) reached.delete(partition);
    }
  }

  async function compactWhenDue(): Promise<void> {
    const rows = async (): Promise<number> =>
      (await offline.state(tables.versions.name, { signal }))?.rows ?? 0;
    if (!(await isCompactionDue(uncompacted, rows))) return;
    if (background.isRunning) {
      // memory holds the changes that wait, so appends wait for it only when they are many
      if (uncompacted >= MOST_WAITING) await background.ended();
      return;
    }
    uncompacted = 0;
    background.start((aborted) => compact(AbortSignal.any([aborted, ...(signal ? [signal] : [])])));
  }

  async function compact(compactionSignal: AbortSignal | undefined): Promise<void> {
    await compactHistory(options, { ...options.compaction, signal: compactionSignal });
  }

  return {
    flush,
    discardUpTo,
    buffer(added, positions) {
      if (changes.length === 0) bufferedSince = clock();
      // an overtaken run may still get changes that another run has committed meanwhile
      const isNew = (partition: string, offset: number): boolean =>
        offset > (committedOffsets.get(partition) ?? -1);
      for (const change of added) {
        if (!isNew(partitionOf(change), change.offset)) continue;
        changes.push(change);
        bytes += estimatedBytes(change);
      }
      for (const position of positions)
        if (isNew(position.partition, position.offset)) reached.set(position.partition, position);
    },
    commitDueIn: () => (reached.size === 0 ? Infinity : Math.max(0, Math.ceil(timeLeft() / 1000))),
    async commitWhenDue() {
      if (changes.length >= limits.rows || bytes >= limits.bytes || timeLeft() <= 0) {
        await flush();
        background.throwFailure();
        await compactWhenDue();
      }
      return reached.size === 0;
    },
    async finish() {
      await flush();
      await background.ended();
      await compact(signal);
      await pair.idle();
    },
    abandon: () => background.abandon(),
  };
}
