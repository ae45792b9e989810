/** Removes stored profiles, which may hold values of erased entities. */
import type { OfflineStore } from "../spi.ts";
import { contended, profileStep, profileTable } from "./profile-table.ts";

const ATTEMPTS = 20;

/**
 * Empties a table of profiles, so that the next call of `store.profile` counts every day anew. A
 * profile that is being made meanwhile is not committed. Returns the number of rows that were
 * removed; null: there is no such table.
 */
export async function eraseProfiles(
  offline: OfflineStore,
  table: string,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined },
): Promise<number | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const state = await offline.state(table, { signal });
    if (state === null) return null;
    if (dryRun || state.rows === 0) return state.rows;
    const written = await offline.rewrite(profileTable(table), [], {
      replaced: {},
      expectedVersion: state.version,
      positions: [],
      metadata: [profileStep(state, { fingerprint: "", checked: null, stale: [] })],
      signal,
    });
    if (written === "done") return state.rows;
  }
  throw contended(offline, table, ATTEMPTS);
}
