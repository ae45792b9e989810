/**
 * Brings the versions table up to the log, bucket by bucket, one commit per bucket. Memory is
 * bounded by a bucket and the log tail.
 */
import { TidemarkError } from "../errors.ts";
import { selectRows, type Batch } from "../columns/batch.ts";
import type { MetadataStep } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import {
  bucketsOf,
  bucketsStep,
  bucketState,
  bucketStep,
  readUncompacted,
} from "./uncompacted-log.ts";
import { sameTruncate } from "../rows/row-versions.ts";
import { mergeBucket, type HistoryContext } from "./merge-versions.ts";
import { checkedChangeLog } from "./history-tables.ts";

/** The number of buckets of a new versions table; the table stores it. */
const DEFAULT_BUCKETS = 8;
const ATTEMPTS = 20;

export interface CompactionOptions {
  /** The number of buckets, if the versions table must be created. */
  readonly buckets?: number | undefined;
  readonly signal?: AbortSignal | undefined;
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
  { buckets: wanted = DEFAULT_BUCKETS, signal }: CompactionOptions,
): Promise<CompactionResult | null> {
  const { offline, source, tables, rows } = context;
  let versions = await offline.state(tables.versions.name, { signal });
  // the log is read second, so it is never behind the versions
  const state = await offline.state(tables.changes.name, { signal });
  const log = checkedChangeLog(offline.name, tables.changes.name, state);
  if (log === null) return { changes: 0, buckets: 0 };
  const stored = bucketsOf(context, versions);
  const buckets = stored ?? wanted;
  const uncompacted = await readUncompacted(offline, source, tables, rows, {
    log,
    versions,
    buckets,
    signal,
  });

  // each bucket must still be where the log tail was read from: another compactor's progress is a
  // conflict
  const readFrom = versions;
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
  const first = stored === null ? [bucketsStep(buckets), ...idle] : idle;
  if (touched.length === 0) {
    if (
      first.length > 0 &&
      (await offline.append(tables.versions, [], { positions: [], metadata: first, signal })) ===
        "conflict"
    )
      return null;
    return { changes: uncompacted.changes, buckets: 0 };
  }
  const yieldToEventLoop = eventLoopYielder();
  for (const [n, bucket] of touched.entries()) {
    const newTruncates = uncompacted.truncates[bucket]!;
    const merge = mergeBucket(context, bucket, uncompacted.rows[bucket]!, newTruncates, {
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
        metadata: [...(n === 0 ? first : []), ...steps(bucket)],
        signal,
      },
    );
    if (written === "conflict") return null;
    versions = await offline.state(tables.versions.name, { signal });
  }
  return { changes: uncompacted.changes, buckets: touched.length };
}
