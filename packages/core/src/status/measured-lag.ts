/**
 * Keeps how far a run is behind its log, in a cell of the namespace. A process without a change
 * source reads from it how far the stores are, and when that was measured.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { MeasuredPartition } from "../ingest/run-lag.ts";
import { decodeJson, encodeJson } from "../online/json-cell.ts";
import type { OnlineStore } from "../spi.ts";

/** How long a measure is kept beside newer ones, µs. Its topic may be gone. */
const KEPT_TIME = 86_400_000_000;
const ATTEMPTS = 20;

function lagKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "log-lag", [])([]);
}

/** Reads what the runs measured last, by partition. */
export async function measuredLag(
  store: OnlineStore,
  namespace: string,
): Promise<readonly MeasuredPartition[]> {
  const [cell] = await store.read([lagKey(namespace)]);
  return cell == null ? [] : (decodeJson(cell.value) as readonly MeasuredPartition[]);
}

/**
 * Writes what a run measured. Several runs measure partitions of their own. A measure only informs,
 * so that nothing is written if other writers are always first.
 */
export async function writeMeasuredLag(
  store: OnlineStore,
  namespace: string,
  measured: readonly MeasuredPartition[],
): Promise<void> {
  const newest = Math.max(...measured.map(({ at }) => at));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [cell = null] = await store.read([lagKey(namespace)]);
    const before = cell === null ? [] : (decodeJson(cell.value) as readonly MeasuredPartition[]);
    const known = new Map(before.map((one) => [one.partition, one]));
    const isKnown = (one: MeasuredPartition): boolean =>
      JSON.stringify(known.get(one.partition)) === JSON.stringify(one);
    if (measured.every(isKnown)) return;
    const all = new Map(
      [...before.filter(({ at }) => at > newest - KEPT_TIME), ...measured].map((one) => [
        one.partition,
        one,
      ]),
    );
    const value = encodeJson(
      [...all.values()].sort((a, b) => (a.partition < b.partition ? -1 : 1)),
    );
    const written = {
      key: lagKey(namespace),
      value,
      expected: cell?.version ?? null,
      expires: null,
    };
    if ((await store.write({ source: "", cells: [written], positions: [] })) === "done") return;
  }
}
