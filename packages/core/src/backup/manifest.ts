/** The manifest of a backup: what belongs to it, and what it holds of each source. */
import { TidemarkError } from "../errors.ts";
import { nodeCrypto, nodeFs } from "../node-modules.ts";
import type { Position } from "../spi.ts";

const FORMAT = 1;
/** The file that makes a backup whole. It is written last. */
export const MANIFEST = "backup.json";
/** The greatest size of a manifest that is read, bytes. */
const MAX_MANIFEST_BYTES = 64 * 2 ** 20;

/** A file of a backup. */
export interface BackupFile {
  /** Its path below the directory of the backup, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** A table of the history, as a backup names it. */
export interface BackupTable {
  readonly name: string;
  readonly version: number;
  readonly rows: number;
  /** The id of the history; null: the table is no change log. */
  readonly history: string | null;
}

/** The codes of the system and of the stores for a file that cannot be written. */
const WRITE_ERRORS =
  /^(E[A-Z]+|(ONLINE_STORE|OBJECTS)_(FULL|READ_ONLY|BAD_KEY)|ONLINE_STORE_CANNOT_OPEN)$/;

/** What a backup holds of a source. */
export interface BackupSource {
  readonly source: string;
  /** The fingerprint of its definition. */
  readonly definition: string;
  /** The positions of the online store; null: the backup has none. */
  readonly online: readonly Position[] | null;
  /** The positions of the history; null: the backup has none. */
  readonly history: readonly Position[] | null;
}

/** What a backup is. */
export interface BackupManifest {
  readonly format: number;
  readonly id: string;
  /** When the backup began, in UTC. */
  readonly begun: string;
  readonly by: string;
  readonly namespace: string;
  /** The file of the online store; null: the backup has none. */
  readonly online: string | null;
  readonly history: {
    /** The history's name, such as that of its bucket. */
    readonly store: string;
    /**
     * copied: the directory holds the tables. pinned: the history keeps the versions until `until`.
     */
    readonly kind: "copied" | "pinned";
    /** In UTC. null: the tables are copied. */
    readonly until: string | null;
    readonly tables: readonly BackupTable[];
  } | null;
  /** The file of the registry's newest text; null: there is none. */
  readonly registry: string | null;
  readonly sources: readonly BackupSource[];
  readonly files: readonly BackupFile[];
}

export function newManifest(manifest: Omit<BackupManifest, "format">): BackupManifest {
  return { format: FORMAT, ...manifest };
}

/**
 * Reads the manifest of a backup.
 *
 * @throws BACKUP_INCOMPLETE when the directory holds no backup, or one that was not finished.
 * @throws BACKUP_DAMAGED when the manifest cannot be read.
 * @throws BACKUP_NEWER_FORMAT when a newer Tidemark wrote the backup.
 */
export function readManifest(directory: string): BackupManifest {
  const file = `${directory}/${MANIFEST}`;
  let text: string;
  try {
    const { size } = nodeFs().statSync(file);
    if (size > MAX_MANIFEST_BYTES) throw damaged(directory, `${MANIFEST} has ${size} bytes`);
    text = nodeFs().readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    throw new TidemarkError(
      "BACKUP_INCOMPLETE",
      `backup ${directory}: there is no ${MANIFEST}, so it is no backup, or one that was not ` +
        "finished: give the directory of a whole backup",
      { cause: error },
    );
  }
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(text) as BackupManifest;
  } catch (error) {
    throw damaged(directory, `${MANIFEST} is no JSON`, error);
  }
  if (typeof manifest.format !== "number" || !Array.isArray(manifest.files))
    throw damaged(directory, `${MANIFEST} is not the manifest of a backup`);
  if (manifest.format > FORMAT)
    throw new TidemarkError(
      "BACKUP_NEWER_FORMAT",
      `backup ${directory}: has format ${manifest.format}, and this version reads ${FORMAT}: ` +
        "restore it with the version of Tidemark that wrote it",
    );
  return manifest;
}

/** Writes a file durably: whole, or not at all. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const { promises } = nodeFs();
  const temporary = `${file}.incomplete`;
  const handle = await promises.open(temporary, "w", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await promises.rename(temporary, file);
  await syncDirectory(file.slice(0, file.lastIndexOf("/")));
}

/** Makes the names of a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await nodeFs().promises.open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Refuses an address, such as that of a bucket, where the directory of a backup belongs.
 *
 * @throws OPTION_INVALID when it is an address.
 */
export function refuseAddress(call: string, directory: string): void {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(directory))
    throw new TidemarkError(
      "OPTION_INVALID",
      `${call} ${directory}: a backup is a directory of this machine: give a path, and copy the ` +
        "whole directory to the bucket or from it with the tools of the bucket",
    );
}

/** Names the directory of the backup in the error of a disk that is full or cannot be written. */
export function asWriteError(directory: string, error: unknown): unknown {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code !== "string" || !WRITE_ERRORS.test(code)) return error;
  const { message } = error as Error;
  return new TidemarkError(
    "BACKUP_CANNOT_WRITE",
    `backup to ${directory}: cannot be written: make room or give another directory, remove ` +
      `this one, and back up again (${message})`,
    { cause: error },
  );
}

/** Lists the files below a directory, by path. */
export function filesBelow(directory: string): readonly string[] {
  return nodeFs()
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(directory.length + 1))
    .sort();
}

/** Computes the size and the checksum of a file. */
export async function describeFile(
  directory: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<BackupFile> {
  const hash = nodeCrypto().createHash("sha256");
  let bytes = 0;
  for await (const chunk of nodeFs().createReadStream(`${directory}/${path}`, {
    highWaterMark: 2 ** 20,
  })) {
    signal?.throwIfAborted();
    hash.update(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}

export function damaged(directory: string, what: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    "BACKUP_DAMAGED",
    `backup ${directory}: ${what}; restore another backup`,
    { cause },
  );
}
