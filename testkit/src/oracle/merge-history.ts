/** Compacts the history of a source, and merges all its corrections. */
import type { OfflineStore, SourceSpec } from "@tidemark/core/spi";
import { compactHistory } from "../../../packages/core/src/offline/compaction.ts";
import { historyContext } from "../../../packages/core/src/offline/history-context.ts";

/** Afterwards the versions table depends on the changes alone, but for the order of its rows. */
export async function mergeHistory(offline: OfflineStore, source: SourceSpec): Promise<void> {
  await compactHistory(historyContext(offline, source), { mergesAll: true });
}
