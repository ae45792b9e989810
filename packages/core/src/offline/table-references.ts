/** Names the tables of the history that an engine may read by itself. */
import type { HistoryContext } from "./history-context.ts";
import type { TableReference } from "../spi.ts";
import type { HistoryState } from "./version-events.ts";

/** The tables of each source that has a history, each source once. */
export function tableReferences(
  sources: readonly { readonly context: HistoryContext; readonly state: HistoryState | null }[],
): readonly TableReference[] {
  const references = new Map<string, TableReference>();
  for (const { context, state } of sources) {
    if (state === null) continue;
    const { source, tables } = context;
    const { log, versions } = state;
    references.set(source.name, {
      source,
      log: { table: tables.changes.name, version: log.version },
      versions:
        versions === null ? null : { table: tables.versions.name, version: versions.version },
    });
  }
  return [...references.values()];
}
