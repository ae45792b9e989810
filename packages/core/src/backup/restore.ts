/** Checks a backup, and puts it back. */
import { collectDefinitions, type Definitions } from "../define/collect-definitions.ts";
import { carryErasures, knownErasures } from "../erase/carry-erasures.ts";
import { isTidemarkError, TidemarkError } from "../errors.ts";
import { nodeFs } from "../node-modules.ts";
import { historyIdOf } from "../pairing/history-link.ts";
import { definedObjects, objectKey } from "../registry/normalized-definitions.ts";
import { historyTables } from "../offline/history-tables.ts";
import {
  generationStateOf,
  offsetsOf,
  partitionKey,
  withoutCheckpoints,
} from "../rows/snapshot-generations.ts";
import type { BackupProgress, OfflineStore, OnlineStore, Position, TableState } from "../spi.ts";
import { filesMissing, HISTORY_DIRECTORY, unsupported, type BackupStep } from "./backup.ts";
import {
  damaged,
  describeFile,
  readManifest,
  refuseAddress,
  type BackupManifest,
  type BackupTable,
} from "./manifest.ts";

/** Settings of `restoreBackup`. */
export interface RestoreOptions {
  /** The directory of the backup. */
  readonly from: string;
  /** The module of definitions, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  readonly namespace?: string | undefined;
  /** The online store. No process may have it open. */
  readonly online?: OnlineStore | undefined;
  readonly offline?: OfflineStore | undefined;
  /** Only checks the backup, and writes nothing. Default: false. */
  readonly check?: boolean | undefined;
  /** Replaces an online store that is there. Default: false. */
  readonly replaceOnline?: boolean | undefined;
  /** Replaces tables that are there by the copies of the backup. Default: false. */
  readonly replaceHistory?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BackupStep) => void) | undefined;
  /** @internal Called before each step, for tests that kill the process there. */
  readonly failpoint?: ((step: string) => void) | undefined;
}

/** What a restore did, or would do. */
export interface RestoreResult {
  readonly backup: BackupManifest;
  /** Whether the online store is put back. */
  readonly online: boolean;
  /** The tables that are put back from their copies. */
  readonly restored: readonly string[];
  /** The tables that stay as they are, because the history has them. */
  readonly kept: readonly string[];
  /** Whether the registry is put back. */
  readonly registry: boolean;
  /**
   * Why a restore would be refused now, such as `ONLINE_STORE_NOT_EMPTY`. null: it would not be, or
   * it was made.
   */
  readonly refused: { readonly code: string; readonly message: string } | null;
  /** The sources whose definition is another one now. */
  readonly changedSources: readonly string[];
}

/**
 * Checks a backup, and puts it back. The check reads every file of the backup, the positions in the
 * copy of the online store, and whether the history still has the pinned versions. Tables that the
 * history has stay, unless they are older than the backup. The online store answers `NOT_READY`
 * until a run has made it level with the log. A restore may be killed and called again.
 *
 * @throws BACKUP_INCOMPLETE when the directory holds no whole backup.
 * @throws BACKUP_DAMAGED when a file of the backup is missing or has changed.
 * @throws ONLINE_STORE_NOT_EMPTY when the online store is there, without `replaceOnline`.
 * @throws ONLINE_STORE_BUSY when a process has the online store open.
 * @throws OBJECT_MISSING when the history lacks a pinned version.
 * @throws RESTORE_OTHER_HISTORY when the history is another one than that of the backup.
 * @throws RESTORE_OLDER_HISTORY when the history has less than the backup.
 * @example
 * await restoreBackup({
 *   from: "backups/monday",
 *   definitions: await import("./features.ts"),
 *   online: sqliteOnlineStore("online.db"),
 *   offline: deltaOfflineStore(localObjects("./lake")),
 * });
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { from, online, offline, namespace = "default", signal, onProgress } = options;
  const { failpoint = () => undefined } = options;
  const definitions = collectDefinitions(options.definitions);
  refuseAddress("restore", from);
  const backup = readManifest(from);
  const report =
    (what: string) =>
    (progress: BackupProgress): void =>
      onProgress?.({ what, ...progress });
  if (backup.namespace !== namespace)
    throw new TidemarkError(
      "RESTORE_OTHER_NAMESPACE",
      `backup ${from}: is of namespace "${backup.namespace}", and this is "${namespace}": ` +
        "restore it with the configuration of its namespace",
    );
  await checkFiles(from, backup, report("checksums"), signal);
  let refused: RestoreResult["refused"] = null;
  const hasOnline = backup.online !== null && online !== undefined;
  if (hasOnline) {
    if (online.backups === undefined) throw unsupported(online.name);
    await checkPositions(from, backup, online.backups.open(`${from}/${backup.online}`));
    try {
      await online.backups.check({ replace: options.replaceOnline === true });
    } catch (error) {
      if (options.check !== true || !isTidemarkError(error)) throw error;
      refused = { code: error.code, message: error.message };
    }
  }
  const sourceOfTable = new Map(
    [...definitions.sources.values()].map((source) => [
      historyTables(source).changes.name,
      source.name,
    ]),
  );
  const tables =
    offline === undefined ? noTables : await checkTables(backup, sourceOfTable, offline, options);
  const registry = offline?.registry;
  const loaded = await registry?.load({ namespace, signal });
  const hasRegistry = backup.registry !== null && registry !== undefined && loaded === null;
  const result: RestoreResult = {
    backup,
    online: hasOnline,
    restored: tables.restored.map(({ name }) => name),
    kept: tables.kept,
    registry: hasRegistry,
    refused,
    changedSources: changedSources(backup, definitions),
  };
  if (options.check === true) return result;

  const stores = { online: hasOnline ? online : undefined, offline, namespace };
  const sources = [...definitions.sources.values()];
  const erased = await knownErasures(sources, stores, options.replaceOnline === true);
  failpoint("history");
  // A change log comes before the versions that are derived from it.
  for (const { name } of [...tables.restored].reverse()) {
    await offline!.backups!.restore(name, {
      from: `${from}/${HISTORY_DIRECTORY}`,
      replace: options.replaceHistory === true,
      signal,
      onProgress: report(name),
    });
    failpoint("table");
  }
  failpoint("registry");
  if (hasRegistry) {
    const snapshot = nodeFs().readFileSync(`${from}/${backup.registry}`, "utf8");
    await registry.save(snapshot, { namespace, expected: null, signal });
  }
  // The online store comes last: it belongs to the history.
  failpoint("online");
  if (hasOnline)
    await online.backups!.restore({
      from: `${from}/${backup.online}`,
      replace: options.replaceOnline === true,
      signal,
    });
  await carryErasures(sources, stores, erased);
  failpoint("done");
  return result;
}

/** @throws BACKUP_DAMAGED when a file of the manifest is missing or another. */
async function checkFiles(
  from: string,
  { files }: BackupManifest,
  report: (progress: BackupProgress) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { path, bytes, sha256 } of files) {
    const found = await describeFile(from, path, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw damaged(from, `${path} cannot be read`, error);
    });
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw damaged(from, `${path} is not as it was written (${found.bytes} of ${bytes} bytes)`);
    done += bytes;
    report({ bytes: done, total });
  }
}

/** @throws BACKUP_DAMAGED when the copy of the online store has other positions. */
async function checkPositions(
  from: string,
  { namespace, online, sources }: BackupManifest,
  copy: OnlineStore,
): Promise<void> {
  await copy.open({ namespace });
  try {
    for (const { source, online: expected } of sources) {
      const found = withoutCheckpoints(await copy.positions(source));
      if (JSON.stringify(found) !== JSON.stringify(expected ?? []))
        throw damaged(from, `${online} has other positions of source "${source}"`);
    }
  } finally {
    await copy.close();
  }
}

interface CheckedTables {
  readonly restored: readonly BackupTable[];
  readonly kept: readonly string[];
}

const noTables: CheckedTables = { restored: [], kept: [] };

/** Says which tables are put back, and checks those that stay. */
async function checkTables(
  { history, sources }: BackupManifest,
  /** The source of each change log, by the log's name. */
  sourceOf: ReadonlyMap<string, string>,
  offline: OfflineStore,
  { from, replaceHistory = false, signal }: RestoreOptions,
): Promise<CheckedTables> {
  if (history === null) return noTables;
  const { backups } = offline;
  if (backups === undefined) throw unsupported(offline.name);
  const restored: BackupTable[] = [];
  const kept: string[] = [];
  for (const table of history.tables) {
    if (history.kind === "copied" && replaceHistory) {
      restored.push(table);
      continue;
    }
    const state = await offline.state(table.name, { signal });
    if (state === null && history.kind === "copied") {
      restored.push(table);
      continue;
    }
    if (table.history !== null && state !== null && historyIdOf(state.metadata) !== table.history)
      throw new TidemarkError(
        "RESTORE_OTHER_HISTORY",
        `backup ${from}: table ${table.name} in ${offline.name} is of another history than the ` +
          "backup: open the history that belongs to the backup" +
          (history.kind === "copied" ? ", or replace it with --replace-history" : ""),
      );
    const own = sources.find(({ source }) => source === sourceOf.get(table.name));
    const behind = state === null ? null : positionBehind(state, own?.history ?? []);
    if (behind !== null)
      throw new TidemarkError(
        "RESTORE_OLDER_HISTORY",
        `backup ${from}: table ${table.name} in ${offline.name} is older than the backup: it ` +
          `ends before offset ${behind.offset} of ${behind.partition}; put a newer copy of the ` +
          "history back" +
          (history.kind === "copied" ? ", or replace it with --replace-history" : ""),
      );
    if (history.kind === "pinned") {
      const missing = await backups.missing(table.name, table.version, { signal });
      if (missing.length > 0) throw filesMissing(offline.name, missing);
    }
    kept.push(table.name);
  }
  return { restored, kept };
}

/** A position that a change log has not reached. Earlier generations than its own do not count. */
function positionBehind(
  { positions, metadata }: TableState,
  expected: readonly Position[],
): Position | null {
  const reached = offsetsOf(positions);
  const { generation } = generationStateOf(metadata);
  return (
    expected.find(
      (position) =>
        (position.generation ?? 0) >= generation &&
        (reached.get(partitionKey(position)) ?? -1) < position.offset,
    ) ?? null
  );
}

function changedSources({ sources }: BackupManifest, definitions: Definitions): readonly string[] {
  const objects = definedObjects(definitions);
  return sources.flatMap(({ source, definition }) =>
    objects.get(objectKey({ kind: "source", name: source }))?.fingerprint === definition
      ? []
      : [source],
  );
}
