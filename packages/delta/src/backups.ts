/** Pins versions of tables against vacuum, copies them, and puts copies back. */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { BackupProgress, OfflineBackups } from "@tidemark/core/spi";
import type { Lake } from "./lake.ts";
import { localObjects } from "./local-objects.ts";
import { checkpointOf, writeCheckpoint } from "./log/checkpoint.ts";
import { entryKey } from "./log/names.ts";
import type { TableLog } from "./log/state.ts";
import type { ObjectStore } from "./objects.ts";

const PINS = "_tidemark/pins/";
/** Bytes of a file that are read at once. */
const COPY_BYTES = 8 * 2 ** 20;

interface Pin {
  /** µs */
  readonly until: number;
  readonly tables: readonly { readonly name: string; readonly version: number }[];
}

/** The backups of a lake. */
export function lakeBackups(lake: Lake): OfflineBackups {
  return {
    async pin({ id, until, tables, signal }) {
      const pin: Pin = { until, tables };
      await lake.objects.put(
        `${PINS}${encodeURIComponent(id)}.json`,
        new TextEncoder().encode(JSON.stringify(pin)),
        { signal },
      );
    },
    async missing(table, version, { signal } = {}) {
      const log = await versionOf(lake, table, version, signal);
      if (log === null) return [`version ${version} of ${table}`];
      const there = new Map<string, number>();
      for await (const { key, size } of lake.objects.list(`${table}/`, { signal }))
        there.set(key, size);
      return [...log.files.values()]
        .filter(({ path, add }) => there.get(`${table}/${path}`) !== add.size)
        .map(({ path }) => `${table}/${path}`);
    },
    async copy(table, version, { to, signal, onProgress }) {
      const log = await lake.at(table, version, signal);
      if (log === null) throw noTable(lake, table);
      log.checkReadable();
      await copyTable(lake, table, log, localObjects(to), { signal, onProgress });
    },
    async restore(table, { from, replace, signal, onProgress }) {
      await restoreTable(lake, table, localObjects(from), { replace, signal, onProgress });
    },
  };
}

/**
 * The files that the pinned versions of a table need. A pin that has ended keeps nothing, and
 * neither does one of a version that the log has forgotten.
 */
export async function pinnedFiles(
  lake: Lake,
  table: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const files = new Set<string>();
  for await (const { key } of lake.objects.list(PINS, { signal })) {
    const bytes = await lake.objects.read(key, undefined, { signal });
    if (bytes === null) continue;
    const { until, tables } = pinOf(lake, key, bytes);
    if (until < lake.clock() * 1000) continue;
    for (const { name, version } of tables)
      if (name === table)
        for (const path of (await versionOf(lake, table, version, signal))?.files.keys() ?? [])
          files.add(path);
  }
  return files;
}

/** Ends what pins keep of a table: rows of its versions were erased. Other tables stay pinned. */
export async function endPins(
  lake: Lake,
  table: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { key } of lake.objects.list(PINS, { signal })) {
    const bytes = await lake.objects.read(key, undefined, { signal });
    if (bytes === null) continue;
    const pin = pinOf(lake, key, bytes);
    const tables = pin.tables.filter(({ name }) => name !== table);
    if (tables.length === pin.tables.length) continue;
    const next: Pin = { ...pin, tables };
    await lake.objects.put(key, new TextEncoder().encode(JSON.stringify(next)), { signal });
  }
}

/** The state of a table at a version; null: the log does not have it. */
async function versionOf(
  lake: Lake,
  table: string,
  version: number,
  signal: AbortSignal | undefined,
): Promise<TableLog | null> {
  return lake.at(table, version, signal).catch((error: unknown) => {
    if (isTidemarkError(error, "VERSION_MISSING")) return null;
    throw error;
  });
}

/** @throws BACKUP_DAMAGED when a pin cannot be read; nobody knows then what it keeps. */
function pinOf(lake: Lake, key: string, bytes: Uint8Array): Pin {
  try {
    const { until, tables } = JSON.parse(new TextDecoder().decode(bytes)) as Pin;
    if (typeof until === "number" && Array.isArray(tables)) return { until, tables };
  } catch {
    // named below
  }
  throw new TidemarkError(
    "BACKUP_DAMAGED",
    `${lake.objects.name}: the pin ${key} of a backup cannot be read, so nobody knows which ` +
      "files it keeps: remove it if its backup is not needed",
  );
}

interface CopyOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: BackupProgress) => void) | undefined;
}

/** Copies the files of one state, and writes a log that begins with that state. */
async function copyTable(
  lake: Lake,
  table: string,
  log: TableLog,
  to: ObjectStore,
  { signal, onProgress }: CopyOptions,
): Promise<void> {
  const { version } = log;
  const checkpoint = checkpointOf(log, Infinity);
  const files = [...log.files.values()].map(({ path, add }) => ({ path, size: add.size }));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  for (const { path, size } of files) {
    await copyObject(lake.objects, to, `${table}/${path}`, size, signal);
    bytes += size;
    onProgress?.({ bytes, total });
  }
  const key = entryKey(table, version);
  const entry = await lake.objects.read(key, undefined, { signal });
  await writeCheckpoint(to, table, checkpoint, () => undefined);
  if (entry !== null) await to.put(key, entry, { signal });
}

/**
 * Puts a copied table back: its files first and its log last, so that the table is there when it is
 * whole. The log of a replaced table is removed first.
 */
async function restoreTable(
  lake: Lake,
  table: string,
  from: ObjectStore,
  { replace, signal, onProgress }: CopyOptions & { readonly replace: boolean },
): Promise<void> {
  const logKeys: string[] = [];
  for await (const { key } of lake.objects.list(`${table}/_delta_log/`, { signal }))
    logKeys.push(key);
  if (logKeys.length > 0 && !replace)
    throw new TidemarkError(
      "HISTORY_NOT_EMPTY",
      `${lake.objects.name}: table ${table} is there already, and a restore would replace it by ` +
        "an older version: leave it, because a run goes on from there; or restore with " +
        "--replace-history",
    );
  for (const key of logKeys.sort().reverse().filter(isPointer).concat(logKeys.sort()))
    await lake.objects.delete(key, { signal });
  const objects: { readonly key: string; readonly size: number }[] = [];
  for await (const { key, size } of from.list(`${table}/`, { signal })) objects.push({ key, size });
  const rank = (key: string): number =>
    !key.includes("/_delta_log/")
      ? 0
      : key.endsWith(".checkpoint.parquet")
        ? 1
        : isPointer(key)
          ? 2
          : 3;
  objects.sort((a, b) => rank(a.key) - rank(b.key));
  const total = objects.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  for (const { key, size } of objects) {
    await copyObject(from, lake.objects, key, size, signal);
    bytes += size;
    onProgress?.({ bytes, total });
  }
}

/** `_last_checkpoint` says where the log begins. */
function isPointer(key: string): boolean {
  return key.endsWith("/_last_checkpoint");
}

async function copyObject(
  from: ObjectStore,
  to: ObjectStore,
  key: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  async function* content(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < size; at += COPY_BYTES) {
      signal?.throwIfAborted();
      const range = { from: at, to: Math.min(size, at + COPY_BYTES) };
      const bytes = await from.read(key, range, { signal });
      if (bytes === null || bytes.length !== range.to - range.from)
        throw new TidemarkError(
          "OBJECT_MISSING",
          `${from.name}: "${key}" is missing or shorter than the log says; nothing was finished`,
        );
      yield bytes;
    }
  }
  await to.put(key, content(), { signal });
}

function noTable(lake: Lake, table: string): TidemarkError {
  return new TidemarkError("TABLE_MISSING", `${lake.objects.name}: there is no table "${table}"`);
}
