/**
 * Derives all versions of a source from its change log, under another definition than before. One
 * commit replaces the table. Readers that have begun keep the version of the table that they read.
 * Buckets are staged as they are done, so that a killed rewrite is resumed.
 */
import type { HistoryContext } from "./history-context.ts";
import { isRetryable, isTidemarkError, TidemarkError } from "../errors.ts";
import type { Batch } from "../columns/batch.ts";
import type { MetadataStep, TableState } from "../spi.ts";
import { readTruncates } from "./change-log.ts";
import { checkedChangeLog } from "./history-tables.ts";
import { rewriteRateSteps } from "./rewrite-rate.ts";
import { rangeName, rewriteOfChanges } from "./staged-names.ts";
import { newRewrite, resumedRewrite, type Rewrite } from "./staged-versions.ts";
import { sortedVersions, type VersionsOrder } from "./sorted-versions.ts";
import { isOlderLayout, logSteps } from "./uncompacted-log.ts";
import { compareErasures } from "./versions-erasures.ts";
import { compactedDefinition, definitionSteps } from "./versions-definition.ts";
import { versionsFromLog } from "./versions-from-log.ts";
import { emptyBucket, layoutStep, type VersionsLayout } from "./versions-layout.ts";

const ATTEMPTS = 20;

/** How far a rewrite of the versions of a source is. */
export interface RewriteProgress {
  readonly source: string;
  /** The changes whose versions are written, approximately. */
  readonly changes: number;
  /** The changes of the change log. */
  readonly total: number;
  /** Those of `changes` whose versions an earlier, killed rewrite had written. */
  readonly reused: number;
}

/** A rewrite that was made: the changes of the log, and those that a killed rewrite had done. */
export type RewrittenVersions = Omit<RewriteProgress, "changes">;

export interface RewriteOptions {
  /** The number of buckets, if the versions table must be created. */
  readonly buckets?: number | undefined;
  /** Estimated bytes of changes in memory at once, unless one bucket has more. */
  readonly maxBytes?: number | undefined;
  /** Whether rows were erased, so that no reader may read the versions of before. */
  readonly afterErasure?: boolean | undefined;
  /** Whether versions that hold all that is declared are derived anew too. */
  readonly derivesAnew?: boolean | undefined;
  /** The columns of an entity's keys, which decide the order of the versions. */
  readonly clusterBy?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
}

/**
 * Rewrites the versions of a source under its definition, unless they hold all that it declares.
 * After an erasure it rewrites them in any case.
 * The rewrite may be killed: nothing has changed then. A later call goes on with the buckets that
 * it staged.
 *
 * @returns What was rewritten; null: nothing was.
 * @throws HISTORY_CONTENDED when other writers moved the versions at each of many attempts.
 */
export async function rewriteVersions(
  context: HistoryContext,
  options: RewriteOptions = {},
): Promise<RewrittenVersions | null> {
  const { offline, source, tables } = context;
  const { signal } = options;
  const unusable = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const versions = await offline.state(tables.versions.name, { signal });
    const state = await offline.state(tables.changes.name, { signal });
    const log = checkedChangeLog(offline.name, tables.changes.name, state);
    if (log === null || versions === null) return null;
    if (
      options.afterErasure !== true &&
      options.derivesAnew !== true &&
      !isOlderLayout(versions) &&
      compactedDefinition(source, versions) !== null
    )
      return null;
    const rewrite =
      (await resumedRewrite(context, versions, unusable, signal)) ??
      (await newRewrite(context, versions, log, options.buckets, signal));
    try {
      if ((await writeVersions(context, versions, rewrite, options)) === "done")
        return { source: source.name, total: rewrite.log.rows, reused: reusedChanges(rewrite) };
    } catch (error) {
      if (isTidemarkError(error, "STAGED_ROWS_MISSING")) continue;
      // the files of an older version of the log may be gone
      if (rewrite.log.version === log.version || !isTidemarkError(error) || isRetryable(error))
        throw error;
      unusable.add(rewrite.name);
    }
  }
  throw new TidemarkError(
    "HISTORY_CONTENDED",
    `${offline.name}: ${ATTEMPTS} attempts to rewrite the versions of source "${source.name}" ` +
      "met other writers; run tidemark apply again while fewer of them write",
    { retryable: true },
  );
}

/** The changes of the buckets that an earlier rewrite had staged, approximately. */
function reusedChanges({ log, buckets, done }: Rewrite): number {
  const staged = done.reduce((sum, { first, end }) => sum + end - first, 0);
  return Math.round((log.rows * staged) / buckets);
}

/** Derives what is not staged yet, and commits all versions. */
async function writeVersions(
  context: HistoryContext,
  versions: TableState,
  rewrite: Rewrite,
  { maxBytes, afterErasure, clusterBy = [], signal, onProgress }: RewriteOptions,
): Promise<"done" | "conflict"> {
  const { offline, source, tables } = context;
  const { log, name } = rewrite;
  const began = performance.now();
  const truncates = await readTruncates(offline, tables, source, log, signal);
  const total = log.rows;
  const reused = reusedChanges(rewrite);
  let changes = 0;
  const report = (workDone: number): void => {
    // a group that turns out too large for the memory becomes smaller
    changes = Math.max(changes, Math.floor(reused + (total - reused) * workDone));
    onProgress?.({ source: source.name, changes, total, reused });
  };
  report(0);
  const order: VersionsOrder = { ...context, clusterBy };
  const groups = versionsFromLog(context, {
    ...rewrite,
    truncates,
    maxBytes,
    signal,
    onRead: report,
  });
  const steps: readonly MetadataStep[] = [
    ...definitionSteps(source, versions, afterErasure),
    ...logSteps(versions, { reached: log.positions, truncates }),
    layoutStep(versions, layoutOfRewrite(rewrite)),
  ];
  const commit = {
    replaced: {},
    expectedVersion: versions.version,
    positions: [],
    metadata: [
      ...steps.filter(({ expected, next }) => expected !== next),
      compareErasures(versions),
    ],
    signal,
  };
  const withRate = (): typeof commit => {
    const seconds = (performance.now() - began) / 1000;
    const rate = rewriteRateSteps(versions, { changes: total - reused, seconds });
    return { ...commit, metadata: [...commit.metadata, ...rate] };
  };
  const { staging } = offline;
  if (staging === undefined) {
    async function* all(): AsyncIterable<Batch> {
      for await (const group of groups) {
        yield* inOrder(group.batches(), order, rewrite.bounds);
        report(group.workDone);
      }
    }
    return offline.rewrite(tables.versions, all(), commit);
  }
  const names = rewrite.done.map(rangeName);
  for await (const group of groups) {
    const one = rangeName(group);
    const batches = inOrder(group.batches(), order, rewrite.bounds);
    await staging.write(tables.versions, batches, { rewrite: name, name: one, signal });
    names.push(one);
    report(group.workDone);
  }
  // the changes are not needed any more: not those of a killed rewrite, nor of one beside this
  const isDiscarded = (staged: string): boolean => rewriteOfChanges(staged) !== null;
  await staging.discard(tables.versions.name, { isDiscarded, signal });
  return offline.rewrite(tables.versions, [], { ...withRate(), staged: { rewrite: name, names } });
}

/** Versions in their order. The rows of a group are in memory at once. */
async function* inOrder(
  batches: AsyncIterable<Batch>,
  order: VersionsOrder,
  bounds: readonly number[],
): AsyncGenerator<Batch> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  const buckets = bounds.map((from) => ({ from }));
  for (const run of sortedVersions(all, order, buckets)) yield* run.batches(run.bucket);
}

/** The layout of rewritten versions: each group of rows is a run of each time bucket. */
function layoutOfRewrite({ bounds, buckets, log }: Rewrite): VersionsLayout {
  return {
    buckets: bounds.map((from, id) => ({
      ...emptyBucket(id, from),
      latest: id === bounds.length - 1 ? Infinity : bounds[id + 1]! - 1,
      rows: Math.ceil(log.rows / bounds.length),
      runs: buckets,
    })),
    corrections: [],
    unmerged: 0,
    waitingSince: null,
    nextId: bounds.length,
  };
}
