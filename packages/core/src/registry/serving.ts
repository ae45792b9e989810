/** Tells how the online store serves each feature of the definitions. */
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
 *
 * - "now": the online store holds the feature's columns and window.
 * - "backfill": a request fails with `NEEDS_BACKFILL` until the online store is backfilled.
 * - "empty": the online store has taken no change of the source yet.
 * - "rebuild": the rows of the source are stored under another definition. A request for a feature
 *   of the source fails until the online store is built again.
 * - "unknown": the store was opened without an online store.
 */
export interface ServingStatus {
  readonly kind: "now" | "backfill" | "empty" | "rebuild" | "unknown";
  /** What the online store lacks, or why a request fails. null: the feature is served. */
  readonly why: string | null;
}

/** Returns how the online store serves a feature. */
export type ServingStatusOf = (view: ViewSpec, feature: FeatureSpec) => ServingStatus;

/** Reads the state of each source of the views. */
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
      return { kind: "backfill", why: "the rows of its source, whose backfill is in progress" };
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
