/**
 * Backs up the stores while runs and servers write. The online store comes first and the history
 * after it. So the history has at least what the online store had seen of it, and every push of the
 * online store. Each store holds its rows together with their positions. A run after a restore
 * therefore takes what each store lacks, and nothing twice (law 5: replay is free).
 */
import type { Definitions } from "../define/collect-definitions.ts";
import { durationMicros, type Duration } from "../define/duration.ts";
import { TidemarkError } from "../errors.ts";
import { nodeCrypto, nodeFs } from "../node-modules.ts";
import {
  encodeSourceState,
  layoutFor,
  readSourceState,
  sourceStateKey,
} from "../online/source-state.ts";
import { historyIdOf } from "../pairing/history-link.ts";
import { pairError, pairProblem } from "../pairing/pair-problem.ts";
import { definedObjects, objectKey } from "../registry/normalized-definitions.ts";
import { currentUser } from "../registry/current-user.ts";
import { withoutCheckpoints } from "../rows/snapshot-generations.ts";
import type { BackupProgress, Metadata, OfflineStore, OnlineStore, Position } from "../spi.ts";
import { storeTables, type StoreTable } from "../status/store-tables.ts";
import { formatTime } from "../time/parse-time.ts";
import {
  asWriteError,
  describeFile,
  filesBelow,
  MANIFEST,
  newManifest,
  refuseAddress,
  syncDirectory,
  writeWhole,
  type BackupManifest,
  type BackupTable,
} from "./manifest.ts";

/** Settings of `store.backup`. */
export interface BackupOptions {
  /** The directory of the backup. It must be empty, or not exist. */
  readonly to: string;
  /**
   * "pin": the backup names versions of the tables, and the history keeps their files. "copy": the
   * backup holds the tables too. Default: "pin".
   */
  readonly history?: "pin" | "copy" | undefined;
  /** How long the history keeps the files of the pinned versions. Default: "30d". */
  readonly keep?: Duration | undefined;
  /** Who makes the backup. Default: the account and the machine. */
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BackupStep) => void) | undefined;
  /** @internal Called before each step, for tests that kill the process there. */
  readonly failpoint?: ((step: string) => void) | undefined;
}

/** How far a backup or a restore is. */
export interface BackupStep extends BackupProgress {
  /** What is copied or checked, such as `online store` or the name of a table. */
  readonly what: string;
}

/** The stores of a backup. */
export interface BackupStores {
  readonly definitions: Definitions;
  readonly namespace: string;
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly clock: () => number;
}

const ONLINE_FILE = "online.db";
const REGISTRY_FILE = "registry.json";
export const HISTORY_DIRECTORY = "history";
/** What a backup that was not finished may hold. */
const OWN_FILES: ReadonlySet<string> = new Set([ONLINE_FILE, REGISTRY_FILE, HISTORY_DIRECTORY]);

/** Backs up the stores into a directory. The manifest comes last and makes the backup whole. */
export async function backUp(
  {
    to,
    history: kind = "pin",
    keep = "30d",
    by = currentUser(),
    signal,
    onProgress,
    failpoint = () => undefined,
  }: BackupOptions,
  { definitions, namespace, online, offline, clock }: BackupStores,
): Promise<BackupManifest> {
  const begun = clock();
  const until = begun + durationMicros("backup: keep", keep);
  const time = formatTime(begun).slice(0, 19).replaceAll(":", "");
  const id = `${time}-${nodeCrypto().randomBytes(4).toString("hex")}`;
  refuseAddress("backup to", to);
  makeDirectory(to);
  const writing = async <T>(written: Promise<T>): Promise<T> =>
    written.catch((error: unknown) => {
      throw asWriteError(to, error);
    });
  const sources = [...definitions.sources.values()];
  const report = (what: string) => (progress: BackupProgress) =>
    onProgress?.({ what, ...progress });

  failpoint("online");
  let copied: ReadonlyMap<string, CopiedSource> = new Map();
  if (online !== undefined) {
    const { backups } = online;
    if (backups === undefined) throw unsupported(online.name);
    const write = backups.write({
      to: `${to}/${ONLINE_FILE}`,
      async prepare(copy) {
        failpoint("online copied");
        await copy.open({ namespace });
        copied = await prepareCopy(copy, namespace, definitions);
      },
      signal,
      onProgress: report("online store"),
    });
    await writing(write);
  }

  failpoint("history");
  const tables: BackupTable[] = [];
  const historyPositions = new Map<string, readonly Position[]>();
  if (offline !== undefined) {
    const { backups } = offline;
    if (backups === undefined) throw unsupported(offline.name);
    for (const table of tablesInOrder(definitions)) {
      const state = await offline.state(table.name, { signal });
      const source = copied.get(table.of);
      if (table.holds === "changes" && source !== undefined) {
        const history = { name: offline.name, state };
        const problem = pairProblem({
          source: table.of,
          push: definitions.sources.get(table.of)!.push === true,
          online: { name: online!.name, ...source },
          history,
        });
        if (problem !== null && problem.code !== "ONLINE_STORE_OLDER") throw pairError(problem);
      }
      if (state === null) continue;
      const { version, rows, metadata } = state;
      tables.push({
        name: table.name,
        version,
        rows,
        history: table.holds === "changes" ? historyIdOf(metadata) : null,
      });
      if (table.holds === "changes")
        historyPositions.set(table.of, withoutCheckpoints(state.positions));
    }
    const pinned = kind === "pin" ? until : Math.min(until, begun + durationMicros("backup", "1d"));
    if (tables.length > 0) await backups.pin({ id, until: pinned, tables, signal });
    failpoint("pinned");
    for (const { name, version } of tables) {
      const missing = await backups.missing(name, version, { signal });
      if (missing.length > 0) throw filesMissing(offline.name, missing);
      if (kind === "copy")
        await writing(
          backups.copy(name, version, {
            to: `${to}/${HISTORY_DIRECTORY}`,
            signal,
            onProgress: report(name),
          }),
        );
      failpoint("table");
    }
  }

  const registry = (await offline?.registry?.load({ namespace, signal })) ?? null;
  if (registry !== null) await writing(writeWhole(`${to}/${REGISTRY_FILE}`, registry.snapshot));
  failpoint("registry");
  const files = [];
  for (const path of filesBelow(to)) {
    await writing(syncFile(`${to}/${path}`));
    files.push(await describeFile(to, path, signal));
    report("checksums")({ bytes: files.length, total: files.length });
  }
  await writing(syncDirectory(to));
  failpoint("manifest");
  const objects = definedObjects(definitions);
  const manifest = newManifest({
    id,
    begun: formatTime(begun),
    by,
    namespace,
    online: online === undefined ? null : ONLINE_FILE,
    history:
      offline === undefined
        ? null
        : {
            store: offline.name,
            kind: kind === "copy" ? "copied" : "pinned",
            until: kind === "copy" ? null : formatTime(until),
            tables,
          },
    registry: registry === null ? null : REGISTRY_FILE,
    sources: sources.map(({ name }) => ({
      source: name,
      definition: objects.get(objectKey({ kind: "source", name }))!.fingerprint,
      online: copied.has(name) ? withoutCheckpoints(copied.get(name)!.positions) : null,
      history: historyPositions.get(name) ?? null,
    })),
    files,
  });
  await writing(writeWhole(`${to}/${MANIFEST}`, `${JSON.stringify(manifest, null, 2)}\n`));
  failpoint("done");
  return manifest;
}

/**
 * The versions tables come before the change logs: versions are derived from a log that has at
 * least as much.
 */
function tablesInOrder({ sources, views }: Definitions): readonly StoreTable[] {
  const rank = {
    answers: 0,
    audit: 0,
    features: 0,
    profiles: 0,
    drift: 0,
    expectations: 0,
    versions: 1,
    changes: 2,
  };
  return [...storeTables([...sources.values()], [...views.values()])].sort(
    (a, b) => rank[a.holds] - rank[b.holds],
  );
}

/** What a copy of an online store holds of a source. */
interface CopiedSource {
  readonly positions: readonly Position[];
  readonly metadata: Metadata;
}

/**
 * Reads the positions in a copy of an online store. The sources in the copy answer nothing until
 * they are level with the log again, or with the history: the copy is of the past.
 */
async function prepareCopy(
  copy: OnlineStore,
  namespace: string,
  { sources, views }: Definitions,
): Promise<ReadonlyMap<string, CopiedSource>> {
  const copied = new Map<string, CopiedSource>();
  for (const source of sources.values()) {
    copied.set(source.name, {
      positions: await copy.positions(source.name),
      metadata: await copy.metadata(source.name),
    });
    // The pushes that the copy lacks come from the history with the first read.
    if (source.push === true) continue;
    const state = await readSourceState(copy, namespace, layoutFor(source, [...views.values()]));
    if (state.version === null) continue;
    const cell = {
      key: sourceStateKey(namespace, source.name),
      value: encodeSourceState({ ...state, isReady: false, levelPartitions: undefined }),
      expected: state.version,
      expires: null,
    };
    await copy.write({ source: source.name, cells: [cell], positions: [] });
  }
  return copied;
}

function makeDirectory(directory: string): void {
  const fs = nodeFs();
  let files: readonly string[];
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    files = fs.readdirSync(directory);
  } catch (error) {
    throw asWriteError(directory, error);
  }
  if (files.length === 0) return;
  const begun = !files.includes(MANIFEST) && files.some((file) => OWN_FILES.has(file));
  throw new TidemarkError(
    "BACKUP_EXISTS",
    `backup to ${directory}: ` +
      (begun
        ? "the directory holds a backup that was not finished: remove it, or give a new directory"
        : "the directory is not empty; give each backup a new directory"),
  );
}

async function syncFile(file: string): Promise<void> {
  const handle = await nodeFs().promises.open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the error for a store without backups. */
export function unsupported(store: string): TidemarkError {
  return new TidemarkError(
    "BACKUP_UNSUPPORTED",
    `${store}: has no backup of its own; use the tools of its database`,
  );
}

/** Makes the error for files that a named version needs. */
export function filesMissing(store: string, missing: readonly string[]): TidemarkError {
  return new TidemarkError(
    "OBJECT_MISSING",
    `${store}: lacks ${missing.slice(0, 5).join(", ")}` +
      `${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}: put it back from a copy ` +
      "of the history",
  );
}
