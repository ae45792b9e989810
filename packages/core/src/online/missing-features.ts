/** The features of a request that the store cannot answer, and why. */
import { hasOnlyOtherTables } from "./build-tables.ts";
import { TidemarkError } from "../errors.ts";
import { lookupsBehindFeature } from "../plan/columns-read.ts";
import type { FeatureSpec, SelectedBaseFeature, SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore, ResultColumns, Status } from "../spi.ts";
import type { KnownState } from "./known-states.ts";
import { missingForFeature, missingForLookup } from "./missing-for-feature.ts";

/** A feature that the store cannot answer. */
export interface MissingFeature {
  readonly view: ViewSpec;
  readonly feature: FeatureSpec;
  readonly status: "NEEDS_BACKFILL" | "NOT_READY";
  /** The name of the source that lacks it: that of the view, or a dimension. */
  readonly source: string;
  /** What the store lacks, such as `the column fee`. */
  readonly lack: string;
}

/** What a feature lacks if its source has another table than the history took rows of. */
const ROWS_OF_ITS_TABLE = "the rows of its table";

/** A plan, as far as its features may be missing. */
interface AskedPlan {
  readonly view: ViewSpec;
  readonly features: readonly FeatureSpec[];
  /** What the plan reads of each source: its view and features, as they read that source. */
  readonly inputs: readonly {
    readonly view: ViewSpec;
    readonly features: readonly FeatureSpec[];
    readonly sourceIndex: number;
  }[];
  readonly lookups: readonly { readonly dimension: SourceSpec; readonly sourceIndex: number }[];
}

/** Which sources that are not ready are answered, and which that seem ready are not. */
export interface ReadinessRules {
  /** Answers from sources that are not ready. */
  readonly serveWhileFilling: boolean;
  /**
   * Whether an online store that has nothing of a push source is level with the history. A push
   * source counts as ready from the beginning, and a lost online file looks like a new one.
   */
  readonly isPushLevel: (source: string) => boolean;
}

function isReady({ state }: KnownState, { serveWhileFilling, isPushLevel }: ReadinessRules) {
  if (serveWhileFilling) return true;
  const { source } = state.layout;
  return (
    state.isReady && (source.push !== true || state.version !== null || isPushLevel(source.name))
  );
}

/** Lists the features of the plans that the store cannot answer with these states. */
export function missingFeatures(
  plans: readonly AskedPlan[],
  states: readonly KnownState[],
  rules: ReadinessRules,
): readonly MissingFeature[] {
  return plans.flatMap(({ view, features, inputs, lookups }) =>
    features.flatMap((feature, f): readonly MissingFeature[] => {
      for (const { view: reading, features: read, sourceIndex } of inputs) {
        const own = states[sourceIndex]!;
        const missing = missingIn(own, missingForFeature(own.state, reading, read[f]!), rules);
        if (missing !== null) return [{ view, feature, source: reading.source.name, ...missing }];
      }
      for (const lookup of lookupsBehindFeature(view, feature)) {
        const { name } = lookup.dimension;
        const state = states[lookups.find((one) => one.dimension.name === name)!.sourceIndex]!;
        const lacking = missingIn(state, missingForLookup(state.state, lookup), rules);
        if (lacking !== null) return [{ view, feature, source: name, ...lacking }];
      }
      return [];
    }),
  );
}

/** What the store lacks of one source. `lack`: what its stored rows lack. null: nothing. */
function missingIn(
  known: KnownState,
  lack: string | null,
  rules: ReadinessRules,
): Pick<MissingFeature, "status" | "lack"> | null {
  const { state } = known;
  if (state.backfilling !== undefined)
    return { status: "NEEDS_BACKFILL", lack: "the rest of a backfill" };
  if (lack !== null) return { status: "NEEDS_BACKFILL", lack };
  if (isReady(known, rules)) return null;
  const lacked = hasOnlyOtherTables(state) ? ROWS_OF_ITS_TABLE : "the rows of its source";
  return { status: "NOT_READY", lack: lacked };
}

/** What is missing, by the error that says so. */
const reasons = new WeakMap<object, string>();

/**
 * What an error of `NEEDS_BACKFILL` or `NOT_READY` says of features and sources, without the name
 * of the store; null for other errors.
 */
export function missingReason(error: unknown): string | null {
  return (typeof error === "object" && error !== null ? reasons.get(error) : undefined) ?? null;
}

/**
 * The error of a request whose features are missing. It names all features that need a backfill, or
 * else all sources that are not ready.
 */
export function missingError(
  store: OnlineStore,
  missing: readonly MissingFeature[],
): TidemarkError {
  const unfilled = missing.filter(({ status }) => status === "NEEDS_BACKFILL");
  const reason =
    unfilled.length > 0
      ? unfilled
          .map(({ view, feature, lack }) => `feature ${view.name}.${feature.name} needs ${lack}`)
          // a view in two roles misses the same
          .filter((text, i, all) => all.indexOf(text) === i)
          .join(", ") + ", which the store does not hold"
      : notReadyText(missing);
  const error =
    unfilled.length > 0
      ? new TidemarkError(
          "NEEDS_BACKFILL",
          `${store.name}: ${reason}: fill ${unfilled.length === 1 ? "it" : "them"} from the ` +
            "history with `tidemark backfill` (store.backfill), and leave the " +
            `feature${unfilled.length === 1 ? "" : "s"} out until then, or ask with ` +
            'onMissing: "null"',
        )
      : new TidemarkError(
          "NOT_READY",
          `${store.name}: ${reason}: ` +
            (missing.some(({ lack }) => lack === ROWS_OF_ITS_TABLE)
              ? "its table is another one since the last run: run it with `tidemark run` " +
                "(store.run)"
              : "wait for the run that fills the store, or fill it from the history with " +
                "`tidemark backfill` (store.backfill); `tidemark status` says what it lacks"),
          { retryable: true },
        );
  reasons.set(error, reason);
  return error;
}

function notReadyText(missing: readonly MissingFeature[]): string {
  const sources = [...new Set(missing.map(({ source }) => `"${source}"`))];
  return (
    (sources.length === 1 ? `source ${sources[0]!} was` : `sources ${sources.join(", ")} were`) +
    " never level with the log or the history, so an answer could be a smaller number"
  );
}

/** A selection without the missing features. */
export interface NarrowedSelection {
  readonly selection: readonly SelectedBaseFeature[];
  /** For each feature of the whole selection: why it is missing, or its index in `selection`. */
  readonly fates: readonly (number | MissingFeature["status"])[];
}

/** Leaves the missing features out of a selection. */
export function withoutMissing(
  whole: readonly SelectedBaseFeature[],
  missing: readonly MissingFeature[],
): NarrowedSelection {
  const selection: SelectedBaseFeature[] = [];
  const fates = whole.map((one) => {
    const found = missing.find(
      ({ view, feature }) => view.name === one.view.name && feature.name === one.feature.name,
    );
    return found === undefined ? selection.push(one) - 1 : found.status;
  });
  return { selection, fates };
}

/** Puts columns of null in place of the missing features. */
export function withMissing(
  { fates }: NarrowedSelection,
  answers: readonly ResultColumns[],
  length: number,
): readonly ResultColumns[] {
  const missing = (status: Status): ResultColumns => ({
    values: new Array<null>(length).fill(null),
    statuses: new Array<Status>(length).fill(status),
    times: new Float64Array(length).fill(NaN),
  });
  return fates.map((fate) => (typeof fate === "number" ? answers[fate]! : missing(fate)));
}
