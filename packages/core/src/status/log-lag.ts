/** Computes how far the stores are behind a log. */
import { isTidemarkError } from "../errors.ts";
import type { MeasuredPartition } from "../ingest/run-lag.ts";
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource, LogEnd, Position } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";

/** How far the slower store of a source is behind the log. */
export interface SourceLag {
  readonly messages: number;
  /**
   * The age of the newest commit that was taken, at the time of the measure; 0 if nothing is
   * missing. null: it is not known.
   */
  readonly seconds: number | null;
  /**
   * When the end of the log was read: now by a change source that was given, or by the last run.
   * The log may have grown since.
   */
  readonly at: string;
  /** The lag of each partition whose end is known. */
  readonly partitions: readonly PartitionLagStatus[];
}

/** How far the slower store is behind one partition of the log. */
export interface PartitionLagStatus {
  readonly partition: string;
  readonly messages: number;
  /** As the seconds of the source, for this partition alone. */
  readonly seconds: number | null;
}

/** What the stores of a source have taken. */
interface TakenBySource {
  /** The positions of each store. */
  readonly positions: readonly (readonly Position[])[];
  /** The newest commit time that was taken, µs; null: none is known. */
  readonly committed: number | null;
  /** The newest commit time of each partition, µs. */
  readonly committedOf: ReadonlyMap<string, number>;
}

/** The ends of the logs, as change sources say them now or as runs measured them last. */
export interface LogEnds {
  /** null: no change source was given. */
  readonly ends: readonly LogEnd[] | null;
  readonly measured: readonly MeasuredPartition[];
  /** Why some are not known; null: every change source answered. */
  readonly unknown: string | null;
}

/** Asks each change source. One that does not answer leaves the lag of its sources unknown. */
export async function logEnds(
  changes: readonly ChangeSource[],
  sources: readonly SourceSpec[],
  measured: readonly MeasuredPartition[],
  signal: AbortSignal | undefined,
): Promise<LogEnds> {
  const ends: LogEnd[] = [];
  let unknown: string | null = null;
  for (const from of changes) {
    try {
      ends.push(...((await from.ends?.({ sources, signal })) ?? []));
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTidemarkError(error)) throw error;
      unknown ??= error.message;
    }
  }
  return { ends: changes.length === 0 ? null : ends, measured, unknown };
}

/** The lag of the slowest store; null: no end of the source's log is known. */
export function lagOf(
  { name }: SourceSpec,
  { ends, measured }: LogEnds,
  { positions: stores, committed, committedOf }: TakenBySource,
  now: number,
): SourceLag | null {
  if (stores.length === 0) return null;
  const isOwn = (source: string | null, partition: string): boolean =>
    source === name ||
    stores.some((positions) => positions.some((one) => one.partition === partition));
  const byRun = measured.filter(({ source, partition }) => isOwn(source, partition));
  const byLog = (ends ?? []).filter(({ source, partition }) => isOwn(source, partition));
  const reached = (partition: string): number =>
    Math.min(
      ...stores.map(
        (positions) => positions.find((one) => one.partition === partition)?.offset ?? -1,
      ),
    );
  if (byLog.length > 0) {
    const taken = new Map(byRun.map((one) => [one.partition, one]));
    return lagAt(
      now,
      ({ partition, end }) => {
        const run = taken.get(partition);
        const offset = reached(partition);
        // Offsets without a message, such as ends of transactions, move no position.
        const isWhole = run?.lag === 0 && run.end !== null && offset >= (run.offset ?? -1);
        return Math.max(0, end - 1 - (isWhole ? Math.max(offset, run.end! - 1) : offset));
      },
      byLog,
    );
  }
  if (byRun.length === 0) return null;
  return lagAt(
    Math.min(...byRun.map(({ at }) => at)),
    ({ partition, lag, offset }) =>
      lag + (offset === null ? 0 : Math.max(0, offset - reached(partition))),
    byRun,
  );

  function lagAt<Partition extends { readonly partition: string }>(
    at: number,
    messagesOf: (one: Partition) => number,
    all: readonly Partition[],
  ): SourceLag {
    const seconds = (messages: number, newest: number | null): number | null =>
      messages === 0 ? 0 : newest === null ? null : Math.max(0, Math.round((at - newest) / 1e6));
    const partitions = all.map((one) => {
      const messages = messagesOf(one);
      const newest = committedOf.get(one.partition) ?? null;
      return { partition: one.partition, messages, seconds: seconds(messages, newest) };
    });
    const messages = partitions.reduce((sum, one) => sum + one.messages, 0);
    return { messages, seconds: seconds(messages, committed), at: formatTime(at), partitions };
  }
}

/** Why the lag of a source is not known. null: it is known, or no log feeds the source. */
export function unknownLag(
  { push }: SourceSpec,
  { unknown, ends }: LogEnds,
  lag: SourceLag | null,
): string | null {
  if (unknown !== null || lag !== null || push === true) return unknown;
  return ends === null
    ? "no run has measured it in this online store"
    : "no change source that was asked tells where the log of the source ends";
}
