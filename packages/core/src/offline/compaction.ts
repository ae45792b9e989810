/**
 * Brings the versions table up to the log, bucket by bucket, one commit per bucket. Memory is
 * bounded by a bucket and the log tail.
 */
import { TidemarkError } from "../errors.ts";
import { selectRows, type Batch } from "../columns/batch.ts";
import type { SourceSpec } from "../specs.ts";
import type { MetadataStep } from "../spi.ts";
import { compareErasures } from "./versions-erasures.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import {
  bucketCountStep,
  bucketsOf,
  bucketState,
  bucketStep,
  DEFAULT_BUCKETS,
  readUncompacted,
} from "./uncompacted-log.ts";
import { sameTruncate } from "../rows/row-versions.ts";
import { mergeBucket, type HistoryContext } from "./merge-versions.ts";
import { rewriteVersions, type RewriteProgress } from "./rewrite-versions.ts";
import {
  compactedDefinition,
  compareDefinition,
  definitionSteps,
  hasSameDefinition,
} from "./versions-definition.ts";
import { historyContext } from "./offline-reader.ts";
import { checkedChangeLog } from "./history-tables.ts";

const ATTEMPTS = 20;

export interface CompactionOptions {
  /** The number of buckets, if the versions table must be created. */
  readonly buckets?: number | undefined;
  /** Estimated bytes of changes that a rewrite holds in memory at once. */
  readonly rewriteBytes?: number | undefined;
  /**
   * Says whether versions that were derived under another definition may be replaced. Otherwise
   * they stay, and nothing is compacted. Default: they may.
   */
  readonly mayRewrite?: ((source: SourceSpec) => Promise<boolean>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while versions are rewritten that were derived under another definition. */
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
}

export interface CompactionResult {
  /** Changes taken from the log. */
  readonly changes: number;
  readonly buckets: number;
}

export async function compactHistory(
  context: HistoryContext,
  options: CompactionOptions = {},
): Promise<CompactionResult> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const done = await compactOnce(context, options);
    if (done !== null) return done;
  }
  throw new TidemarkError(
    "HISTORY_CONTENDED",
    `${context.offline.name}: ${ATTEMPTS} attempts to compact source "${context.source.name}" ` +
      "met other writers; compact from one process",
    { retryable: true },
  );
}

/** Compacts once; null: another writer moved the table in between. */
async function compactOnce(
  context: HistoryContext,
  { buckets: wanted = DEFAULT_BUCKETS, rewriteBytes, mayRewrite, ...options }: CompactionOptions,
): Promise<CompactionResult | null> {
  const { offline, source } = context;
  const { signal } = options;
  let { tables } = context;
  let versions = await offline.state(tables.versions.name, { signal });
  // the log is read second, so it is never behind the versions
  const state = await offline.state(tables.changes.name, { signal });
  const log = checkedChangeLog(offline.name, tables.changes.name, state);
  if (log === null) return { changes: 0, buckets: 0 };
  const definition = versions === null ? source : compactedDefinition(source, versions);
  if (definition === null) {
    if (mayRewrite !== undefined && !(await mayRewrite(source))) return { changes: 0, buckets: 0 };
    const rewritten = await rewriteVersions(context, {
      ...options,
      buckets: wanted,
      maxBytes: rewriteBytes,
    });
    return rewritten === null ? null : { changes: rewritten.total, buckets: wanted };
  }
  const own = definition === source ? context : historyContext(offline, definition);
  const { rows } = own;
  ({ tables } = own);
  const stored = bucketsOf(own, versions);
  const buckets = stored ?? wanted;
  const uncompacted = await readUncompacted(offline, definition, tables, rows, {
    log,
    versions,
    buckets,
    signal,
  });

  // each bucket must still be where the log tail was read from: another compactor's progress is a
  // conflict
  const readFrom = versions;
  const unchanged = [
    compareErasures(readFrom),
    ...(readFrom === null ? [] : [compareDefinition(readFrom)]),
  ];
  const steps = (bucket: number): MetadataStep[] => {
    const { truncates } = bucketState(readFrom, bucket);
    const step = bucketStep(readFrom, bucket, {
      reached: log.positions,
      truncates: [...truncates, ...uncompacted.truncates[bucket]!].filter(
        (truncate, i, all) => all.findIndex((one) => sameTruncate(one, truncate)) === i,
      ),
    });
    return step.expected === step.next ? [] : [step];
  };
  const touched = uncompacted.rows.flatMap((one, bucket) =>
    one.size > 0 || uncompacted.truncates[bucket]!.length > 0 ? [bucket] : [],
  );
  // buckets without changes in the log tail move with the first commit
  const idle = uncompacted.rows.flatMap((_, bucket) =>
    touched.includes(bucket) ? [] : steps(bucket),
  );
  const first =
    stored === null
      ? [bucketCountStep(versions, buckets), ...definitionSteps(source, versions), ...idle]
      : idle;
  if (touched.length === 0) {
    const moved = { positions: [], metadata: [...first, ...unchanged], signal };
    if (first.length > 0 && (await offline.append(tables.versions, [], moved)) === "conflict")
      return null;
    return { changes: uncompacted.changes, buckets: 0 };
  }
  const yieldToEventLoop = eventLoopYielder();
  for (const [n, bucket] of touched.entries()) {
    const newTruncates = uncompacted.truncates[bucket]!;
    const merge = mergeBucket(own, bucket, uncompacted.rows[bucket]!, newTruncates, {
      log,
      versions,
      signal,
    });
    const kept: Batch[] = [];
    if (versions !== null) {
      const columns = tables.versions.columns.map((column) => column.name);
      for await (const batch of offline.scan(tables.versions.name, {
        columns,
        version: versions.version,
        partitions: { _bucket: [bucket] },
        signal,
      })) {
        const keep = merge.keep(batch);
        await yieldToEventLoop();
        if (keep.includes(1)) kept.push(selectRows(batch, keep));
      }
    }
    const merged = rows.toBatch(await merge.merged(), bucket);
    await yieldToEventLoop();
    const written = await offline.rewrite(
      tables.versions,
      [...kept, merged].filter((batch) => batch.length > 0),
      {
        replaced: { _bucket: [bucket] },
        expectedVersion: versions?.version ?? null,
        positions: [],
        metadata: [...(n === 0 ? first : []), ...steps(bucket), ...unchanged],
        signal,
      },
    );
    if (written === "conflict") return null;
    versions = await offline.state(tables.versions.name, { signal });
    if (readFrom !== null && !hasSameDefinition(readFrom, versions)) return null;
  }
  return { changes: uncompacted.changes, buckets: touched.length };
}
