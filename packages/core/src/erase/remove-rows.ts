/** Removes whole rows from a table, against other writers. */
import { selectRows, type Batch } from "../columns/batch.ts";
import type { OfflineStore } from "../spi.ts";
import { ATTEMPTS, contended, type EraseHistoryOptions, type ErasedRows } from "./edit-rows.ts";

/** Which rows go. */
interface RowsToRemove {
  /** The columns that decide. */
  readonly columns: readonly string[];
  /** Gives 1 for each row of a batch that stays. */
  readonly stays: (batch: Batch) => Uint8Array;
}

/**
 * Removes the rows that do not stay, or only counts them.
 *
 * @throws HISTORY_CONTENDED when other writers keep changing the table.
 */
export async function removeRows(
  offline: OfflineStore,
  table: string,
  { columns, stays }: RowsToRemove,
  { dryRun, signal }: EraseHistoryOptions,
): Promise<ErasedRows> {
  const gone = (flags: Uint8Array): number => flags.reduce((sum, flag) => sum + 1 - flag, 0);
  let removed = 0;
  if (dryRun) {
    for await (const batch of offline.scan(table, { columns, signal }))
      removed += gone(stays(batch));
    return { table, removed, reduced: 0 };
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    removed = 0;
    const written = await offline.replaceRows(table, {
      columns,
      signal,
      isAffected: (batch) => stays(batch).includes(0),
      replace(batch) {
        const flags = stays(batch);
        removed += gone(flags);
        return selectRows(batch, flags);
      },
    });
    if (written === "done") return { table, removed, reduced: 0 };
  }
  throw contended(offline, table);
}
