/**
 * Reads a table's log: entries, the newest checkpoint before a version, and the resulting state.
 */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { ObjectStore } from "../objects.ts";
import { problemOf, type Action } from "./actions.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { entryKey, LOG_FILE, pad } from "./names.ts";
import { hasRowsOfCommit, positionsMatchFiles } from "./live-files.ts";
import { isRestore, restoredTxns, unknownFiles, type OlderStates } from "./restored.ts";
import { TableLog } from "./state.ts";

/** The greatest size (bytes) of an entry that is read. */
const MAX_ENTRY_BYTES: number = 256 * 1024 * 1024;

/**
 * Reads the actions of one entry; null if the entry does not exist.
 *
 * @throws DELTA_LOG_DAMAGED when the entry cannot be read.
 */
export async function readEntry(
  objects: ObjectStore,
  table: string,
  version: number,
  signal: AbortSignal | undefined,
): Promise<readonly Action[] | null> {
  const key = entryKey(table, version);
  const bytes = await objects.read(key, undefined, { signal });
  return bytes === null ? null : parseEntry(objects, key, bytes);
}

function parseEntry(objects: ObjectStore, key: string, bytes: Uint8Array): readonly Action[] {
  const damaged = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "DELTA_LOG_DAMAGED",
      `${objects.name}: log entry "${key}" ${what}; ` +
        "put it back from a copy of the lake; if it is the newest entry and there is no copy, " +
        "stop the writers and move it aside: the next run takes its changes again where a log " +
        "has them",
      { cause },
    );
  if (bytes.length > MAX_ENTRY_BYTES)
    throw damaged(`has ${bytes.length} bytes, and at most ${MAX_ENTRY_BYTES} are read`);
  const lines = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length === 0) throw damaged("is empty");
  const actions = lines.map((line, i): Action => {
    let action: unknown;
    try {
      action = JSON.parse(line);
    } catch (error) {
      throw damaged(`cannot be read: line ${i + 1} is no JSON (cut off?)`, error);
    }
    const wrong = problemOf(action);
    if (wrong !== null) throw damaged(`cannot be read: line ${i + 1} ${wrong}`);
    return action as Action;
  });
  const expected = actions.find((action) => action.commitInfo)?.commitInfo?.["tidemark.lines"];
  if (expected !== undefined && expected !== lines.length)
    throw damaged(`has ${lines.length} of its ${expected} lines`);
  return actions;
}

interface CheckpointKeys {
  readonly version: number;
  readonly keys: readonly string[];
}

interface Listing {
  /** The complete checkpoints, newest first. */
  readonly checkpoints: readonly CheckpointKeys[];
  readonly entries: ReadonlySet<number>;
  readonly newest: number;
}

async function listLog(
  objects: ObjectStore,
  table: string,
  after: number,
  signal: AbortSignal | undefined,
): Promise<Listing> {
  const parts = new Map<string, { version: number; of: number; keys: string[] }>();
  const entries = new Set<number>();
  let newest = -1;
  const prefix = `${table}/_delta_log/`;
  for await (const { key } of objects.list(prefix, {
    signal,
    ...(after > 0 ? { after: `${prefix}${pad(after)}` } : {}),
  })) {
    const found = LOG_FILE.exec(key.slice(prefix.length));
    if (found === null) continue;
    const version = Number(found[1]);
    // No log has so many versions. Another file has such a name by accident.
    if (!Number.isSafeInteger(version)) continue;
    if (found[2] === "json") {
      newest = Math.max(newest, version);
      entries.add(version);
      continue;
    }
    const of = found[3] === undefined ? 1 : Number(found[3]);
    const id = `${version}/${found[3] ?? ""}`;
    const checkpoint = parts.get(id) ?? { version, of, keys: [] };
    checkpoint.keys.push(key);
    parts.set(id, checkpoint);
  }
  const checkpoints = [...parts.values()]
    .filter(({ of, keys }) => keys.length === of)
    .sort((a, b) => b.version - a.version);
  newest = Math.max(newest, checkpoints[0]?.version ?? -1);
  return { checkpoints, entries, newest };
}

/**
 * Reads the table at `version`, or at its newest version; null if the table does not exist.
 *
 * @throws VERSION_MISSING when the table does not have that version.
 * @throws DELTA_LOG_DAMAGED when entries are missing that no checkpoint covers.
 */
export async function loadTable(
  objects: ObjectStore,
  table: string,
  version: number | undefined,
  signal: AbortSignal | undefined,
  found: OlderStates["found"] = new Map(),
): Promise<TableLog | null> {
  const hint = version === undefined ? await lastCheckpoint(objects, table, signal) : 0;
  let listing = await listLog(objects, table, hint, signal);
  // A hint is ignored if its checkpoint was removed or never finished.
  if (hint > 0 && !listing.checkpoints.some((checkpoint) => checkpoint.version >= hint))
    listing = await listLog(objects, table, 0, signal);
  if (listing.newest < 0) return null;
  const target = version ?? listing.newest;
  if (target > listing.newest || target < 0 || !Number.isInteger(target)) {
    throw new TidemarkError(
      "VERSION_MISSING",
      `${objects.name}: table "${table}" has no version ${target}; its newest is ${listing.newest}`,
    );
  }
  const build = (isLast: boolean): Promise<TableLog | null> =>
    fromNewestCheckpoint(objects, table, listing, target, { found, isLast, signal });
  let log = await build(false).catch((error: unknown) => {
    if (hint > 0 && isTidemarkError(error, "DELTA_LOG_DAMAGED")) return null;
    throw error;
  });
  if (log === null) {
    // Entries before the hint may suffice where entries after the hint do not.
    if (hint > 0) listing = await listLog(objects, table, 0, signal);
    log = await build(true);
  }
  if (log === null) {
    const missingEntry = firstGap(listing.entries, 0, target);
    throw new TidemarkError(
      version === undefined ? "DELTA_LOG_DAMAGED" : "VERSION_MISSING",
      `${objects.name}: version ${target} of table "${table}" cannot be made: ` +
        `log entry ${missingEntry} is gone and no readable checkpoint covers it; ` +
        (version === undefined
          ? "put it back from a copy of the lake, or remove the entries after it if they are no " +
            "part of the table"
          : "ask for a newer version"),
    );
  }
  if (log.metaData === null || log.protocol === null)
    throw new TidemarkError(
      "DELTA_LOG_DAMAGED",
      `${objects.name}: the log of table "${table}" has no metadata up to version ${target}; ` +
        "put its first entry back from a copy of the lake",
    );
  return log;
}

interface LoadOptions {
  readonly found: OlderStates["found"];
  /** There is no other listing, so the rows decide where the log does not say what was restored. */
  readonly isLast: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads from the newest readable checkpoint whose positions go with its files, else from the first
 * entry; null if entries are missing on both ways.
 */
async function fromNewestCheckpoint(
  objects: ObjectStore,
  table: string,
  listing: Listing,
  target: number,
  { found, isLast, signal }: LoadOptions,
): Promise<TableLog | null> {
  let damage: unknown = null;
  /** The newest checkpoint by which only the log tells whether the table was restored. */
  let unsure: TableLog | null = null;
  const readOn = async (log: TableLog): Promise<TableLog | null> => {
    for (let version = log.version + 1; version <= target; version++) {
      const actions = await readEntry(objects, table, version, signal);
      if (actions === null) return null;
      await applyEntry(objects, log, version, actions, found, signal);
    }
    return log;
  };
  for (const checkpoint of [...listing.checkpoints, null]) {
    if (checkpoint !== null && checkpoint.version > target) continue;
    const start = checkpoint === null ? 0 : checkpoint.version + 1;
    if (firstGap(listing.entries, start, target) !== null) continue;
    const log = new TableLog(table);
    if (checkpoint !== null) {
      try {
        for (const key of checkpoint.keys)
          log.apply(checkpoint.version, await readCheckpoint(objects, key, signal));
      } catch (error) {
        if (!isTidemarkError(error, "DELTA_LOG_DAMAGED")) throw error;
        damage ??= error; // an older checkpoint or the entries may hold the same state
        continue;
      }
      // Another tool wrote the checkpoint. Its entries say what that tool did to the files.
      if (positionsMatchFiles(log) === "unknown") {
        unsure ??= log;
        continue;
      }
    }
    return await readOn(log);
  }
  if (unsure !== null && isLast) {
    if (!hasRowsOfCommit(unsure)) throw unknownFiles(objects, table, unsure.version);
    return await readOn(unsure);
  }
  if (damage !== null) throw damage;
  return null;
}

function firstGap(entries: ReadonlySet<number>, from: number, to: number): number | null {
  for (let version = from; version <= to; version++) if (!entries.has(version)) return version;
  return null;
}

/**
 * Reads `_last_checkpoint`, which only saves listing. An unreadable `_last_checkpoint` is ignored.
 */
async function lastCheckpoint(
  objects: ObjectStore,
  table: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const bytes = await objects.read(`${table}/_delta_log/_last_checkpoint`, undefined, { signal });
  if (bytes === null) return 0;
  try {
    const { version } = JSON.parse(new TextDecoder().decode(bytes)) as { version?: unknown };
    return Number.isSafeInteger(version) && (version as number) > 0 ? (version as number) : 0;
  } catch {
    return 0;
  }
}

/** Applies the entries that were committed since; true if there were any. */
export async function catchUp(
  objects: ObjectStore,
  log: TableLog,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let advanced = false;
  for (;;) {
    const next = log.version + 1;
    const actions = await readEntry(objects, log.table, next, signal);
    if (actions === null) return advanced;
    if (await applyEntry(objects, log, next, actions, new Map(), signal)) advanced = true;
  }
}

/**
 * Applies an entry, with the positions of the version that it restores. False if another call
 * applied it meanwhile.
 */
async function applyEntry(
  objects: ObjectStore,
  log: TableLog,
  version: number,
  actions: readonly Action[],
  found: OlderStates["found"],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { table } = log;
  const txns = isRestore(actions)
    ? await restoredTxns(objects, log, version, actions, {
        found,
        at: (older) =>
          loadTable(objects, table, older, signal, found).catch((error: unknown) => {
            if (isTidemarkError(error, "VERSION_MISSING")) return null;
            throw error;
          }),
        upTo: (newest) => statesUpTo(objects, table, newest, found, signal),
      })
    : null;
  if (log.version !== version - 1) return false;
  log.apply(version, actions);
  if (txns !== null) log.takeBack(txns);
  return true;
}

/** Yields the table's state at each version that the log still has, from the oldest. */
async function* statesUpTo(
  objects: ObjectStore,
  table: string,
  newest: number,
  found: OlderStates["found"],
  signal: AbortSignal | undefined,
): AsyncGenerator<TableLog> {
  const { entries, checkpoints } = await listLog(objects, table, 0, signal);
  const oldest = checkpoints.findLast(
    ({ version }) => version <= newest && firstGap(entries, version + 1, newest) === null,
  );
  const log = new TableLog(table);
  if (firstGap(entries, 0, newest) !== null) {
    if (oldest === undefined) return;
    for (const key of oldest.keys)
      log.apply(oldest.version, await readCheckpoint(objects, key, signal));
    yield log;
  }
  for (let version = log.version + 1; version <= newest; version++) {
    const actions = await readEntry(objects, table, version, signal);
    if (actions === null) return;
    await applyEntry(objects, log, version, actions, found, signal);
    yield log;
  }
}
