/** Deletes the cells of builds that are no longer served, in bounded steps. */
import { cellKeys } from "../columns/key-bytes.ts";
import type { OnlineStore } from "../spi.ts";
import { decodeOldBuilds, oldBuildsKey, oldBuildsWrite } from "./source-builds.ts";

/** Cells deleted in one step. */
const STEP_CELLS = 1_000;

/**
 * Deletes up to one step of the cells of a source's old builds. True: none are left. Several
 * processes may call it at once.
 */
export async function deleteOldBuildsStep(
  store: OnlineStore,
  namespace: string,
  source: string,
): Promise<boolean> {
  const key = oldBuildsKey(namespace, source);
  const [cell = null] = await store.read([key]);
  const old = decodeOldBuilds(key, cell);
  const [first, ...others] = old.builds;
  if (first === undefined) return true;
  const [space, ...spaces] = first.spaces;
  if (space !== undefined) {
    const prefix = cellKeys(namespace, space, [])([]);
    const { cursor } = await store.deleteCells({ prefix, limit: STEP_CELLS, cursor: null });
    if (cursor !== null) return false;
  }
  const left = spaces.length === 0 ? others : [{ ...first, spaces }, ...others];
  await store.write({ source, cells: [oldBuildsWrite(old, left)], positions: [] });
  return false;
}
