/** Says what the online store can answer of definitions that it may never have seen. */
import { isTidemarkError } from "../errors.ts";
import type { FeatureSpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import {
  missingForFeature,
  layoutFor,
  readSourceState,
  type SourceState,
} from "../online/source-state.ts";

/**
 * How the online store serves a feature.
 * "now": the state holds its columns and its window.
 * "backfill": it answers `NEEDS_BACKFILL` until the online store is filled from the history.
 * "empty": the store has taken nothing of the source yet.
 * "rebuild": the source's rows are stored under another definition.
 * Every feature over that source then fails until the online store is begun anew.
 * "unknown": there is no online store to ask.
 */
export interface ServingStatus {
  readonly kind: "now" | "backfill" | "empty" | "rebuild" | "unknown";
  /** What the store lacks, or what is in the way. null: nothing. */
  readonly why: string | null;
}

export type ServingStatusOf = (view: ViewSpec, feature: FeatureSpec) => ServingStatus;

export async function servingStatus(
  online: OnlineStore | undefined,
  namespace: string,
  views: readonly ViewSpec[],
): Promise<ServingStatusOf> {
  const states = new Map<string, SourceState | ServingStatus>();
  for (const { source } of views) {
    if (online !== undefined && !states.has(source.name))
      states.set(source.name, await stateOf(online, namespace, source, views));
  }
  return (view, feature) => {
    const state = states.get(view.source.name);
    if (state === undefined) return { kind: "unknown", why: null };
    if ("kind" in state) return state;
    if (state.version === null) return { kind: "empty", why: null };
    if (state.backfilling !== undefined)
      return {
        kind: "backfill",
        why: "the rest of its source, which is being filled from the history",
      };
    const why = missingForFeature(state, view, feature);
    return { kind: why === null ? "now" : "backfill", why };
  };
}

async function stateOf(
  online: OnlineStore,
  namespace: string,
  source: SourceSpec,
  views: readonly ViewSpec[],
): Promise<SourceState | ServingStatus> {
  try {
    return await readSourceState(online, namespace, layoutFor(source, views));
  } catch (error) {
    if (isTidemarkError(error, "STATE_OF_OTHER_DEFINITION"))
      return { kind: "rebuild", why: error.message };
    throw error;
  }
}
