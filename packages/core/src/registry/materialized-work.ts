/** Tells which materialized days were computed under another definition of their view. */
import { featuresTable, readFeaturesTableState } from "../materialize/features-table.ts";
import { viewFingerprint } from "../materialize/view-fingerprint.ts";
import type { ViewSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";

/**
 * The materialized days of a view that were computed under another definition of the view or its
 * source. They stay in the features table as they are, and `getMaterialized` refuses them with
 * `MATERIALIZED_OF_OTHER_DEFINITION`.
 */
export interface PlannedMaterialization {
  readonly view: string;
  /** The number of such days. */
  readonly days: number;
  /** The first and the last of them, such as `2026-01-05`. */
  readonly first: string;
  readonly last: string;
  /** About how many rows they have. */
  readonly rows: number;
  /** About how many bytes they take. null: the store does not tell it. */
  readonly bytes: number | null;
  /** Whether the newest day is one of them, so that `getMaterialized` is refused. */
  readonly isRefused: boolean;
  /** The command that computes these days again. */
  readonly command: string;
}

/** Lists the views with such days. */
export async function materializedWork(
  views: readonly ViewSpec[],
  offline: OfflineStore,
  signal: AbortSignal | undefined,
): Promise<readonly PlannedMaterialization[]> {
  const work: PlannedMaterialization[] = [];
  for (const view of views) {
    const name = `${view.name}/features`;
    const table = await offline.state(name, { signal });
    if (table === null) continue;
    const fingerprint = viewFingerprint(view);
    const { dates } = await readFeaturesTableState(offline, featuresTable(view), signal);
    const all = [...dates.values()].sort((a, b) => a.time - b.time);
    const stale = all.filter((date) => date.fingerprint !== fingerprint);
    if (stale.length === 0) continue;
    const share = stale.length / all.length;
    const bytes = (await offline.describe?.(name, { signal }))?.bytes ?? null;
    work.push({
      view: view.name,
      days: stale.length,
      first: stale[0]!.date,
      last: stale.at(-1)!.date,
      rows: Math.round(table.rows * share),
      bytes: bytes === null ? null : Math.round(bytes * share),
      isRefused: all.at(-1)!.fingerprint !== fingerprint,
      command: `tidemark materialize --view ${view.name} --incremental`,
    });
  }
  return work;
}
