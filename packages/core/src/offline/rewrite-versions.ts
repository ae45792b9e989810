/**
 * Derives all versions of a source from its change log, under another definition than before. One
 * commit replaces the table. Readers that have begun keep the version of the table that they read.
 * Buckets are staged as they are done, so that a killed rewrite is resumed.
 */
import { isRetryable, isTidemarkError, TidemarkError } from "../errors.ts";
import type { Batch } from "../columns/batch.ts";
import type { MetadataStep, TableState } from "../spi.ts";
import { readTruncates } from "./change-log.ts";
import { checkedChangeLog } from "./history-tables.ts";
import type { HistoryContext } from "./merge-versions.ts";
import { rewriteRateSteps } from "./rewrite-rate.ts";
import { rangeName, rewriteOfChanges } from "./staged-names.ts";
import { newRewrite, resumedRewrite, type Rewrite } from "./staged-versions.ts";
import { bucketCountStep, bucketStep } from "./uncompacted-log.ts";
import { compareErasures } from "./versions-erasures.ts";
import { compactedDefinition, definitionSteps } from "./versions-definition.ts";
import { versionsFromLog } from "./versions-from-log.ts";

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
    if (options.afterErasure !== true && compactedDefinition(source, versions) !== null)
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
  { maxBytes, afterErasure, signal, onProgress }: RewriteOptions,
): Promise<"done" | "conflict"> {
  const { offline, source, tables } = context;
  const { log, buckets, name } = rewrite;
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
  const groups = versionsFromLog(context, {
    ...rewrite,
    truncates,
    maxBytes,
    signal,
    onRead: report,
  });
  const steps: readonly MetadataStep[] = [
    ...definitionSteps(source, versions, afterErasure),
    bucketCountStep(versions, buckets),
    ...Array.from({ length: buckets }, (_, bucket) =>
      bucketStep(versions, bucket, { reached: log.positions, truncates }),
    ),
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
        yield* group.batches();
        report(group.workDone);
      }
    }
    return offline.rewrite(tables.versions, all(), commit);
  }
  const names = rewrite.done.map(rangeName);
  for await (const group of groups) {
    const one = rangeName(group);
    await staging.write(tables.versions, group.batches(), { rewrite: name, name: one, signal });
    names.push(one);
    report(group.workDone);
  }
  // the changes are not needed any more: not those of a killed rewrite, nor of one beside this
  const isDiscarded = (staged: string): boolean => rewriteOfChanges(staged) !== null;
  await staging.discard(tables.versions.name, { isDiscarded, signal });
  return offline.rewrite(tables.versions, [], { ...withRate(), staged: { rewrite: name, names } });
}
