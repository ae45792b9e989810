/** Changes of one source into its log, as they arrive: nothing is looked up, so this sink waits for no other. */
import { TidemarkError } from "../errors.ts";
import type { Change, Position, PositionStep } from "../spi.ts";
import { changesToBatch, offsetsOf } from "./change-log.ts";
import { compactHistory } from "./compaction.ts";
import type { HistoryContext } from "./merge-versions.ts";

/** When what is gathered is committed: whichever comes first. */
export interface CommitLimits {
  readonly rows: number;
  readonly bytes: number;
  /** µs since the first gathered change. */
  readonly age: number;
}

export const DEFAULT_LIMITS: CommitLimits = { rows: 50_000, bytes: 64 * 2 ** 20, age: 60e6 };
/** The versions table is brought up to the log when so many changes wait, or this share of what it holds, whichever is more: the work stays in proportion. */
const COMPACT_ROWS = 100_000;
const COMPACT_SHARE = 0.25;
/** Another run may overtake this one again while it looks where the log stands. */
const ATTEMPTS = 20;

export interface HistorySink {
  /** Takes changes and, when a limit is reached, commits: then true. */
  add(changes: readonly Change[], positions: readonly Position[]): Promise<boolean>;
  /** Commits what is gathered. */
  flush(): Promise<void>;
  /** The log stands here: what is gathered and lies before was brought by another run. */
  forget(stored: readonly Position[]): void;
  /** Commits, and brings the versions table up to the log. */
  finish(): Promise<void>;
}

export interface HistorySinkOptions extends HistoryContext {
  readonly clock: () => number;
  readonly limits: CommitLimits;
  readonly buckets: number | undefined;
  /** Where the log stands, by partition; the sink keeps it. */
  readonly positions: readonly Position[];
  /** Where the log stands, asked when another run has moved it; without it that is `HISTORY_FENCED`. */
  readonly overtaken?: (() => Promise<readonly Position[]>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export function historySink(options: HistorySinkOptions): HistorySink {
  const { offline, source, tables, clock, limits, signal } = options;
  const committed = offsetsOf(options.positions);
  let changes: Change[] = [];
  let bytes = 0;
  let since = 0;
  let reached = new Map<string, Position>();
  let waiting = 0;

  async function flush(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const steps: PositionStep[] = [...reached.values()].map(({ partition, offset, mark }) => ({ partition, expected: committed.get(partition) ?? null, next: offset, mark }));
      if (steps.length === 0) {
        bytes = 0;
        return;
      }
      const written = await offline.append(tables.changes, changes.length === 0 ? [] : [changesToBatch(tables, changes)], { positions: steps, signal });
      if (written === "done") {
        for (const { partition, next } of steps) committed.set(partition, next);
        break;
      }
      if (options.overtaken !== undefined && attempt < ATTEMPTS) {
        forget(await options.overtaken());
        continue;
      }
      throw new TidemarkError("HISTORY_FENCED", `${offline.name}: another runner has moved the log of source "${source.name}": run one runner per partition, and start this one again to go on from there`);
    }
    waiting += changes.length;
    changes = [];
    bytes = 0;
    reached = new Map();
  }

  function forget(stored: readonly Position[]): void {
    for (const { partition, offset } of stored) {
      if (offset <= (committed.get(partition) ?? -1)) continue;
      committed.set(partition, offset);
      changes = changes.filter((change) => change.offset > offset || `${change.topic}:${change.partition}` !== partition);
      if (offset >= (reached.get(partition)?.offset ?? Infinity)) reached.delete(partition);
    }
  }

  async function compactWhenDue(): Promise<void> {
    if (waiting < COMPACT_ROWS) return;
    const versions = await offline.state(tables.versions.name, { signal });
    if (waiting < COMPACT_SHARE * (versions?.rows ?? 0)) return;
    await compact();
  }

  async function compact(): Promise<void> {
    await compactHistory(options, { buckets: options.buckets, signal });
    waiting = 0;
  }

  return {
    flush,
    forget,
    async add(added, positions) {
      if (changes.length === 0) since = clock();
      for (const change of added) {
        changes.push(change);
        bytes += sizeOf(change);
      }
      for (const position of positions) reached.set(position.partition, position);
      if (changes.length < limits.rows && bytes < limits.bytes && clock() - since < limits.age) return false;
      await flush();
      await compactWhenDue();
      return true;
    },
    async finish() {
      await flush();
      await compact();
    },
  };
}

/** About what a change weighs in memory. */
export function sizeOf(change: Change): number {
  let size = 200 + (change.extra?.length ?? 0);
  for (const value of change.values ?? []) size += typeof value === "string" || value instanceof Uint8Array ? value.length + 16 : 16;
  return size;
}
