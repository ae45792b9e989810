/** Reads the whole change log of a source. */
import type { SourceSpec } from "../specs.ts";
import type { Change, OfflineStore } from "../spi.ts";
import { readChangeLog } from "./change-log.ts";
import { historyTables } from "./history-tables.ts";

/**
 * Reads every change of a source's history in stored order, under the source's definition. A source
 * without history has none.
 */
export async function* historyChanges(
  offline: OfflineStore,
  source: SourceSpec,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncIterable<Change> {
  const tables = historyTables(source);
  const state = await offline.state(tables.changes.name, { signal });
  if (state === null) return;
  yield* readChangeLog(offline, tables, source, { version: state.version, signal });
}
