/** Erases the rows of entities from the features table of a view. */
import { valueAt, type Batch } from "../columns/batch.ts";
import { keyText } from "../columns/key-bytes.ts";
import { featuresTable, fenceFeatures } from "../materialize/features-table.ts";
import type { ViewSpec } from "../specs.ts";
import type { OfflineStore, UncommittedRows } from "../spi.ts";
import type { ErasedEntities } from "./entity-columns.ts";
import type { EraseHistoryOptions, ErasedRows } from "./edit-rows.ts";
import { removeRows } from "./remove-rows.ts";

/** Makes the function that gives 1 for each row of a batch that stays. */
function stayingRows({ entity, isErased }: ErasedEntities): (batch: Batch) => Uint8Array {
  const columns = entity.keys.map(({ name }) => name);
  return (batch) => {
    const vectors = columns.map(
      (name) => batch.vectors[batch.columns.findIndex((column) => column.name === name)]!,
    );
    return Uint8Array.from({ length: batch.length }, (_, i) =>
      isErased(
        keyText(
          entity.keys,
          vectors.map((vector) => valueAt(vector, i)),
        ),
        -Infinity,
      )
        ? 0
        : 1,
    );
  };
}

/** Says whether a file of the table that no version names holds rows of the entities. */
export function isErasedFeature(erased: ErasedEntities): UncommittedRows {
  const stays = stayingRows(erased);
  return {
    columns: erased.entity.keys.map(({ name }) => name),
    isErased: (batch) => stays(batch).includes(0),
  };
}

/** Returns what was erased; null: the table does not exist. */
export async function eraseFeatures(
  offline: OfflineStore,
  view: ViewSpec,
  erased: ErasedEntities,
  { dryRun, signal }: EraseHistoryOptions,
): Promise<ErasedRows | null> {
  const table = featuresTable(view).name;
  if ((await offline.state(table, { signal })) === null) return null;
  const columns = erased.entity.keys.map(({ name }) => name);
  const stays = stayingRows(erased);
  if (!dryRun) await fenceFeatures(offline, table, signal);
  return removeRows(offline, table, { columns, stays }, { dryRun, signal });
}
