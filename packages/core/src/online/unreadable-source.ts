/** Finds a source of which messages came, and none could be read. */
import { positionsOfGeneration, generationStateOf } from "../rows/snapshot-generations.ts";
import type { OnlineStore } from "../spi.ts";
import type { NotTaken } from "../ingest/not-taken.ts";
import { countersKey, readCounters } from "./source-counters.ts";

/**
 * Gives the first undecodable message of a source of which no row could be read so far; null: a row
 * was read, or no message came. Such a source has no rows, and its table may have many.
 */
export async function unreadableSource(
  store: OnlineStore,
  namespace: string,
  source: string,
): Promise<NotTaken | null> {
  const { generation } = generationStateOf(await store.metadata(source));
  const positions = positionsOfGeneration(generation, await store.positions(source));
  if (positions.some(({ checkpoint }) => (checkpoint?.taken?.rows ?? 0) > 0)) return null;
  const keys = positions.map(({ partition }) => countersKey(namespace, source, partition));
  const counters = keys.length === 0 ? [] : (await store.read(keys)).map(readCounters);
  if (counters.some(({ takenLater }) => takenLater > 0)) return null;
  const notTaken = counters.flatMap((one) => one.notTaken);
  return notTaken.find(({ kind }) => kind === "undecodable") ?? null;
}
