/**
 * Follows the snapshot that begins a snapshot generation: its span in the log, and whether its last
 * row was read.
 */
import { TidemarkError } from "../errors.ts";
import type { Change, Checkpoint, Position, SnapshotProgress } from "../spi.ts";
import { isRetried } from "../rows/retried.ts";
import { positionsOfGeneration, type SnapshotSpan } from "../rows/snapshot-generations.ts";

/**
 * The snapshot progress of one partition up to a position. Log orders are those of the log, without
 * the snapshot generation.
 */
export interface PartitionSnapshot {
  /** The newest snapshot of the whole table; null: none yet. */
  readonly newest: {
    readonly start: bigint;
    readonly end: bigint;
    readonly committed: number;
    readonly ended: boolean;
  } | null;
  /** The last snapshot row, including rows of incremental snapshots. */
  readonly lastRow: { readonly end: bigint; readonly committed: number } | null;
  /** The change with the highest log order. */
  readonly highest: { readonly order: bigint; readonly committed: number } | null;
}

const NOTHING_SEEN: PartitionSnapshot = { newest: null, lastRow: null, highest: null };

/**
 * Follows the partitions of one source. The progress of a partition is stored in the checkpoint of
 * the partition's position. So a killed run resumes with that progress. The log may also hold
 * changes from before the snapshot. A restarted snapshot counts from its new beginning.
 */
export class SnapshotWatch {
  private readonly partitions = new Map<string, PartitionSnapshot>();
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  observe(change: Change): void {
    const partition = `${change.topic}:${change.partition}`;
    const seen = this.partitions.get(partition) ?? NOTHING_SEEN;
    const { highest } = seen;
    const committed = change.committed ?? 0;
    const order = change.order ?? (highest === null ? BigInt(change.offset) : highest.order);
    const row = change.snapshot && change.kind === "upsert";
    if (
      row &&
      change.order !== null &&
      highest !== null &&
      change.order < highest.order &&
      committed > highest.committed
    ) {
      throw new TidemarkError(
        "SOURCE_LSN_WENT_BACK",
        `source "${this.source}": ${partition} offset ${change.offset} is of a snapshot at LSN ` +
          `${change.order}, and earlier changes in that partition have LSNs up to ` +
          `${highest.order}: the topic goes on with a database that was set back. ` +
          "Take the new snapshot into a new topic, " +
          `then run tidemark resnapshot ${this.source}, or call ` +
          `store.resnapshot("${this.source}", …)`,
      );
    }
    this.partitions.set(partition, {
      newest:
        row && change.snapshotMarker !== "incremental"
          ? extendedBy(seen.newest, change, order, committed)
          : endedBy(seen.newest, change),
      lastRow:
        row && (seen.lastRow === null || order >= seen.lastRow.end)
          ? { end: order, committed: Math.max(committed, seen.lastRow?.committed ?? 0) }
          : seen.lastRow,
      highest:
        change.order !== null && (highest === null || change.order > highest.order)
          ? { order: change.order, committed }
          : highest,
    });
  }

  /** The span of the newest snapshot once its last row was read; null until then. */
  completedSpan(): SnapshotSpan | null {
    const found = [...this.partitions.values()].flatMap(({ newest }) =>
      newest === null ? [] : [newest],
    );
    const last = found.reduce<PartitionSnapshot["newest"]>(
      (most, one) => (most === null || one.start > most.start ? one : most),
      null,
    );
    const rows = found.filter(({ start }) => start === last!.start);
    if (!rows.some(({ ended }) => ended)) return null;
    return {
      start: last!.start,
      end: rows.reduce((end, one) => (one.end > end ? one.end : end), last!.end),
      committed: Math.max(...rows.map(({ committed }) => committed)),
    };
  }

  /** The order at which the newest snapshot begins, complete or not; null: there is no snapshot. */
  newest(): bigint | null {
    return [...this.partitions.values()].reduce<bigint | null>(
      (most, { newest }) =>
        newest !== null && (most === null || newest.start > most) ? newest.start : most,
      null,
    );
  }

  /**
   * The span of all snapshot rows, for a log with nothing from before the snapshot. `now` is the
   * commit time if there is no row.
   */
  fullSpan(now: number): SnapshotSpan {
    const found = [...this.partitions.values()].flatMap(({ lastRow }) =>
      lastRow === null ? [] : [lastRow],
    );
    if (found.length === 0) return { start: 0n, end: 0n, committed: now };
    return {
      start: 0n,
      end: found.reduce((end, one) => (one.end > end ? one.end : end), 0n),
      committed: Math.max(...found.map(({ committed }) => committed)),
    };
  }

  /** The checkpoint of a position, with what was seen of the snapshot up to it. */
  withProgress(partition: string, checkpoint: Checkpoint | undefined): Checkpoint | undefined {
    const seen = this.partitions.get(partition);
    if (seen === undefined) return checkpoint;
    const { newest, lastRow, highest } = seen;
    return {
      ...checkpoint,
      snapshot: {
        source: this.source,
        newest:
          newest === null
            ? null
            : { ...newest, start: String(newest.start), end: String(newest.end) },
        lastRow: lastRow === null ? null : { ...lastRow, end: String(lastRow.end) },
        highest: highest === null ? null : { ...highest, order: String(highest.order) },
      },
    };
  }

  /** Resumes from the progress in a position's checkpoint; null: from nothing. */
  start(partition: string, progress: SnapshotProgress | null): void {
    if (progress === null) {
      this.partitions.delete(partition);
      return;
    }
    const { newest, lastRow, highest } = progress;
    this.partitions.set(partition, {
      newest:
        newest === null
          ? null
          : { ...newest, start: BigInt(newest.start), end: BigInt(newest.end) },
      lastRow: lastRow === null ? null : { ...lastRow, end: BigInt(lastRow.end) },
      highest: highest === null ? null : { ...highest, order: BigInt(highest.order) },
    });
  }
}

function extendedBy(
  newest: PartitionSnapshot["newest"],
  change: Change,
  order: bigint,
  committed: number,
): PartitionSnapshot["newest"] {
  const ended = change.snapshotMarker === "last";
  // all rows of a snapshot have one log order. Without log orders there is one partition. A first
  // row that was read later than all others begins a new snapshot; rows delivered again begin none.
  const anew =
    newest === null ||
    (change.order === null
      ? change.snapshotMarker === "first" && committed > newest.committed
      : order > newest.start);
  if (anew) return { start: order, end: order, committed, ended };
  if (order < newest.start) return newest;
  return {
    start: newest.start,
    end: order > newest.end ? order : newest.end,
    committed: Math.max(committed, newest.committed),
    ended: ended || newest.ended,
  };
}

/** Ends the snapshot at a change that follows it in the same partition. */
function endedBy(
  newest: PartitionSnapshot["newest"],
  { snapshot, order }: Change,
): PartitionSnapshot["newest"] {
  return newest === null || newest.ended || snapshot || order === null || order <= newest.start
    ? newest
    : { ...newest, ended: true };
}

/**
 * Positions as a user reads them: partition and offset, of the log's newest generation. Retried
 * messages have no place in the log.
 */
export function userPositions(
  generation: number,
  positions: readonly Position[],
): readonly Position[] {
  return positionsOfGeneration(generation, positions)
    .filter(({ partition }) => !isRetried(partition))
    .map(({ partition, offset }) => ({ partition, offset }));
}
