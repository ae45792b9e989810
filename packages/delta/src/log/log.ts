/**
 * Reads a table's log: entries, the newest checkpoint before a version, and the resulting state.
 */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { ObjectStore } from "../objects.ts";
import type { Action } from "./actions.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { entryKey, pad } from "./names.ts";
import { TableLog } from "./state.ts";

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
        "put it back from a copy of the lake, or restore the table to the version before it",
      { cause },
    );
  const lines = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length === 0) throw damaged("is empty");
  const actions = lines.map((line, i): Action => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw damaged(`cannot be read: line ${i + 1} is no JSON (cut off?)`, error);
    }
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
    const found =
      /^(\d{20})\.(?:(json)|checkpoint\.parquet|checkpoint\.\d{10}\.(\d{10})\.parquet)$/.exec(
        key.slice(prefix.length),
      );
    if (found === null) continue;
    const version = Number(found[1]);
    newest = Math.max(newest, version);
    if (found[2] === "json") {
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
  const build = (): Promise<TableLog | null> =>
    fromNewestCheckpoint(objects, table, listing, target, signal);
  let log = await build().catch((error: unknown) => {
    if (hint > 0 && isTidemarkError(error, "DELTA_LOG_DAMAGED")) return null;
    throw error;
  });
  if (log === null && hint > 0) {
    // Entries before the hint may suffice where entries after the hint do not.
    listing = await listLog(objects, table, 0, signal);
    log = await build();
  }
  if (log === null) {
    const missingEntry = firstGap(listing.entries, 0, target);
    throw new TidemarkError(
      version === undefined ? "DELTA_LOG_DAMAGED" : "VERSION_MISSING",
      `${objects.name}: version ${target} of table "${table}" cannot be made: ` +
        `log entry ${missingEntry} is gone and no readable checkpoint covers it; ` +
        (version === undefined ? "put it back from a copy of the lake" : "ask for a newer version"),
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

/**
 * Reads from the newest readable checkpoint, else from the first entry; null if entries are missing
 * on both ways.
 */
async function fromNewestCheckpoint(
  objects: ObjectStore,
  table: string,
  listing: Listing,
  target: number,
  signal: AbortSignal | undefined,
): Promise<TableLog | null> {
  let damage: unknown = null;
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
    }
    for (let version = start; version <= target; version++) {
      const actions = await readEntry(objects, table, version, signal);
      if (actions === null) return null;
      log.apply(version, actions);
    }
    return log;
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
    return typeof version === "number" && Number.isInteger(version) && version > 0 ? version : 0;
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
    if (log.version + 1 === next) {
      log.apply(next, actions);
      advanced = true;
    }
  }
}
