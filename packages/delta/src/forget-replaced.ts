/**
 * Removes what a table's log still says of rows that left the table: least and greatest values in
 * the statistics of removed files, in entries and in older checkpoints; and the files themselves.
 *
 * Entries are kept, because a process that is behind reads them to catch up. Only their statistics
 * are reduced to the number of rows.
 */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { UncommittedRows } from "@tidemark/core/spi";
import { endPins } from "./backups.ts";
import type { Lake } from "./lake.ts";
import type { Action } from "./log/actions.ts";
import { checkpointOf, writeCheckpoint } from "./log/checkpoint.ts";
import { rowsInStats } from "./log/live-files.ts";
import { entryKey, LOG_FILE } from "./log/names.ts";
import { decodePath } from "./log/partitions.ts";
import { scanFile } from "./scan.ts";
import { deleteAll, vacuumTable } from "./vacuum.ts";

/** Settings of `forgetReplaced`. */
export interface ForgetOptions {
  /** Also removes the files of older versions, at once. */
  readonly files: boolean;
  /** Backups no longer keep files of the table's older versions. */
  readonly endPins?: boolean | undefined;
  /** With `files`: files without a commit that hold such rows go too. */
  readonly uncommitted?: UncommittedRows | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `forgetReplaced` removed. */
export interface ForgetResult {
  /** Keys of the removed files. */
  readonly removed: readonly string[];
}

export async function forgetReplacedIn(
  lake: Lake,
  table: string,
  { files, endPins: endsPins = false, uncommitted, signal }: ForgetOptions,
): Promise<ForgetResult> {
  const { objects } = lake;
  const log = await lake.latest(table, signal);
  if (log === null)
    throw new TidemarkError(
      "TABLE_MISSING",
      `${objects.name}: there is no table "${table}" to forget rows of`,
    );
  log.checkWritable(false);
  const { version } = log;
  const isLive = new Set(log.files.keys());
  const dead = [...log.removed.values()].map(({ path }) => decodePath(table, path));
  const checkpoint = checkpointOf(log, lake.clock() - lake.retentionMillis);

  const entries: number[] = [];
  const checkpoints: string[] = [];
  const prefix = `${table}/_delta_log/`;
  for await (const { key } of objects.list(prefix, { signal })) {
    const found = LOG_FILE.exec(key.slice(prefix.length));
    if (found === null || Number(found[1]) > version) continue;
    if (found[2] === "json") entries.push(Number(found[1]));
    else if (Number(found[1]) < version) checkpoints.push(key);
  }
  if (checkpoints.length > 0) {
    // Readers need one newer checkpoint before the older ones go.
    await writeCheckpoint(objects, table, checkpoint, lake.failpoint);
    await deleteAll(objects, checkpoints, signal);
  }
  for (const entry of entries) {
    signal?.throwIfAborted();
    await reduceStatistics(lake, table, entry, isLive, signal);
  }
  if (endsPins) await endPins(lake, table, signal);
  await lake.failpoint("statistics-reduced");
  if (!files) return { removed: [] };

  const live = new Set([...log.files.values()].map(({ path }) => path));
  const named = dead.filter((path) => !live.has(path)).map((path) => `${table}/${path}`);
  await deleteAll(objects, named, signal);
  // A checkpoint does not name files that left the table longer ago.
  const { removed } = await vacuumTable(lake, table, { signal });
  const dropped =
    uncommitted === undefined ? [] : await removeUncommitted(lake, table, uncommitted, signal);
  return { removed: [...named, ...removed, ...dropped] };
}

/**
 * Removes the files that no version names and that hold rows which no writer may commit any more. A
 * writer that died left them, or one whose commit will be a conflict.
 */
async function removeUncommitted(
  lake: Lake,
  table: string,
  { columns: names, isErased }: UncommittedRows,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const { removed: untracked } = await vacuumTable(lake, table, {
    retention: "0s",
    dryRun: true,
    signal,
  });
  const log = (await lake.latest(table, signal))!;
  const columns = names.flatMap(
    (name) => log.schema.columns.find((column) => column.name === name) ?? [],
  );
  const found: string[] = [];
  for (const key of untracked) {
    const size = await lake.objects.size(key, { signal });
    const path = key.slice(table.length + 1);
    if (size !== null && (await holds(path, size))) found.push(key);
  }
  await deleteAll(lake.objects, found, signal);
  return found;

  async function holds(path: string, size: number): Promise<boolean> {
    const add = { path, size, partitionValues: {}, modificationTime: 0, dataChange: false };
    try {
      const scan = scanFile(lake, table, { add, path }, columns, { partitionBy: [], signal });
      for await (const batch of scan) if (isErased(batch)) return true;
    } catch (error) {
      // it is no file of this table, or it was removed meanwhile
      if (!isTidemarkError(error)) throw error;
    }
    return false;
  }
}

/** Writes an entry without the least and greatest values of files that left the table. */
async function reduceStatistics(
  lake: Lake,
  table: string,
  version: number,
  isLive: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = entryKey(table, version);
  const bytes = await lake.objects.read(key, undefined, { signal });
  if (bytes === null) return;
  const text = new TextDecoder().decode(bytes);
  let changed = false;
  const lines = text.split("\n").map((line) => {
    // Other lines stay to the letter, whatever tool wrote them.
    if (!line.includes('"stats"')) return line;
    const action = JSON.parse(line) as Action;
    const file = action.add ?? (action.remove as { path: string; stats?: string } | undefined);
    if (!file?.stats || (action.add !== undefined && isLive.has(file.path))) return line;
    const rows = rowsInStats(file.stats);
    const stats = rows === null ? null : JSON.stringify({ numRecords: rows });
    if (stats === file.stats) return line;
    changed = true;
    return JSON.stringify(
      action.add === undefined
        ? { ...action, remove: { ...action.remove, stats } }
        : { ...action, add: { ...action.add, stats } },
    );
  });
  if (changed) await lake.objects.put(key, new TextEncoder().encode(lines.join("\n")), { signal });
}
