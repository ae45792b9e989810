/** Tells a store which entities another store has erased. */
import type { HistoryTables } from "../offline/history-tables.ts";
import { learnErasedSteps } from "../rows/erased-entities.ts";
import type { Metadata, OfflineStore, OnlineStore } from "../spi.ts";

/** Writes into the online store what `other` knows and the store does not. */
export async function learnErasedOnline(
  online: OnlineStore,
  source: string,
  other: Metadata,
): Promise<void> {
  for (;;) {
    const metadata = learnErasedSteps(await online.metadata(source), other);
    if (metadata.length === 0) return;
    if ((await online.write({ source, cells: [], positions: [], metadata })) === "done") return;
  }
}

/** Writes into a history what `other` knows and the history does not. */
export async function learnErasedInHistory(
  offline: OfflineStore,
  { changes: { name } }: HistoryTables,
  other: Metadata,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const state = await offline.state(name, { signal });
    if (state === null) return;
    const metadata = learnErasedSteps(state.metadata, other);
    if (metadata.length === 0) return;
    const table = { name, columns: state.columns, partitionBy: state.partitionBy };
    if ((await offline.append(table, [], { positions: [], metadata, signal })) === "done") return;
  }
}
