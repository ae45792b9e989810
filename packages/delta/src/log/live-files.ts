/**
 * Keeps a digest of a table's live files. Two states with one digest have the same files.
 *
 * RESTORE of Spark and delta-rs brings files back and leaves `txn`s as they are. So each commit of
 * Tidemark says in `txn`s which files its positions go with.
 */
import type { Action, Txn } from "./actions.ts";
import { FILES, FileDigest } from "./file-digest.ts";
import type { TableLog } from "./state.ts";

/** The number of rows after the commit, if the statistics say it. */
const ROWS = "#rows";

/** The digest of the table's files after these actions. */
export function digestAfter(log: TableLog, actions: readonly Action[]): number {
  const digest = log.digest.copy();
  const live = new Map<string, boolean>();
  const set = (path: string, isLive: boolean): void => {
    if ((live.get(path) ?? log.files.has(path)) !== isLive) digest.toggle(path);
    live.set(path, isLive);
  };
  for (const { remove } of actions) if (remove) set(remove.path, false);
  for (const { add } of actions) if (add) set(add.path, true);
  return digest.value;
}

/**
 * Whether the table's `txn`s go with its files. "unknown": other tools changed the files since, and
 * only the log says whether they restored an older version.
 */
export function positionsMatchFiles(log: TableLog): "yes" | "unknown" {
  const files = log.txns.get(FILES)?.version;
  return files === undefined || files === log.digest.value ? "yes" : "unknown";
}

/** True if the table has as many rows as Tidemark's newest commit left there. */
export function hasRowsOfCommit(log: TableLog): boolean {
  const rows = log.txns.get(ROWS)?.version;
  return rows !== undefined && rows === rowsOf(log);
}

/** The `txn`s that a commit needs beyond its own. */
export function filesTxns(
  log: TableLog | null,
  actions: readonly Action[],
  lastUpdated: number,
): readonly Txn[] {
  const txns: Txn[] = [];
  const digest = new FileDigest();
  if (log === null) for (const { add } of actions) if (add) digest.toggle(add.path);
  const files = log === null ? digest.value : digestAfter(log, actions);
  txns.push({ appId: FILES, version: files, lastUpdated });
  const rows = rowsAfter(log, actions);
  txns.push({ appId: ROWS, version: rows ?? -1, lastUpdated });
  if (log === null || !log.isRestored) return txns;
  // The log still has the `txn`s from before the RESTORE, so all of them are written again.
  const written = new Set([FILES, ROWS, ...actions.map(({ txn }) => txn?.appId)]);
  for (const { appId, version } of log.txns.values())
    if (!written.has(appId)) txns.push({ appId, version, lastUpdated });
  for (const appId of log.undoneTxns)
    if (!written.has(appId)) txns.push({ appId, version: -1, lastUpdated });
  return txns;
}

function rowsOf(log: TableLog): number | null {
  let rows = 0;
  for (const { stats } of log.files.values()) {
    if (stats.rows === null) return null;
    rows += stats.rows;
  }
  return rows;
}

function rowsAfter(log: TableLog | null, actions: readonly Action[]): number | null {
  let rows = log === null ? 0 : rowsOf(log);
  for (const { remove } of actions) {
    const file = remove === undefined ? undefined : log?.files.get(remove.path);
    if (file !== undefined && rows !== null) rows -= file.stats.rows ?? 0;
  }
  for (const { add } of actions) {
    if (!add || rows === null) continue;
    const added = rowsInStats(add.stats);
    rows = added === null ? null : rows + added;
  }
  return rows;
}

/** The number of rows that statistics say; null if they say none. */
export function rowsInStats(stats: string | null | undefined): number | null {
  const [, rows] = /"numRecords":(\d+)/.exec(stats ?? "") ?? [];
  return rows === undefined ? null : Number(rows);
}
