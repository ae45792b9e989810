/**
 * Removes files that no version within the retention needs: files of old versions, and files of
 * writers that died before their commit. Files of a rewrite that may be resumed stay.
 */
import { TidemarkError, type Duration } from "@tidemark/core";
import { retentionMicros } from "@tidemark/core/internal";
import { pinnedFiles } from "./backups.ts";
import type { Lake } from "./lake.ts";
import type { ObjectStore } from "./objects.ts";
import { manifestsBefore, stagedPaths } from "./staging.ts";

/** Settings of `vacuum`. */
export interface VacuumOptions {
  /**
   * How long files stay that were removed from the table or never committed. Default: the store's
   * `retention`. A shorter time takes files from running scans.
   */
  readonly retention?: Duration | "0s" | undefined;
  /** Only returns the files that would be removed. Default: false. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The files that `vacuum` removed. */
export interface VacuumResult {
  /** Keys of the removed files. */
  readonly removed: readonly string[];
}

export async function vacuumTable(
  lake: Lake,
  table: string,
  { retention = lake.retention, dryRun = false, signal }: VacuumOptions,
): Promise<VacuumResult> {
  // The listing comes first. A file that is committed between the two readings is then known to the
  // log.
  const objects: { key: string; modified: number }[] = [];
  const prefix = `${table}/`;
  for await (const { key, modified } of lake.objects.list(prefix, { signal }))
    objects.push({ key: key.slice(prefix.length), modified });
  const log = await lake.latest(table, signal);
  if (log === null)
    throw new TidemarkError(
      "TABLE_MISSING",
      `${lake.objects.name}: there is no table "${table}" to vacuum`,
    );
  log.checkWritable(false);

  const before = lake.clock() - retentionMicros("vacuum: retention", retention) / 1000;
  const needed = new Set([...log.files.values()].map((file) => file.path));
  for (const path of await pinnedFiles(lake, table, signal)) needed.add(path);
  for (const path of await stagedPaths(lake, table, signal)) needed.add(path);
  for (const remove of log.removed.values())
    if ((remove.deletionTimestamp ?? 0) >= before) needed.add(decodeURIComponent(remove.path));
  // A table may lie below another table's directory. Its files belong to it alone.
  const inner = new Set(objects.flatMap(({ key }) => /^(.+\/)_delta_log\//.exec(key)?.[1] ?? []));

  const removed: string[] = [];
  for (const { key, modified } of objects) {
    if (
      !key.endsWith(".parquet") ||
      modified >= before ||
      needed.has(key) ||
      isHidden(key) ||
      [...inner].some((folder) => key.startsWith(folder))
    )
      continue;
    removed.push(prefix + key);
  }
  removed.push(...(await manifestsBefore(lake, table, before, signal)));
  if (!dryRun) await deleteAll(lake.objects, removed, signal);
  return { removed };
}

/** Removes objects, with few requests where the store can. */
export async function deleteAll(
  objects: ObjectStore,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (objects.deleteAll !== undefined) return objects.deleteAll(keys, { signal });
  for (const key of keys) {
    signal?.throwIfAborted();
    await objects.delete(key, { signal });
  }
}

/**
 * True for names that Spark treats as hidden: `_x` and `.x`. A partition column may still begin so.
 */
function isHidden(key: string): boolean {
  return key.split("/").some((part) => /^[_.]/.test(part) && !part.includes("="));
}
