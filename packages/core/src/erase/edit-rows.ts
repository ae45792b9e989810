/** Edits rows of a batch in their places. */
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { Value } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";

/** The number of attempts against other writers of a table. */
export const ATTEMPTS = 20;

/** What was erased of a table. */
export interface ErasedRows {
  readonly table: string;
  /** Rows that are gone. */
  readonly removed: number;
  /** Rows of which only what others need stays. */
  readonly reduced: number;
}

export interface EraseHistoryOptions {
  /** Only counts. */
  readonly dryRun: boolean;
  /** The number of changes in memory from which a plan takes no further row. */
  readonly mostChanges?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The batch with edited rows in their place. `edits`: undefined: the row stays; null: it goes. */
export function editedRows<E>(
  batch: Batch,
  edits: readonly (E | null | undefined)[],
  edit: (edit: E, stored: readonly Value[]) => readonly Value[],
): Batch {
  const rows = edits.flatMap((one, i): (readonly Value[])[] => {
    if (one === null) return [];
    const stored = batch.vectors.map((vector) => valueAt(vector, i));
    return [one === undefined ? stored : edit(one, stored)];
  });
  return batchOf(batch.columns, rows);
}

export function rowsIn({ length }: Batch): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}

export function contended(offline: OfflineStore, table: string): TidemarkError {
  return new TidemarkError(
    "HISTORY_CONTENDED",
    `${offline.name}: ${ATTEMPTS} attempts to erase rows of table ${table} met other writers; ` +
      "call erase again",
    { retryable: true },
  );
}
