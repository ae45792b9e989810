/** Tells how the online store serves each feature of the definitions. */
import { sourceReadings } from "../define/source-readings.ts";
import { inputName } from "../define/base-features.ts";
import { lookupsBehindFeature, sourcesOfView } from "../plan/columns-read.ts";
import type { FeatureSpec, InputFeature, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { missingForFeature, missingForLookup } from "../online/missing-for-feature.ts";
import { layoutFor, readSourceState, type SourceState } from "../online/source-state.ts";

/**
 * How the online store serves a feature.
 *
 * - "now": the online store holds the feature's columns and window.
 * - "backfill": a request is refused until the online store is backfilled from the history.
 * - "filling": a run fills the online store, and was never level with the log.
 * - "empty": neither the online store nor the history has a change of the source yet.
 * - "unknown": the store was opened without an online store.
 */
export interface ServingStatus {
  readonly kind: "now" | "backfill" | "filling" | "empty" | "unknown";
  /** What the online store lacks, or why a request fails. null: the feature is served. */
  readonly why: string | null;
  /** The code with which a request is refused until then. null: no request is refused. */
  readonly code: "NEEDS_BACKFILL" | "NOT_READY" | null;
}

/** The state of each source of the views, by name. Empty without an online store. */
export async function sourceStates(
  online: OnlineStore | undefined,
  namespace: string,
  views: readonly ViewSpec[],
): Promise<ReadonlyMap<string, SourceState>> {
  const states = new Map<string, SourceState>();
  for (const source of views.flatMap(sourcesOfView)) {
    if (online !== undefined && !states.has(source.name))
      states.set(source.name, await readSourceState(online, namespace, layoutFor(source, views)));
  }
  return states;
}

/** The kinds of serving, the most urgent first. */
const URGENCY: readonly ServingStatus["kind"][] = ["backfill", "filling", "empty", "unknown"];

/** Tells how a derived feature is served: as the input that waits for most. */
export function derivedServingStatus(
  inputs: readonly InputFeature[],
  statusOf: (feature: string) => ServingStatus,
): ServingStatus {
  const statuses = inputs.map((one) => ({
    name: inputName(one),
    status: statusOf(inputName(one)),
  }));
  for (const kind of URGENCY) {
    const found = statuses.find(({ status }) => status.kind === kind);
    if (found === undefined) continue;
    const { name, status } = found;
    return { ...status, why: status.why === null ? null : `${status.why} for ${name}` };
  }
  return { kind: "now", why: null, code: null };
}

/** The states of the sources by name, and the sources of which the history has changes. */
export interface KnownSources {
  /** Empty without an online store. */
  readonly states: ReadonlyMap<string, SourceState>;
  readonly histories: { has(source: string): boolean };
}

/** Tells how a feature is served: as the source that waits for most, its own or a dimension. */
export function servingStatus(
  known: KnownSources,
  view: ViewSpec,
  feature: FeatureSpec,
): ServingStatus {
  const statuses = sourceStatuses(known, view, feature);
  for (const kind of URGENCY) {
    const found = statuses.find(({ status }) => status.kind === kind);
    if (found !== undefined) return found.status;
  }
  return statuses[0]!.status;
}

/** The names of the sources whose backfill a feature waits for: its own, and dimensions. */
export function sourcesToBackfill(
  known: KnownSources,
  view: ViewSpec,
  feature: FeatureSpec,
): readonly string[] {
  return sourceStatuses(known, view, feature).flatMap(({ source, status }) =>
    status.kind === "backfill" ? [source] : [],
  );
}

function sourceStatuses(
  known: KnownSources,
  view: ViewSpec,
  feature: FeatureSpec,
): readonly { readonly source: string; readonly status: ServingStatus }[] {
  return [
    ...sourceReadings(view).map((reading) => {
      const source = reading.source.name;
      const read = reading.features.find(({ name }) => name === feature.name)!;
      const lacked = (state: SourceState): string | null => missingForFeature(state, reading, read);
      const title = view.parts === undefined ? "its source" : source;
      return { source, status: statusOfSource(known, source, title, lacked) };
    }),
    ...lookupsBehindFeature(view, feature).map((lookup) => {
      const source = lookup.dimension.name;
      const lacked = (state: SourceState): string | null => missingForLookup(state, lookup);
      return { source, status: statusOfSource(known, source, source, lacked) };
    }),
  ];
}

function statusOfSource(
  { states, histories }: KnownSources,
  source: string,
  title: string,
  lackIn: (state: SourceState) => string | null,
): ServingStatus {
  const state = states.get(source);
  if (state === undefined) return { kind: "unknown", why: null, code: null };
  if (state.version === null) {
    const code = state.isReady ? null : "NOT_READY";
    return histories.has(source)
      ? { kind: "backfill", why: `the rows of ${title}`, code }
      : { kind: "empty", why: null, code };
  }
  if (state.backfilling !== undefined)
    return {
      kind: "backfill",
      why: `the rows of ${title}, whose backfill is in progress`,
      code: "NEEDS_BACKFILL",
    };
  const why = lackIn(state);
  if (why !== null) return { kind: "backfill", why, code: "NEEDS_BACKFILL" };
  return state.isReady
    ? { kind: "now", why: null, code: null }
    : { kind: "filling", why: `the newest rows of ${title}`, code: "NOT_READY" };
}
