/**
 * Splits entity rows into shards: by the keys of the entity, in the order in which the history lies
 * by entity. So each shard reads the rows of its keys alone, and has about equally many rows.
 */
import type { Batch, OfflineStore, SelectedFeature, ViewSpec } from "@tidemark/core/spi";
import {
  baseFeatures,
  entityNumbers,
  historyTables,
  sourceReadings,
} from "@tidemark/core/internal";

/** The view whose tables have most rows: reading them costs most. */
export async function largestView(
  offline: OfflineStore,
  features: readonly SelectedFeature[],
  signal: AbortSignal,
): Promise<ViewSpec> {
  const views = new Map(baseFeatures(features).map(({ view }) => [view.name, view]));
  let largest: { readonly view: ViewSpec; readonly rows: number } | null = null;
  for (const view of views.values()) {
    let rows = 0;
    for (const { source } of sourceReadings(view)) {
      const { versions } = historyTables(source);
      rows += (await offline.state(versions.name, { signal }))?.rows ?? 0;
    }
    if (largest === null || rows > largest.rows) largest = { view, rows };
  }
  return largest!.view;
}

/** The shard of each row. All rows of an entity of the view are in one shard. */
export function shardsOfRows(view: ViewSpec, keys: Batch, count: number): Int32Array {
  const { keyCount, entity } = entityNumbers(view, keys);
  const rows = new Float64Array(keyCount);
  for (const number of entity) rows[number]!++;
  const shards = new Int32Array(keyCount);
  let before = 0;
  // the middle row of an entity decides, so that one with many rows leaves its shard to itself
  for (let number = 0; number < keyCount; number++) {
    const middle = before + rows[number]! / 2;
    shards[number] = Math.min(count - 1, Math.floor((middle * count) / keys.length));
    before += rows[number]!;
  }
  return entity.map((number) => shards[number]!);
}
