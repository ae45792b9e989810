/**
 * Counts the erasures of a versions table, so that a compaction that read the log before an erasure
 * writes nothing.
 */
import type { MetadataStep, OfflineStore, TableState } from "../spi.ts";
import type { HistoryTables } from "./history-tables.ts";
import { LAST_VERSION, NO_VERSION } from "./versions-definition.ts";

/** The key of the number of erasures in the metadata of the versions table. */
const ERASURES = "erasures";

/** The number of erasures that the table has seen. */
export function erasuresOf(versions: TableState | null): number {
  return Number(versions?.metadata.get(ERASURES) ?? "0");
}

/** The number of erasures in the name of a rewrite: the third of its members. */
function erasuresOfRewrite(rewrite: string): number {
  return Number(rewrite.split("-", 3)[2]);
}

/** The step that compares: nothing was erased since the table was read. */
export function compareErasures(versions: TableState | null): MetadataStep {
  const text = versions?.metadata.get(ERASURES) ?? null;
  return { key: ERASURES, expected: text, next: text };
}

/**
 * Makes every compaction that read the log before now a conflict. It would write rows that were
 * erased since.
 */
export async function fenceCompaction(
  offline: OfflineStore,
  { versions: { name } }: HistoryTables,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const state = await offline.state(name, { signal });
    if (state === null) return;
    const { expected, ...step } = compareErasures(state);
    const next = String(erasuresOf(state) + 1);
    const { columns, partitionBy } = state;
    // a reader of another definition would read its last version of the table
    const older = [...state.metadata].filter(([key]) => key.startsWith(LAST_VERSION));
    const metadata = [
      { ...step, expected, next },
      ...older.map(([key, text]) => ({ key, expected: text, next: NO_VERSION })),
    ];
    const options = { positions: [], metadata, signal };
    if ((await offline.append({ name, columns, partitionBy }, [], options)) === "conflict")
      continue;
    // a rewrite that read the log before now has staged rows that were erased since
    await offline.staging?.discard(name, {
      isDiscarded: (rewrite) => !(erasuresOfRewrite(rewrite) >= Number(next)),
      signal,
    });
    return;
  }
}
