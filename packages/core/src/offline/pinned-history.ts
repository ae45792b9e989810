/**
 * Pins the history at one version of each table, so that several processes compute from one state,
 * whatever is appended meanwhile.
 */
import { isTidemarkError, TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { historyTables } from "./history-tables.ts";

/** The version of each table of the history; null: the table does not exist. */
export type PinnedTables = Readonly<Record<string, number | null>>;

/** The newest versions of the tables of these sources, which belong together. */
export async function pinnedTables(
  offline: OfflineStore,
  sources: readonly SourceSpec[],
  signal?: AbortSignal,
): Promise<PinnedTables> {
  const pinned: Record<string, number | null> = {};
  for (const source of sources) {
    const { versions, changes } = historyTables(source);
    // the log is read second, so it is never behind the versions
    for (const { name } of [versions, changes])
      pinned[name] = (await offline.state(name, { signal }))?.version ?? null;
  }
  return pinned;
}

/**
 * Returns the store for readers that see the tables at these versions. It has no registry, and it
 * refuses writes.
 *
 * @throws HISTORY_VERSION_GONE, from a read, when the store no longer has a version.
 */
export function pinnedOfflineStore(offline: OfflineStore, tables: PinnedTables): OfflineStore {
  const versionOf = (table: string): number | null => {
    const version = tables[table];
    if (version !== undefined) return version;
    throw new TypeError(`the table ${table} is not pinned`);
  };
  const gone = (table: string, error: unknown): unknown =>
    isTidemarkError(error, "VERSION_MISSING") || isTidemarkError(error, "OBJECT_MISSING")
      ? new TidemarkError(
          "HISTORY_VERSION_GONE",
          `${offline.name}: version ${versionOf(table)} of table ${table} is no longer there, ` +
            "because a vacuum removed it; write the job again, and run it within the retention " +
            `of the store (${error.message})`,
          { cause: error },
        )
      : error;
  const refuse = (): never => {
    throw new TypeError("a pinned history is not written");
  };
  return {
    name: offline.name,
    async state(table, { version, signal } = {}) {
      const pinned = versionOf(table);
      if (pinned === null) return null;
      try {
        return await offline.state(table, { version: version ?? pinned, signal });
      } catch (error) {
        throw version === undefined ? gone(table, error) : error;
      }
    },
    async *scan(table, options) {
      const version = options.version ?? versionOf(table);
      if (version === null) return;
      try {
        yield* offline.scan(table, { ...options, version });
      } catch (error) {
        throw gone(table, error);
      }
    },
    append: refuse,
    rewrite: refuse,
    replaceRows: refuse,
    close: () => offline.close(),
  };
}
