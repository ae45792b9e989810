/** Explains `LOG_LOST` when the history still has the changes that the online store lacks. */
import { historyContext } from "../offline/history-context.ts";
import { isTidemarkError, TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { offsetsOf, partitionKey } from "../rows/snapshot-generations.ts";

/**
 * Adds the way out to an error of a run. Such a way exists if the error is `LOG_LOST` and the
 * history is further than the online store.
 */
export async function explainLogLost(
  error: unknown,
  sources: readonly SourceSpec[],
  {
    online,
    offline,
  }: { readonly online: OnlineStore | undefined; readonly offline: OfflineStore | undefined },
): Promise<unknown> {
  if (!isTidemarkError(error, "LOG_LOST") || online === undefined || offline === undefined)
    return error;
  const behind: string[] = [];
  for (const source of sources) {
    const taken = offsetsOf(await online.positions(source.name));
    const log = await offline.state(historyContext(offline, source).tables.changes.name);
    for (const position of log?.positions ?? []) {
      const { partition, offset } = position;
      const at = taken.get(partitionKey(position));
      if (offset > (at ?? -1))
        behind.push(
          `${partition}: the online store has ` +
            `${at === undefined ? "nothing" : `offsets up to ${at}`}, ` +
            `the history has them up to ${offset}`,
        );
    }
  }
  if (behind.length === 0) return error;
  return new TidemarkError(
    "LOG_LOST",
    "the history is further than the online store " +
      `(${behind.slice(0, 5).join("; ")}` +
      `${behind.length > 5 ? `; ${behind.length - 5} more` : ""}): call store.backfill() first, ` +
      "which fills the online store from the history, and run again. " +
      `What the source said: ${error.message}`,
    { cause: error },
  );
}
