/**
 * Makes a log that loses changes, and its continuation: a snapshot of the database at that time,
 * and the log from there on.
 *
 * - `retained`: the same topic goes on, with the messages that it still holds from before the
 *   snapshot.
 * - `recreated`: offsets begin again.
 * - `restored`: the database was restored, so LSNs begin again among the old ones.
 */
import type { Change, ChangeBatch, ChangeSource } from "@tidemark/core/spi";
import {
  generateScenario,
  type CompletedSnapshot,
  type Random,
  type Scenario,
  type ScenarioOptions,
} from "@tidemark/testkit";

export type LogContinuation = "retained" | "recreated" | "restored";

export interface LogWithGap {
  readonly scenario: Scenario;
  readonly continuation: LogContinuation;
  readonly before: readonly Change[];
  /** The changes of generation 1. */
  readonly after: readonly Change[];
  /** The range of each source's new snapshot. A table that was empty by then has none. */
  readonly snapshots: ReadonlyMap<string, CompletedSnapshot>;
  /** The sources whose new snapshot has a row that is marked as the last. */
  readonly withSnapshotEnd: ReadonlySet<string>;
  /** The lines as they were written, without LSNs that were set back. */
  readonly lines: { readonly before: readonly string[]; readonly after: readonly string[] };
}

/**
 * Returns the log; null if this seed has no gap, nothing was left after it, or the rest was
 * ambiguous.
 */
export function logWithGap(
  seed: number,
  continuation: LogContinuation,
  options: ScenarioOptions = {},
): LogWithGap | null {
  const scenario = generateScenario(seed, { ...options, traits: { gap: true, ...options.traits } });
  const rows = scenario.truth.flatMap((change, line) =>
    scenario.tags[line]!.includes("snapshot after a gap") ? [{ change, line }] : [],
  );
  if (rows.length === 0) return null;
  const cut = rows[0]!.line;
  const lsn = rows[0]!.change.order;
  // without LSNs a table has one partition, whose offsets mark what was before
  const beginning = (source: string): number =>
    rows.find(({ change }) => change.source === source)?.change.offset ?? 0;
  const tail = ({ source, order: at, kind, offset }: Change): boolean =>
    lsn === null ? offset < beginning(source) : kind !== "none" && at !== null && at < lsn;
  const kept = scenario.truth
    .map((change, line) => ({ change, line }))
    .filter(({ change, line }) => line >= cut && (continuation === "retained" || !tail(change)));
  const lsnShift =
    continuation === "restored" && lsn !== null
      ? (lsn - (scenario.truth.find((change) => change.order !== null)?.order ?? lsn)) / 2n
      : 0n;
  const first = new Map<string, number>();
  for (const { change } of kept)
    first.set(
      partitionOf(change),
      Math.min(first.get(partitionOf(change)) ?? Infinity, change.offset),
    );
  const after = kept.map(({ change }): Change => ({
    ...change,
    generation: 1,
    order: change.order === null ? null : change.order - lsnShift,
    ...(change.committedAfter === undefined
      ? {}
      : { committedAfter: change.committedAfter - lsnShift }),
    offset:
      continuation === "retained" ? change.offset : change.offset - first.get(partitionOf(change))!,
  }));
  const orderOf = ({ order: at, offset }: Change): bigint => at ?? BigInt(offset);
  const snapshots = new Map(
    scenario.sources.flatMap(({ name }): [string, CompletedSnapshot][] => {
      const mine = after.filter(
        (change, i) =>
          change.source === name && scenario.tags[kept[i]!.line]!.includes("snapshot after a gap"),
      );
      if (mine.length === 0) return [];
      const orders = mine.map(orderOf).sort((a, b) => (a < b ? -1 : 1));
      return [
        [
          name,
          {
            source: name,
            generation: 1,
            start: orders[0]!,
            end: orders.at(-1)!,
            committed: Math.max(...mine.map((change) => change.committed!)),
          },
        ],
      ];
    }),
  );
  // without LSNs, the old snapshot of an empty table that is delivered again cannot be told from a
  // new snapshot
  if (
    continuation !== "retained" &&
    lsn === null &&
    scenario.sources.some(
      ({ name }) =>
        !snapshots.has(name) && after.some((change) => change.source === name && change.snapshot),
    )
  )
    return null;
  const complete = [...snapshots.values()].filter(({ source, start }) =>
    after.some(
      (change) =>
        change.source === source && change.snapshotMarker === "last" && orderOf(change) >= start,
    ),
  );
  const lines = {
    before: scenario.lines.slice(0, cut),
    after: kept.map(({ line }) => scenario.lines[line]!),
  };
  return {
    scenario,
    continuation,
    withSnapshotEnd: new Set(complete.map(({ source }) => source)),
    before: scenario.truth.slice(0, cut),
    after,
    snapshots,
    lines,
  };
}

/**
 * Interleaves partitions at random, in batches of few changes. The log does not name the
 * generation.
 */
export function changesOf(
  name: string,
  changes: readonly Change[],
  random: Random,
  most = 7,
): ChangeSource {
  const queues = [...new Set(changes.map(partitionOf))].map((partition) =>
    changes.filter((change) => partitionOf(change) === partition),
  );
  return {
    name,
    async *changes({ sources, after }): AsyncIterable<ChangeBatch> {
      const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
      const fingerprints = new Map(
        after.map(({ partition, checkpoint }) => [partition, checkpoint?.message?.fingerprint]),
      );
      for (const [partition, checkpoint] of fingerprints)
        // an assumed position, before the first change of another store, has no fingerprint
        if (checkpoint !== undefined && checkpoint !== `m${reached.get(partition)!}`)
          throw new Error(
            `${partition}: the fingerprint "${checkpoint}" is not the one that was given with ` +
              "offset " +
              `${reached.get(partition)!}`,
          );
      const wanted = new Set(sources.map((source) => source.name));
      const left = queues.map((queue) =>
        queue.filter(
          (change) =>
            wanted.has(change.source) && change.offset > (reached.get(partitionOf(change)) ?? -1),
        ),
      );
      for (;;) {
        const open = left.filter((queue) => queue.length > 0);
        if (open.length === 0) return;
        const queue = random.pick(open);
        const batch = queue
          .splice(0, random.between(1, most))
          .map((change) => ({ ...change, generation: undefined }));
        const partition = partitionOf(batch[0]!);
        const { offset } = batch.at(-1)!;
        yield {
          changes: batch,
          positions: [
            { partition, offset, checkpoint: { message: { offset, fingerprint: `m${offset}` } } },
          ],
        };
      }
    },
  };
}

/** Returns the first seeds whose snapshots all mark their end. */
export function logsWithSnapshotEnd(
  firstSeed: number,
  count: number,
  continuation: LogContinuation,
  options: ScenarioOptions = {},
): LogWithGap[] {
  const logs: LogWithGap[] = [];
  for (let seed = firstSeed; logs.length < count; seed++) {
    const log = logWithGap(seed, continuation, options);
    if (log !== null && log.withSnapshotEnd.size === log.scenario.sources.length) logs.push(log);
  }
  return logs;
}

function partitionOf({ topic, partition }: Change): string {
  return `${topic}:${partition}`;
}
