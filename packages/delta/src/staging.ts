/**
 * Keeps the files of a rewrite that is not committed yet. A small object per name says which files
 * they are, so that a later process commits them, and vacuum knows that they are in use.
 */
import { TidemarkError } from "@tidemark/core";
import type { OfflineStaging } from "@tidemark/core/spi";
import { removeFiles, writeRows } from "./data-files.ts";
import type { Lake } from "./lake.ts";
import type { Add } from "./log/actions.ts";
import { decodePath, matchesFilter } from "./log/partitions.ts";
import { scanFile } from "./scan.ts";

const STAGED = "_tidemark/staged/";
/** The age (ms) of a rewrite from which it is begun again. It is less with a short retention. */
const MAX_AGE = 86_400_000;

/** An object that names the files of staged rows. */
interface Manifest {
  readonly key: string;
  readonly rewrite: string;
  readonly name: string;
  /** When it was written, in ms since the epoch. */
  readonly modified: number;
}

/** The staging of a lake. */
export function lakeStaging(lake: Lake): OfflineStaging {
  return {
    async list(table, { signal } = {}) {
      const manifests = await usableManifests(lake, table, signal);
      if (manifests.length === 0) return [];
      const sizes = new Map<string, number>();
      for await (const { key, size } of lake.objects.list(`${table}/`, { signal }))
        sizes.set(key, size);
      const found: Manifest[] = [];
      for (const manifest of manifests) {
        const sizeOf = async (key: string): Promise<number | null> => sizes.get(key) ?? null;
        if ((await stagedFiles(lake, table, manifest, sizeOf, signal)) !== null)
          found.push(manifest);
      }
      return found.map(({ rewrite, name }) => ({ rewrite, name }));
    },
    async write(table, rows, { rewrite, name, signal }) {
      const adds = await writeRows(lake, table, rows, signal);
      await lake.failpoint("parquet-written");
      const text = JSON.stringify(adds);
      const key = keyOf(table.name, rewrite, name);
      await lake.objects.put(key, new TextEncoder().encode(text), { signal });
      await lake.failpoint("staged");
    },
    async *read(table, { rewrite, name, partitions, signal }) {
      const key = keyOf(table.name, rewrite, name);
      const adds = await addsOf(lake, key, signal);
      if (adds === null) throw missing(lake, table.name, name);
      try {
        for (const add of adds) {
          if (!matchesFilter(partitions, add.partitionValues)) continue;
          const file = { add, path: decodePath(table.name, add.path) };
          const { columns, partitionBy } = table;
          yield* scanFile(lake, table.name, file, columns, { partitionBy, signal });
        }
      } catch (error) {
        signal?.throwIfAborted();
        if ((await addsOf(lake, key, signal)) !== null) throw error;
        throw missing(lake, table.name, name, error);
      }
    },
    async discard(table, { isDiscarded, signal }) {
      for (const manifest of await manifestsOf(lake, table, signal)) {
        if (!isDiscarded(manifest.rewrite)) continue;
        const adds = await addsOf(lake, manifest.key, signal);
        await lake.objects.delete(manifest.key, { signal });
        await removeFiles(lake, table, adds ?? []);
      }
    },
  };
}

/**
 * The files of staged rows, for their commit.
 *
 * @throws STAGED_ROWS_MISSING when a file is gone.
 */
export async function filesToCommit(
  lake: Lake,
  table: string,
  { rewrite, names }: { readonly rewrite: string; readonly names: readonly string[] },
  signal: AbortSignal | undefined,
): Promise<readonly Add[]> {
  const all: Add[] = [];
  const sizeOf = (key: string): Promise<number | null> => lake.objects.size(key, { signal });
  for (const name of names) {
    const manifest = { key: keyOf(table, rewrite, name) };
    const adds = await stagedFiles(lake, table, manifest, sizeOf, signal);
    if (adds === null) throw missing(lake, table, name);
    all.push(...adds);
  }
  return all;
}

function missing(lake: Lake, table: string, name: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    "STAGED_ROWS_MISSING",
    `${lake.objects.name}: table "${table}": the staged rows "${name}" or their files are ` +
      "gone; begin the rewrite again",
    { retryable: true, cause },
  );
}

/** Forgets what names the staged rows of a rewrite. Their files stay. */
export async function forgetStaged(lake: Lake, table: string, rewrite: string): Promise<void> {
  for (const manifest of await manifestsOf(lake, table, undefined))
    if (manifest.rewrite === rewrite) await lake.objects.delete(manifest.key);
}

/** The paths of the files of rewrites that may still be committed. */
export async function stagedPaths(
  lake: Lake,
  table: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { key } of await usableManifests(lake, table, signal))
    for (const { path } of (await addsOf(lake, key, signal)) ?? [])
      paths.push(decodePath(table, path));
  return paths;
}

/** The keys of what names staged rows that were written before a time (ms). */
export async function manifestsBefore(
  lake: Lake,
  table: string,
  before: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const usable = new Set((await usableManifests(lake, table, signal)).map(({ key }) => key));
  return (await manifestsOf(lake, table, signal))
    .filter(({ key, modified }) => modified < before && !usable.has(key))
    .map(({ key }) => key);
}

function keyOf(table: string, rewrite: string, name: string): string {
  return `${STAGED}${[table, rewrite, name].map(encodeURIComponent).join("/")}.json`;
}

async function manifestsOf(
  lake: Lake,
  table: string,
  signal: AbortSignal | undefined,
): Promise<readonly Manifest[]> {
  const prefix = `${STAGED}${encodeURIComponent(table)}/`;
  const manifests: Manifest[] = [];
  for await (const { key, modified } of lake.objects.list(prefix, { signal })) {
    const [rewrite, name, more] = key.slice(prefix.length).split("/");
    if (name?.endsWith(".json") !== true || more !== undefined) continue;
    manifests.push({
      key,
      rewrite: decodeURIComponent(rewrite!),
      name: decodeURIComponent(name.slice(0, -".json".length)),
      modified,
    });
  }
  return manifests;
}

/**
 * The manifests of rewrites that are young enough. The table's older versions, from which a rewrite
 * reads, keep their files for the retention.
 */
async function usableManifests(
  lake: Lake,
  table: string,
  signal: AbortSignal | undefined,
): Promise<readonly Manifest[]> {
  const manifests = await manifestsOf(lake, table, signal);
  const begun = new Map<string, number>();
  for (const { rewrite, modified } of manifests)
    begun.set(rewrite, Math.min(begun.get(rewrite) ?? Infinity, modified));
  const since = lake.clock() - Math.min(MAX_AGE, lake.retentionMillis / 2);
  return manifests.filter(({ rewrite }) => begun.get(rewrite)! >= since);
}

/** The files of staged rows; null: one of them is gone, or was committed already. */
async function stagedFiles(
  lake: Lake,
  table: string,
  { key }: Pick<Manifest, "key">,
  sizeOf: (key: string) => Promise<number | null>,
  signal: AbortSignal | undefined,
): Promise<readonly Add[] | null> {
  const adds = await addsOf(lake, key, signal);
  if (adds === null) return null;
  const log = await lake.latest(table, signal);
  for (const { path, size } of adds) {
    if (log?.files.has(path) === true || log?.removed.has(path) === true) return null;
    if ((await sizeOf(`${table}/${decodePath(table, path)}`)) !== size) return null;
  }
  return adds;
}

async function addsOf(
  lake: Lake,
  key: string,
  signal: AbortSignal | undefined,
): Promise<readonly Add[] | null> {
  const bytes = await lake.objects.read(key, undefined, { signal });
  return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as readonly Add[]);
}
