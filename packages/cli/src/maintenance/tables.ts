/** The tables of the history that a maintenance command works on. */
import { TidemarkError, type Duration, type StoreTable } from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import { didYouMean } from "@tidemark/core/internal";
import type { Configured } from "../config/open-configured.ts";

/** An offline store whose files can be joined, removed and counted. */
export type MaintainableStore = OfflineStore &
  Required<Pick<OfflineStore, "optimize" | "vacuum" | "describe">> & {
    readonly retention: Duration;
  };

/**
 * The offline store of the configuration.
 * @throws MAINTENANCE_MISSING when the store has no maintenance.
 */
export function maintainableStore({ offline }: Configured): MaintainableStore {
  const store = offline!;
  if (
    store.optimize !== undefined &&
    store.vacuum !== undefined &&
    store.describe !== undefined &&
    store.retention !== undefined
  )
    return store as MaintainableStore;
  throw new TidemarkError(
    "MAINTENANCE_MISSING",
    `${store.name}: it has no files that could be joined, removed or counted; use the store's ` +
      "own tools",
  );
}

/**
 * The named tables, or all existing tables if none is named.
 * @throws TABLE_UNKNOWN when no table has the name.
 * @throws TABLE_MISSING when a named table has no rows yet.
 */
export async function tablesToMaintain(
  { store }: Configured,
  offline: MaintainableStore,
  named: readonly string[],
  signal: AbortSignal,
): Promise<readonly StoreTable[]> {
  const all = store.tables();
  for (const name of named) {
    if (all.some((table) => table.name === name)) continue;
    throw new TidemarkError(
      "TABLE_UNKNOWN",
      `no table is called "${name}"${didYouMean(
        name,
        all.map((table) => table.name),
      )} (${all.map((table) => table.name).join(", ")})`,
    );
  }
  const existing: StoreTable[] = [];
  for (const table of all) {
    if (named.length > 0 && !named.includes(table.name)) continue;
    if ((await offline.describe(table.name, { signal })) !== null) existing.push(table);
    else if (named.length > 0)
      throw new TidemarkError(
        "TABLE_MISSING",
        `${offline.name}: there is no table "${table.name}" yet; the first rows create it`,
      );
  }
  return existing;
}
