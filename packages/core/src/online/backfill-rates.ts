/**
 * Keeps how long the last backfill of each source took, in a cell of the namespace. A plan
 * estimates the next one from it.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { isRetryable } from "../errors.ts";
import { LEAST_MEASURED, type MeasuredRate } from "../plan/measured-rate.ts";
import type { OnlineStore } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";

const ATTEMPTS = 20;

/** The last rate of each source, by its name. */
type BackfillRates = Readonly<Record<string, MeasuredRate>>;

function ratesKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "backfill-rates", [])([]);
}

/** Reads the rates of the last backfills. */
export async function backfillRates(store: OnlineStore, namespace: string): Promise<BackfillRates> {
  const [cell] = await store.read([ratesKey(namespace)]);
  return cell == null ? {} : (decodeJson(cell.value) as BackfillRates);
}

/**
 * Writes the rates of a backfill. They only inform. Nothing is written if other writers are always
 * first, or if the store does not answer.
 */
export async function writeBackfillRates(
  store: OnlineStore,
  namespace: string,
  sources: readonly (MeasuredRate & { readonly source: string })[],
): Promise<void> {
  const measured = sources.filter(({ changes }) => changes >= LEAST_MEASURED);
  if (measured.length === 0) return;
  const key = ratesKey(namespace);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [cell = null] = await store.read([key]);
      const before = cell === null ? {} : (decodeJson(cell.value) as BackfillRates);
      const now = measured.map(({ source, changes, seconds }) => [source, { changes, seconds }]);
      const value = encodeJson({ ...before, ...Object.fromEntries(now) });
      const write = { key, value, expected: cell?.version ?? null, expires: null };
      if ((await store.write({ source: "", cells: [write], positions: [] })) === "done") return;
    }
  } catch (error) {
    if (!isRetryable(error)) throw error;
  }
}
