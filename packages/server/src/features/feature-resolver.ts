/** Resolves the names in requests to definitions. */
import {
  type ErrorCode,
  TidemarkError,
  selectedFeatures,
  type Definitions,
  type Selection,
} from "@tidemark/core";
import type {
  ColumnSpec,
  DerivedViewSpec,
  SelectedFeature,
  ServiceSpec,
  SourceSpec,
  ViewSpec,
} from "@tidemark/core/spi";
import {
  didYouMean,
  keysNeeded,
  selectedNamed,
  selectionFrom,
  viewSelection,
} from "@tidemark/core/internal";
import { boundedCache, CACHE_BYTES, FEATURE_BYTES } from "./bounded-cache.ts";
import { quoted, shortened } from "./names.ts";

/** The features of a request, resolved to definitions. */
export interface ResolvedFeatures {
  readonly selection: Selection<
    Readonly<Record<string, unknown>>,
    Readonly<Record<string, unknown>>
  >;
  readonly selected: readonly SelectedFeature[];
  /** The entity keys that the request must have. */
  readonly keys: readonly ColumnSpec[];
}

/**
 * The form of a feature's name in the answer. short: `total_amount`. full: `weekly__total_amount`,
 * as with Feast's `full_feature_names`.
 */
export type FeatureNaming = "short" | "full";

/** Resolves names to definitions. Each error suggests the nearest name. */
export interface FeatureResolver {
  /**
   * Returns a feature view.
   *
   * @throws VIEW_UNKNOWN when no view has the name.
   */
  view(name: string): ViewSpec;
  /**
   * Returns a feature view or a derived view.
   *
   * @throws VIEW_UNKNOWN when no view has the name.
   */
  anyView(name: string): ViewSpec | DerivedViewSpec;
  /**
   * Returns a feature service.
   *
   * @throws SERVICE_UNKNOWN when no service has the name.
   */
  service(name: string): ServiceSpec;
  /**
   * Returns a source.
   *
   * @throws SOURCE_UNKNOWN when no source has the name.
   */
  source(name: string): SourceSpec;
  /**
   * Resolves references in their order. A reference is `view:feature`, or a view's name for all its
   * features.
   *
   * @throws VIEW_UNKNOWN when no view has the name.
   * @throws FEATURE_UNKNOWN when the view has no such feature.
   * @throws REQUEST_INVALID when there are no references.
   * @throws NAME_TAKEN when two features have one name.
   * @throws TYPE_MISMATCH when two views have one key with different types.
   */
  features(references: readonly string[], naming: FeatureNaming): ResolvedFeatures;
  /**
   * Resolves the features of a service.
   *
   * @throws SERVICE_UNKNOWN when no service has the name.
   */
  serviceFeatures(name: string, naming: FeatureNaming): ResolvedFeatures;
}

/** Makes a resolver of definitions, with a cache of resolved requests. */
export function featureResolver(definitions: Definitions): FeatureResolver {
  const cache = boundedCache<ResolvedFeatures>(CACHE_BYTES);
  /**
   * The last resolved request. Most callers request the same features again, and a comparison is
   * cheaper than a lookup.
   */
  let last: {
    readonly references: readonly string[];
    readonly naming: FeatureNaming;
    readonly resolved: ResolvedFeatures;
  } | null = null;

  /**
   * Returns the same object for the same text. The store prepares each selection object once.
   */
  function cached(
    text: string,
    make: () => readonly SelectedFeature[],
    service?: string,
  ): ResolvedFeatures {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const selection = selectionFrom(make(), "the request", service);
    const selected = selectedFeatures(selection);
    const resolved = { selection, selected, keys: keysNeeded(selected) };
    cache.set(text, resolved, selected.length * FEATURE_BYTES);
    return resolved;
  }

  function findDefinition<T>(
    code: ErrorCode,
    what: string,
    of: ReadonlyMap<string, T>,
    name: string,
  ): T {
    const one = of.get(name);
    if (one !== undefined) return one;
    const hint = didYouMean(name, of.keys());
    const names = [...of.keys()];
    const list =
      names.length === 0 ? `the definitions have none` : `the definitions have ${shortened(names)}`;
    throw new TidemarkError(
      code,
      `the request: no ${what} is called ${quoted(name)}${hint === "" ? `; ${list}` : hint}`,
    );
  }

  const view = (name: string): ViewSpec =>
    findDefinition("VIEW_UNKNOWN", "feature view", definitions.views, name);
  const allViews = new Map<string, ViewSpec | DerivedViewSpec>([
    ...definitions.views,
    ...definitions.derivedViews,
  ]);
  const anyView = (name: string): ViewSpec | DerivedViewSpec =>
    findDefinition("VIEW_UNKNOWN", "feature view", allViews, name);
  const service = (name: string): ServiceSpec =>
    findDefinition("SERVICE_UNKNOWN", "feature service", definitions.services, name);

  function resolveReference(reference: string, naming: FeatureNaming): readonly SelectedFeature[] {
    const at = reference.indexOf(":");
    const of = anyView(at < 0 ? reference : reference.slice(0, at));
    const named = (one: SelectedFeature): SelectedFeature =>
      naming === "full" ? { ...one, as: `${of.name}__${one.as}` } : one;
    if (at < 0) return viewSelection(of).map(named);
    const name = reference.slice(at + 1);
    const selected = selectedNamed(of, name);
    if (selected !== undefined) return [named(selected)];
    const names = of.features.map((one) => one.name);
    const hint = didYouMean(name, names);
    throw new TidemarkError(
      "FEATURE_UNKNOWN",
      `the request: feature view "${of.name}" has no feature ` +
        `${quoted(name)}${hint === "" ? `; it has ${shortened(names)}` : hint}`,
    );
  }

  return {
    view,
    anyView,
    service,
    source: (name) => findDefinition("SOURCE_UNKNOWN", "source", definitions.sources, name),
    features(references, naming) {
      if (references.length === 0)
        throw new TidemarkError(
          "REQUEST_INVALID",
          `the request: features is empty; name at least one, as in "view:feature"`,
        );
      if (
        last !== null &&
        last.naming === naming &&
        last.references.length === references.length &&
        last.references.every((one, i) => one === references[i])
      )
        return last.resolved;
      const resolved = cached(`${naming} features ${JSON.stringify(references)}`, () =>
        references.flatMap((reference) => resolveReference(reference, naming)),
      );
      last = { references, naming, resolved };
      return resolved;
    },
    serviceFeatures(name, naming) {
      return cached(
        `${naming} service ${name}`,
        () =>
          service(name).features.map((one) =>
            naming === "full" ? { ...one, as: `${one.view.name}__${one.as}` } : one,
          ),
        name,
      );
    },
  };
}
