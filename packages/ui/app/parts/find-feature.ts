/** Finds a feature in the definitions. */
import type { ColumnJson, DefinitionsJson, FeatureJson, Metadata } from "../api/types.ts";

/** A feature, and what its view says. */
export interface FoundFeature {
  readonly view: string;
  readonly name: string;
  readonly feature: FeatureJson;
  readonly keys: readonly ColumnJson[];
  /** null: it is computed from features of other views. */
  readonly source: string | null;
  readonly entity: string | null;
  readonly viewMetadata: Metadata | undefined;
  readonly services: readonly string[];
}

/** Finds a feature; null: there is none of the name. */
export function findFeature(
  { views, derivedViews, services }: DefinitionsJson,
  viewName: string | undefined,
  name: string | undefined,
): FoundFeature | null {
  const stored = views.find((one) => one.name === viewName);
  const view = stored ?? derivedViews.find((one) => one.name === viewName);
  const reference = `${viewName}:${name}`;
  const feature = view?.features.find((one) => one.feature === reference);
  if (view === undefined || feature === undefined) return null;
  return {
    view: view.name,
    name: name!,
    feature,
    keys: view.keys,
    source: stored?.source ?? null,
    entity: stored?.entity ?? null,
    viewMetadata: view.metadata,
    services: servicesOf(reference, services),
  };
}

/** The names of the services that have a feature. */
export function servicesOf(
  reference: string,
  services: DefinitionsJson["services"],
): readonly string[] {
  return services
    .filter(({ features }) => features.some(({ feature }) => feature === reference))
    .map(({ name }) => name);
}

/** Lists the features of all views, as `view:feature`. */
export function allFeatures({ views, derivedViews }: DefinitionsJson): readonly string[] {
  return [...views, ...derivedViews].flatMap(({ features }) =>
    features.map(({ feature }) => feature),
  );
}
