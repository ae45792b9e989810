/**
 * Lists the sources of a namespace in a cell of their own. Expired cells are deleted only as far as
 * every listed source allows.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import { buildInProgressKey } from "./source-builds.ts";
import { horizonOf, sourceStateKey } from "./source-state.ts";

function listKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "sources", [])([]);
}

/**
 * The write that adds sources to the list. The step that writes the first state of a source
 * includes this write.
 */
export async function listSource(
  store: OnlineStore,
  namespace: string,
  ...sources: readonly string[]
): Promise<CellWrite> {
  const [cell] = await store.read([listKey(namespace)]);
  const names = new Set([...(cell == null ? [] : namesIn(cell.value)), ...sources]);
  return {
    key: listKey(namespace),
    value: encodeJson([...names].sort()),
    expected: cell?.version ?? null,
    expires: null,
  };
}

/**
 * The time before which no source of the namespace needs an expired cell; −Infinity: no cell may be
 * deleted.
 */
export async function expiryBound(store: OnlineStore, namespace: string): Promise<number> {
  const [list] = await store.read([listKey(namespace)]);
  const names = list == null ? [] : namesIn(list.value);
  const states = await store.read(
    names.flatMap((name) => [sourceStateKey(namespace, name), buildInProgressKey(namespace, name)]),
  );
  // a source that never deleted anything has no cell that expires
  const horizons = states
    .flatMap((cell) => (cell === null ? [] : [horizonOf(cell.value)]))
    .filter((horizon) => horizon > -Infinity);
  return horizons.length === 0 ? -Infinity : Math.min(...horizons);
}

function namesIn(value: Uint8Array): readonly string[] {
  return decodeJson(value) as readonly string[];
}
