/**
 * Names what a rewrite of versions has staged, and finds what a killed rewrite left. The name says
 * all that the versions follow from, so equal names have equal versions.
 */
import type { HistoryContext } from "./history-context.ts";
import { isTidemarkError } from "../errors.ts";
import { nodeCrypto } from "../node-modules.ts";
import { selectRows } from "../columns/batch.ts";
import { eventTimeIndex, rowChangesOf } from "../rows/row-change.ts";
import { generationStateOf } from "../rows/snapshot-generations.ts";
import { snapshotEnds } from "../rows/row-versions.ts";
import type { StagedRows, TableState } from "../spi.ts";
import { changesReader, READ_COLUMNS, readChangeLog } from "./change-log.ts";
import { DEFAULT_BUCKETS } from "./uncompacted-log.ts";
import { definitionText } from "./versions-definition.ts";
import { erasuresOf } from "./versions-erasures.ts";
import { bytesOf } from "./bucket-changes.ts";
import type { StagedChanges } from "./staged-changes.ts";
import { rangeOf, rewriteOfChanges, wholeChanges } from "./staged-names.ts";
import { DEFAULT_LAYOUT_LIMITS } from "./merge-plan.ts";
import { partBounds } from "./time-bucket-bounds.ts";
import type { BucketRange } from "./versions-from-log.ts";

/** Changes of a bucket of a new table, and their estimated bytes: whichever makes more buckets. */
const CHANGES_PER_BUCKET = 200_000;
const BYTES_PER_BUCKET = 96 * 2 ** 20;
/** Changes from which the bytes of a change are estimated. */
const SAMPLE = 1_000;
/** Event times that are looked at for each time bucket. */
const TIMES_PER_BUCKET = 200;

/** A rewrite of all versions of a source. */
export interface Rewrite {
  readonly name: string;
  /** The version of the change log from which the versions are derived. */
  readonly log: TableState;
  /** The number of buckets by primary key, which are derived one after the other. */
  readonly buckets: number;
  /** Where the time buckets begin, µs. */
  readonly bounds: readonly number[];
  /** The buckets by primary key whose versions are staged. */
  readonly done: readonly BucketRange[];
  /** The changes of the log, if they are all staged. */
  readonly staged: StagedChanges | null;
}

/** Begins a rewrite of the newest version of the log. */
export async function newRewrite(
  context: HistoryContext,
  versions: TableState,
  log: TableState,
  wanted: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Rewrite> {
  const bounds = await sampledBounds(context, log, signal);
  const bytes = log.rows * (await bytesPerChange(context, log, signal));
  const buckets = Math.max(
    wanted ?? DEFAULT_BUCKETS,
    Math.ceil(log.rows / CHANGES_PER_BUCKET),
    Math.ceil(bytes / BYTES_PER_BUCKET),
  );
  const name = rewriteName(context, versions, log, buckets);
  return { name, log, buckets, bounds, done: [], staged: null };
}

/**
 * Finds a rewrite of this definition that was killed, over an older or the newest version of the
 * log. null: there is none.
 */
export async function resumedRewrite(
  context: HistoryContext,
  versions: TableState,
  unusable: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Rewrite | null> {
  const { offline, tables } = context;
  const staged = (await offline.staging?.list(tables.versions.name, { signal })) ?? [];
  let newest: Rewrite | null = null;
  for (const [name, found] of foundRewrites(staged)) {
    if (unusable.has(name) || (found.done.length === 0 && found.staged === null)) continue;
    const [version, buckets] = name.split("-", 2).map(Number);
    if (newest !== null && newest.log.version > version!) continue;
    const log = await offline
      .state(tables.changes.name, { version: version!, signal })
      .catch((error: unknown) => {
        if (!isTidemarkError(error, "VERSION_MISSING")) throw error;
        return null;
      });
    if (log === null || rewriteName(context, versions, log, buckets!) !== name) continue;
    newest = { name, log, buckets: buckets!, bounds: [], ...found };
  }
  if (newest === null) return null;
  return { ...newest, bounds: await sampledBounds(context, newest.log, signal) };
}

/** What each rewrite has staged, by its name. */
function foundRewrites(
  staged: readonly StagedRows[],
): ReadonlyMap<string, Pick<Rewrite, "done" | "staged">> {
  const namesOf = new Map<string, string[]>();
  for (const { rewrite, name } of staged)
    namesOf.set(rewrite, [...(namesOf.get(rewrite) ?? []), name]);
  const found = new Map<string, Pick<Rewrite, "done" | "staged">>();
  for (const [name, names] of namesOf) {
    const rewrite = rewriteOfChanges(name);
    const before = found.get(rewrite ?? name) ?? { done: [], staged: null };
    found.set(
      rewrite ?? name,
      rewrite === null
        ? { ...before, done: withoutOverlap(names.map(rangeOf)) }
        : { ...before, staged: wholeChanges(name, names) ?? before.staged },
    );
  }
  return found;
}

/** Two processes may stage ranges that overlap. Each bucket is committed once. */
function withoutOverlap(ranges: readonly BucketRange[]): readonly BucketRange[] {
  const kept: BucketRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first || b.end - a.end))
    if (range.first >= (kept.at(-1)?.end ?? 0)) kept.push(range);
  return kept;
}

/** VERSION-BUCKETS-ERASURES-HASH: the version of the log, and the erasures until then. */
function rewriteName(
  { source, tables }: HistoryContext,
  versions: TableState,
  log: TableState,
  buckets: number,
): string {
  const from = {
    format: "tidemark staged versions/2",
    definition: definitionText(source),
    columns: tables.versions.columns,
    positions: log.positions,
    rows: log.rows,
    ends: snapshotEnds(generationStateOf(log.metadata)),
  };
  const hash = nodeCrypto()
    .createHash("sha256")
    .update(JSON.stringify(from, (_, value) => (typeof value === "bigint" ? `${value}` : value)))
    .digest("hex")
    .slice(0, 24);
  return `${log.version}-${buckets}-${erasuresOf(versions)}-${hash}`;
}

/**
 * Where time buckets begin so that they have about equally many rows. Some changes of each batch of
 * the log are looked at. One version of the log has one result.
 */
async function sampledBounds(
  context: HistoryContext,
  log: TableState,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const { offline, source, tables } = context;
  const time = eventTimeIndex(source);
  const wanted = Math.ceil(log.rows / DEFAULT_LAYOUT_LIMITS.partRows);
  if (wanted <= 1) return [-Infinity];
  const every = Math.max(1, Math.floor(log.rows / (wanted * TIMES_PER_BUCKET)));
  const rowChanges = rowChangesOf(source);
  const changesIn = changesReader(source);
  const times: number[] = [];
  let read = 0;
  for await (const batch of offline.scan(tables.changes.name, {
    columns: READ_COLUMNS,
    version: log.version,
    signal,
  })) {
    const sampled = Uint8Array.from({ length: batch.length }, () => (read++ % every === 0 ? 1 : 0));
    for (const change of changesIn(selectRows(batch, sampled)))
      for (const { change: row } of rowChanges(change)) {
        const at = time < 0 ? row.committed : row.values?.[time];
        if (typeof at === "number") times.push(at);
      }
  }
  return partBounds(times, -Infinity, wanted);
}

/** The average of the first changes. */
async function bytesPerChange(
  { offline, source, tables }: HistoryContext,
  log: TableState,
  signal: AbortSignal | undefined,
): Promise<number> {
  const rowChanges = rowChangesOf(source);
  let [changes, bytes] = [0, 0];
  for await (const change of readChangeLog(offline, tables, source, {
    version: log.version,
    signal,
  })) {
    for (const { change: row } of rowChanges(change)) bytes += bytesOf(row);
    if (++changes === SAMPLE) break;
  }
  return bytes / Math.max(1, changes);
}
