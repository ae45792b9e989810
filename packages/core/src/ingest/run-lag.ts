/** Measures how far a run is behind its log. */
import { topicOf } from "../rows/snapshot-generations.ts";
import type { ChangeSource } from "../spi.ts";

/** How far a run was behind the log of one partition. */
export interface MeasuredPartition {
  readonly partition: string;
  /** The source whose rows the partition holds; null: it is not known. */
  readonly source: string | null;
  /** The offset of the last change that the run had given to the stores; null: none. */
  readonly offset: number | null;
  /** The number of offsets that the run had not given to the stores. */
  readonly lag: number;
  /** The offset after the end of the log; null: it is not known. */
  readonly end: number | null;
  /** When this was measured, µs. */
  readonly at: number;
}

/** What a measure is taken of. */
interface Measured {
  readonly from: ChangeSource;
  /** The source of each partition. */
  readonly partitions: ReadonlyMap<string, string>;
  /** The offset that was given to the stores, by partition. */
  readonly delivered: ReadonlyMap<string, number>;
  /** Whether the run has read the log to its end. */
  readonly isAtEnd: boolean;
  readonly at: number;
}

/** Measures the partitions of a run. Empty: nothing is known yet. */
export function measuredPartitions(run: Measured): readonly MeasuredPartition[] {
  const { from, partitions, delivered, at } = run;
  const ofTopic = new Map([...partitions].map(([name, source]) => [topicOf(name), source]));
  const sourceOf = (partition: string): string | null =>
    partitions.get(partition) ?? ofTopic.get(topicOf(partition)) ?? null;
  if (from.lag === undefined)
    return run.isAtEnd
      ? [...delivered].map(([partition, offset]) => ({
          partition,
          source: sourceOf(partition),
          offset,
          lag: 0,
          end: offset + 1,
          at,
        }))
      : [];
  return from
    .lag()
    .map(({ partition, lag, highWatermark }) => ({
      partition,
      source: sourceOf(partition),
      offset: delivered.get(partition) ?? null,
      lag,
      end: highWatermark ?? null,
      at,
    }));
}

/** How often the lag of a run is kept, ms. */
const INTERVAL = 10_000;
/** How often a run looks whether its lag is known for the first time, ms. */
const FIRST_INTERVAL = 1_000;

/** Keeps the lag of a run from time to time. */
export interface LagKeeper {
  /** Keeps the lag at the end of the run. */
  finish(): Promise<void>;
  stop(): void;
}

/** Gives what `measure` finds to `keep`, every ten seconds and at the end. */
export function lagKeeper(
  measure: () => readonly MeasuredPartition[],
  keep: (measured: readonly MeasuredPartition[]) => Promise<void>,
  onError: (error: unknown) => void,
): LagKeeper {
  let due = 0;
  let keeping: Promise<void> | null = null;
  const keepNow = async (): Promise<void> => {
    const measured = measure();
    if (measured.length === 0) return;
    due = performance.now() + INTERVAL;
    await keep(measured);
  };
  const timer = setInterval(() => {
    if (keeping !== null || performance.now() < due) return;
    keeping = keepNow()
      .catch(onError)
      .finally(() => {
        keeping = null;
      });
  }, FIRST_INTERVAL);
  return {
    async finish() {
      clearInterval(timer);
      await keeping;
      await keepNow();
    },
    stop() {
      clearInterval(timer);
    },
  };
}
