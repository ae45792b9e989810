/** Erases the rows of entities from the serving log. */
import type { Batch } from "../columns/batch.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { eraseEntitiesStep, newSalt } from "../rows/erased-entities.ts";
import { OWNER_COLUMNS, stayingAnswers } from "../serving-log/erased-answers.ts";
import { LOG_TABLE } from "../serving-log/log-table.ts";
import type { OfflineStore, UncommittedRows } from "../spi.ts";
import type { EraseHistoryOptions, ErasedRows } from "./edit-rows.ts";
import type { ErasedEntities } from "./entity-columns.ts";
import { removeRows } from "./remove-rows.ts";

/** Makes the function that gives 1 for each row of the log that stays. */
function stayingRows(
  { entity, isErased }: ErasedEntities,
  definitions: Definitions,
): (batch: Batch) => Uint8Array {
  return stayingAnswers(definitions, [entity], (_, text) => isErased(text, -Infinity));
}

/** Says whether a file of the log that no version names holds rows of the entities. */
export function isErasedAnswer(erased: ErasedEntities, definitions: Definitions): UncommittedRows {
  const stays = stayingRows(erased, definitions);
  return { columns: OWNER_COLUMNS, isErased: (batch) => stays(batch).includes(0) };
}

/**
 * Returns what was erased; null: there is no serving log. Processes that have answers of the
 * entities from up to `until` (µs) in their queue leave them out.
 */
export async function eraseServingLog(
  offline: OfflineStore,
  erased: ErasedEntities,
  definitions: Definitions,
  { until, dryRun, signal }: EraseHistoryOptions & { readonly until: number },
): Promise<ErasedRows | null> {
  const { name } = LOG_TABLE;
  if ((await offline.state(name, { signal })) === null) return null;
  const stays = stayingRows(erased, definitions);
  if (!dryRun) await refuse(offline, erased, until, signal);
  return removeRows(offline, name, { columns: OWNER_COLUMNS, stays }, { dryRun, signal });
}

/** Makes every process that still has answers of the entities in its queue leave them out. */
async function refuse(
  offline: OfflineStore,
  { entity, keys }: ErasedEntities,
  until: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const state = await offline.state(LOG_TABLE.name, { signal });
    const texts = [...keys.keys()];
    const step = eraseEntitiesStep(state?.metadata, entity.name, texts, until, newSalt());
    if (step === null) return;
    const options = { positions: [], metadata: [step], signal };
    if ((await offline.append(LOG_TABLE, [], options)) === "done") return;
  }
}
