/**
 * Brings the versions table up to the log, in one commit. New rows become sorted runs of their time
 * buckets. New versions of rows that the table has become corrections, until so many changes came
 * that a merge is worth it. Memory is bounded by the log tail, the corrections and a time bucket.
 */
import { historyContext, type HistoryContext } from "./history-context.ts";
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { TableState } from "../spi.ts";
import { sameTruncate } from "../rows/row-versions.ts";
import { commitVersions } from "./commit-versions.ts";
import { checkedChangeLog } from "./history-tables.ts";
import { mergedVersions, type MergedVersions } from "./merge-versions.ts";
import { DEFAULT_LAYOUT_LIMITS, planMerge, type LayoutLimits } from "./merge-plan.ts";
import { rewriteVersions, type RewriteProgress } from "./rewrite-versions.ts";
import {
  bucketState,
  isOlderLayout,
  logSteps,
  readUncompacted,
  type UncompactedLog,
} from "./uncompacted-log.ts";
import { compactedDefinition, compareDefinition, definitionSteps } from "./versions-definition.ts";
import { compareErasures } from "./versions-erasures.ts";
import { EMPTY_LAYOUT, layoutOf, layoutStep } from "./versions-layout.ts";

const ATTEMPTS = 20;
/** A truncate changes every row. Larger tables are then derived anew, in bounded memory. */
const MAX_TRUNCATED_ROWS = 200_000;

/** How the versions of a source are compacted, whenever they are. */
export interface CompactionSettings {
  /** The number of buckets by primary key in which a rewrite derives versions. */
  readonly buckets?: number | undefined;
  /** Estimated bytes of changes that a rewrite holds in memory at once. */
  readonly rewriteBytes?: number | undefined;
  /**
   * Says whether versions that were derived under another definition may be replaced. Otherwise
   * they stay, and nothing is compacted. Default: they may.
   */
  readonly mayRewrite?: ((source: SourceSpec) => Promise<boolean>) | undefined;
  /**
   * The columns of an entity's keys. The versions of one entity lie side by side, by event time. No
   * answer depends on it. Default: versions lie by event time alone.
   */
  readonly clusterBy?: readonly string[] | undefined;
  /** When time buckets are merged and split. Default: as measured. */
  readonly layoutLimits?: LayoutLimits | undefined;
  /** Returns the time, µs. Default: the age of corrections is unknown, and merges none. */
  readonly clock?: (() => number) | undefined;
}

export interface CompactionOptions extends CompactionSettings {
  /**
   * Merges all corrections and all runs of each time bucket, whatever it costs. Other readers of
   * the table then see every row.
   */
  readonly mergesAll?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while versions are rewritten that were derived under another definition. */
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
}

export interface CompactionResult {
  /** Changes taken from the log. */
  readonly changes: number;
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
  options: CompactionOptions,
): Promise<CompactionResult | null> {
  const { offline, source } = context;
  const {
    mayRewrite,
    clusterBy = [],
    mergesAll = false,
    layoutLimits: limits = DEFAULT_LAYOUT_LIMITS,
    signal,
  } = options;
  const now = options.clock?.() ?? null;
  const versions = await offline.state(context.tables.versions.name, { signal });
  // the log is read second, so it is never behind the versions
  const state = await offline.state(context.tables.changes.name, { signal });
  const log = checkedChangeLog(offline.name, context.tables.changes.name, state);
  if (log === null) return { changes: 0 };
  const definition = versions === null ? source : compactedDefinition(source, versions);
  if (definition === null) {
    if (mayRewrite !== undefined && !(await mayRewrite(source))) return { changes: 0 };
    return rewritten(context, options);
  }
  const own = definition === source ? context : historyContext(offline, definition);
  if (isOlderLayout(versions)) return rewritten(own, options);
  const tail = await uncompactedTail(own, { log, versions, signal });
  if (tail.truncates.length > 0 && (versions?.rows ?? 0) > MAX_TRUNCATED_ROWS)
    return rewritten(own, { ...options, derivesAnew: true });

  const layout = versions === null ? EMPTY_LAYOUT : layoutOf(versions)!;
  const touched = new Map<number, number>();
  const merged: MergedVersions =
    tail.rows.size === 0 && tail.truncates.length === 0
      ? { changed: [], added: [] }
      : await mergedVersions(
          own,
          0,
          tail.rows,
          tail.truncates,
          { log, versions, signal },
          (bucket) => touched.set(bucket, (touched.get(bucket) ?? 0) + 1),
        );
  const { truncates } = bucketState(versions, 0);
  const steps = [
    ...logSteps(versions, {
      reached: log.positions,
      truncates: [...truncates, ...tail.truncates].filter(
        (truncate, i, all) => all.findIndex((one) => sameTruncate(one, truncate)) === i,
      ),
    }),
    ...(versions === null ? definitionSteps(source, versions) : []),
  ];
  const unchanged = [
    compareErasures(versions),
    ...(versions === null ? [] : [compareDefinition(versions)]),
  ];
  const plan = planMerge(layout, {
    touched,
    merged,
    changes: tail.changes,
    mergesAll: mergesAll || tail.truncates.length > 0,
    limits,
    now,
  });
  if (plan === null) {
    if (steps.length === 0) return { changes: 0 };
    const first = versions === null ? [layoutStep(null, layout)] : [];
    const moved = { positions: [], metadata: [...steps, ...first, ...unchanged], signal };
    const written = await offline.append(own.tables.versions, [], moved);
    return written === "conflict" ? null : { changes: tail.changes };
  }
  const written = await commitVersions(own, {
    versions,
    layout,
    plan,
    merged,
    touched,
    changes: tail.changes,
    changedKeys: tail.rows,
    isEachChanged: tail.truncates.length > 0,
    clusterBy,
    limits,
    now,
    metadata: [...steps, ...unchanged],
    signal,
  });
  return written === "conflict" ? null : { changes: tail.changes };
}

/** Derives the versions anew from the whole log. null: another writer moved the table. */
async function rewritten(
  context: HistoryContext,
  { rewriteBytes, ...options }: CompactionOptions & { readonly derivesAnew?: boolean },
): Promise<CompactionResult | null> {
  const done = await rewriteVersions(context, { ...options, maxBytes: rewriteBytes });
  return done === null ? null : { changes: done.total };
}

interface Tail {
  readonly rows: UncompactedLog["rows"][number];
  readonly truncates: UncompactedLog["truncates"][number];
  readonly changes: number;
}

/** The log tail of a table that has one state of the log. */
async function uncompactedTail(
  { offline, source, tables, rows }: HistoryContext,
  state: {
    readonly log: TableState;
    readonly versions: TableState | null;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Tail> {
  const one = await readUncompacted(offline, source, tables, rows, { ...state, buckets: 1 });
  return { rows: one.rows[0]!, truncates: one.truncates[0]!, changes: one.changes };
}
