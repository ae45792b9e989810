/** Tells of which sources the online store keeps every row for ever, and what that takes. */
import { encodeRows } from "../columns/batch-codec.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { reachOf } from "../define/window-reach.ts";
import { changesReader, READ_COLUMNS } from "../offline/change-log.ts";
import { historyTables } from "../offline/history-tables.ts";
import { entityLogsOf } from "../online/entity-logs.ts";
import type { SourceLayout } from "../online/source-layout.ts";
import { layoutFor } from "../online/source-state.ts";
import { windowsOf } from "../plan/windows.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import type { Value, ViewSpec } from "../specs.ts";
import type { OfflineStore, TableState } from "../spi.ts";
import type { PlannedHistory } from "./source-work.ts";

/** A source of which the online store keeps every row, because a window has no beginning. */
export interface KeptRows {
  readonly source: string;
  /** The features with such a window, such as `spending.ever`. */
  readonly features: readonly string[];
  /** Changes in the history. The source has at most as many rows. */
  readonly rows: number;
  /**
   * Bytes of so many rows in the online store, estimated from the first rows of the history. The
   * bytes that the store itself adds do not count. null: the history has no row of the source.
   */
  readonly bytes: number | null;
}

/** The most rows that an estimate encodes. */
const SAMPLE_ROWS = 1_000;

/** Lists the sources of which every row is kept. */
export async function keptRows(
  namespace: string,
  views: readonly ViewSpec[],
  histories: ReadonlyMap<string, PlannedHistory>,
  offline: OfflineStore,
  signal: AbortSignal | undefined,
): Promise<readonly KeptRows[]> {
  const kept = new Map<string, { readonly view: ViewSpec; readonly features: string[] }>();
  for (const view of views.flatMap(sourceReadings))
    for (const feature of view.features) {
      if (!windowsOf(feature).some((window) => reachOf(window) === Infinity)) continue;
      const { name } = view.source;
      const features = kept.get(name)?.features ?? [];
      const title = `${view.name}.${feature.name}`;
      if (!features.includes(title)) features.push(title);
      kept.set(name, { view, features });
    }
  const result: KeptRows[] = [];
  for (const [source, { view, features }] of kept) {
    const log = histories.get(source)?.log;
    const perRow =
      log === undefined
        ? null
        : await bytesPerRow(namespace, layoutFor(view.source, views), log, offline, signal);
    const rows = log?.rows ?? 0;
    result.push({ source, features, rows, bytes: perRow === null ? null : rows * perRow });
  }
  return result;
}

/**
 * Encodes the first rows of the history as the online store keeps them: each in a cell of its own,
 * and once for each entity. null: there is no row.
 */
async function bytesPerRow(
  namespace: string,
  layout: SourceLayout,
  { version }: TableState,
  offline: OfflineStore,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const { source, storedColumns, storedIndexes, entityLogs } = layout;
  const [changesIn, rowChanges] = [changesReader(source), rowChangesOf(source)];
  const { codec, rowKey } = entityLogsOf(namespace, { layout, build: 0 });
  const rows: (readonly Value[])[] = [];
  let cells = 0;
  for await (const batch of offline.scan(historyTables(source).changes.name, {
    columns: READ_COLUMNS,
    version,
    signal,
  })) {
    for (const change of changesIn(batch))
      for (const { key, change: row } of rowChanges(change)) {
        if (row.values === null || rows.length === SAMPLE_ROWS) continue;
        cells += rowKey(key).length + codec.encode([row], key).length;
        rows.push(storedIndexes.map((index) => row.values![index]!));
      }
    if (rows.length === SAMPLE_ROWS) break;
  }
  if (rows.length === 0) return null;
  const inLogs = encodeRows(storedColumns, rows).length * entityLogs.length;
  return Math.round((cells + inLogs) / rows.length);
}
