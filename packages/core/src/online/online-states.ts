/** Reads the states of all builds of a source. */
import type { SourceSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { buildInProgressKey } from "./source-builds.ts";
import { decodeSourceState, sourceStateKey, type SourceState } from "./source-state.ts";

/** The states of the builds that the store has of a source: the served one first. */
export async function onlineStates(
  store: OnlineStore,
  namespace: string,
  source: SourceSpec,
): Promise<readonly SourceState[]> {
  const cells = await store.read([
    sourceStateKey(namespace, source.name),
    buildInProgressKey(namespace, source.name),
  ]);
  return cells.flatMap((cell) =>
    cell === null ? [] : [decodeSourceState(store, source.name, cell)],
  );
}
