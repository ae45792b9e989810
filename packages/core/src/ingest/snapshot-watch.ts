/**
 * What a run sees of the snapshot that begins an epoch: where it lies, and whether its last row has
 * come.
 */
import { TidemarkError } from "../errors.ts";
import type { Change, Position } from "../spi.ts";
import { positionsIn, type SnapshotSpan } from "../rows/snapshot-generations.ts";

/** Of one partition, up to a position. Places are those of the log, without the epoch. */
export interface Seen {
  /** The newest snapshot of the whole table; null: none yet. */
  readonly newest: {
    readonly start: bigint;
    readonly end: bigint;
    readonly committed: number;
    readonly ended: boolean;
  } | null;
  /** The last of all snapshot rows, those of snapshots that run beside the log included. */
  readonly any: { readonly end: bigint; readonly committed: number } | null;
  /** The change with the highest LSN. */
  readonly high: { readonly lsn: bigint; readonly committed: number } | null;
}

const NOTHING: Seen = { newest: null, any: null, high: null };

/**
 * Follows the partitions of one source. What it knows of a partition rides in the mark of the
 * partition's position, so a run that was killed goes on with it. Changes from before the snapshot
 * may lie in the log too; a snapshot that was begun again counts from its new beginning.
 */
export class SnapshotWatch {
  private readonly partitions = new Map<string, Seen>();
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  see(change: Change): void {
    const partition = `${change.topic}:${change.partition}`;
    const seen = this.partitions.get(partition) ?? NOTHING;
    const { high } = seen;
    const committed = change.committed ?? 0;
    const place = change.lsn ?? (high === null ? BigInt(change.offset) : high.lsn);
    const row = change.snapshot && change.kind === "upsert";
    if (
      row &&
      change.lsn !== null &&
      high !== null &&
      change.lsn < high.lsn &&
      committed > high.committed
    ) {
      throw new TidemarkError(
        "SOURCE_LSN_WENT_BACK",
        `source "${this.source}": ${partition} offset ${change.offset} is of a snapshot at ` +
          `LSN ${change.lsn}, and earlier changes in that partition have LSNs up to ` +
          `${high.lsn}: ` +
          "the topic goes on with a database that was set back. Take the new snapshot into a " +
          `new topic, and give that to store.rebootstrap("${this.source}", …)`,
      );
    }
    this.partitions.set(partition, {
      newest:
        row && change.snapshotPart !== "incremental"
          ? grown(seen.newest, change, place, committed)
          : endedBy(seen.newest, change),
      any:
        row && (seen.any === null || place >= seen.any.end)
          ? { end: place, committed: Math.max(committed, seen.any?.committed ?? 0) }
          : seen.any,
      high:
        change.lsn !== null && (high === null || change.lsn > high.lsn)
          ? { lsn: change.lsn, committed }
          : high,
    });
  }

  /** Where the snapshot lies, once its last row has come. Of several, the newest counts. */
  complete(): SnapshotSpan | null {
    const found = [...this.partitions.values()].flatMap(({ newest }) =>
      newest === null ? [] : [newest],
    );
    const last = found.reduce<Seen["newest"]>(
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

  /**
   * Where the newest snapshot begins, whether its last row has come or not; null: there is none.
   */
  newest(): bigint | null {
    return [...this.partitions.values()].reduce<bigint | null>(
      (most, { newest }) =>
        newest !== null && (most === null || newest.start > most) ? newest.start : most,
      null,
    );
  }

  /**
   * All that came, for a log that holds nothing from before the snapshot; `now` stands in where
   * there is no row at all.
   */
  everything(now: number): SnapshotSpan {
    const found = [...this.partitions.values()].flatMap(({ any }) => (any === null ? [] : [any]));
    if (found.length === 0) return { start: 0n, end: 0n, committed: now };
    return {
      start: 0n,
      end: found.reduce((end, one) => (one.end > end ? one.end : end), 0n),
      committed: Math.max(...found.map(({ committed }) => committed)),
    };
  }

  /** The mark of a position, with what was seen up to it. */
  marked(partition: string, mark: string | undefined): string | undefined {
    const seen = this.partitions.get(partition);
    if (seen === undefined) return mark;
    const { newest, any, high } = seen;
    const parts = [
      ...(newest === null
        ? ["", "", "", ""]
        : [newest.start, newest.end, newest.committed, newest.ended ? 1 : 0]),
      ...(any === null ? ["", ""] : [any.end, any.committed]),
      ...(high === null ? ["", ""] : [high.lsn, high.committed]),
    ];
    return `~${[encodeURIComponent(this.source), ...parts].join()} ${mark ?? ""}`;
  }

  /** Goes on from what `unmarked` found in the mark of a position. */
  start(partition: string, seen: Seen | null): void {
    if (seen === null) this.partitions.delete(partition);
    else this.partitions.set(partition, seen);
  }
}

export interface Unmarked {
  /** The source of the watch that wrote before the mark; null: none did. */
  readonly source: string | null;
  readonly seen: Seen | null;
  /** The mark of the log itself. */
  readonly mark: string | undefined;
}

/** Takes apart what `marked` made. */
export function unmarked(marked: string | undefined): Unmarked {
  if (marked?.startsWith("~") !== true) return { source: null, seen: null, mark: marked };
  const space = marked.indexOf(" ");
  const [source, start, end, committed, ended, anyEnd, anyCommitted, lsn, highCommitted] = marked
    .slice(1, space)
    .split(",") as [string, string, string, string, string, string, string, string, string];
  return {
    source: decodeURIComponent(source),
    seen: {
      newest:
        start === ""
          ? null
          : {
              start: BigInt(start),
              end: BigInt(end),
              committed: Number(committed),
              ended: ended === "1",
            },
      any: anyEnd === "" ? null : { end: BigInt(anyEnd), committed: Number(anyCommitted) },
      high: lsn === "" ? null : { lsn: BigInt(lsn), committed: Number(highCommitted) },
    },
    mark: space === marked.length - 1 ? undefined : marked.slice(space + 1),
  };
}

function grown(
  newest: Seen["newest"],
  { lsn, snapshotPart }: Change,
  place: bigint,
  committed: number,
): Seen["newest"] {
  const ended = snapshotPart === "last";
  // all rows of a snapshot have its LSN; without LSNs there is one partition, and a first row that
  // was read later than any begins another, while rows delivered again begin none
  const anew =
    newest === null ||
    (lsn === null
      ? snapshotPart === "first" && committed > newest.committed
      : place > newest.start);
  if (anew) return { start: place, end: place, committed, ended };
  if (place < newest.start) return newest;
  return {
    start: newest.start,
    end: place > newest.end ? place : newest.end,
    committed: Math.max(committed, newest.committed),
    ended: ended || newest.ended,
  };
}

/**
 * A change that follows the snapshot in its own partition says as well that the snapshot is over.
 */
function endedBy(newest: Seen["newest"], { snapshot, lsn }: Change): Seen["newest"] {
  return newest === null || newest.ended || snapshot || lsn === null || lsn <= newest.start
    ? newest
    : { ...newest, ended: true };
}

/** Positions as a user reads them. */
export function plainPositions(epoch: number, positions: readonly Position[]): readonly Position[] {
  return positionsIn(epoch, positions).map((position) => {
    const space = position.mark?.indexOf(" ") ?? -1;
    if (space < 0 || !position.mark!.slice(space + 1).startsWith("~")) return position;
    return {
      ...position,
      mark:
        `${position.mark!.slice(0, space)} ` +
        `${unmarked(position.mark!.slice(space + 1)).mark ?? ""}`,
    };
  });
}
