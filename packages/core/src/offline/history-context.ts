/** Where the history of a source lies, and how its rows are written. */
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { historyTables, type HistoryTables } from "./history-tables.ts";
import { versionRows, type VersionRows } from "./version-rows.ts";

export interface HistoryContext {
  readonly offline: OfflineStore;
  readonly source: SourceSpec;
  readonly tables: HistoryTables;
  readonly rows: VersionRows;
}

export function historyContext(offline: OfflineStore, source: SourceSpec): HistoryContext {
  const tables = historyTables(source);
  return { offline, source, tables, rows: versionRows(source, tables) };
}
