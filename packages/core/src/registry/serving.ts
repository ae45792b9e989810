/** What the online store can answer of definitions that it may never have seen. */
import { isTidemarkError } from "../errors.ts";
import type { FeatureSpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { lacking, layoutFor, readSourceState, type SourceState } from "../online/source-state.ts";

/**
 * now: the state holds its columns and its window, so it is served at once · backfill: it answers
 * `NEEDS_BACKFILL` until the online store is filled from the history · empty: the store has taken
 * nothing of the source yet · rebuild: the source's rows lie there under another definition, and
 * everything over it fails until the online store is begun anew · unknown: there is no online store
 * to ask.
 */
export interface Serving {
  readonly is: "now" | "backfill" | "empty" | "rebuild" | "unknown";
  /** What the store lacks, or what is in the way; null: nothing. */
  readonly why: string | null;
}

export type ServingOf = (view: ViewSpec, feature: FeatureSpec) => Serving;

export async function servingOf(
  online: OnlineStore | undefined,
  namespace: string,
  views: readonly ViewSpec[],
): Promise<ServingOf> {
  const states = new Map<string, SourceState | Serving>();
  for (const { source } of views) {
    if (online !== undefined && !states.has(source.name))
      states.set(source.name, await stateOf(online, namespace, source, views));
  }
  return (view, feature) => {
    const state = states.get(view.source.name);
    if (state === undefined) return { is: "unknown", why: null };
    if ("is" in state) return state;
    if (state.version === null) return { is: "empty", why: null };
    if (state.filling !== undefined)
      return {
        is: "backfill",
        why: "the rest of its source, which is being filled from the history",
      };
    const why = lacking(state, view, feature);
    return { is: why === null ? "now" : "backfill", why };
  };
}

async function stateOf(
  online: OnlineStore,
  namespace: string,
  source: SourceSpec,
  views: readonly ViewSpec[],
): Promise<SourceState | Serving> {
  try {
    return await readSourceState(online, namespace, layoutFor(source, views));
  } catch (error) {
    if (isTidemarkError(error, "STATE_OF_OTHER_DEFINITION"))
      return { is: "rebuild", why: error.message };
    throw error;
  }
}
