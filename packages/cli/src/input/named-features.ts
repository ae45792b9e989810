/** Finds features in the definitions by name. */
import { TidemarkError, type Definitions } from "@tidemark/core";
import type { DerivedViewSpec, SelectedFeature, ViewSpec } from "@tidemark/core/spi";
import { didYouMean, selectedNamed, viewSelection } from "@tidemark/core/internal";

/**
 * The features of a service or a view.
 * @throws SERVICE_UNKNOWN when the definitions have neither.
 */
export function featuresOfService(
  name: string,
  { services, views, derivedViews }: Definitions,
  file: string,
): readonly SelectedFeature[] {
  const service = services.get(name);
  if (service !== undefined) return service.features;
  const view = views.get(name) ?? derivedViews.get(name);
  if (view !== undefined) return viewSelection(view);
  const allNames = [...views.keys(), ...derivedViews.keys()];
  const list = (what: string, names: Iterable<string>): string =>
    `${what} ${[...names].join(", ") || "none"}`;
  throw new TidemarkError(
    "SERVICE_UNKNOWN",
    `${file}: no service or view is called ` +
      `"${name}"${didYouMean(name, [...services.keys(), ...allNames])} ` +
      `(${list("services:", services.keys())}; ${list("views:", allNames)})`,
  );
}

/**
 * The features that the list names: `view:feature`, or `view` for all features of the view.
 * @throws VIEW_UNKNOWN when the definitions have no such view.
 * @throws FEATURE_UNKNOWN when the view has no such feature.
 */
export function featuresNamed(
  names: readonly string[],
  definitions: Definitions,
  file: string,
): readonly SelectedFeature[] {
  const views = new Map<string, ViewSpec | DerivedViewSpec>([
    ...definitions.views,
    ...definitions.derivedViews,
  ]);
  return names.flatMap((name) => {
    const [viewName, featureName] = name.includes(":")
      ? [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)]
      : [name, null];
    const view = views.get(viewName);
    if (view === undefined)
      throw new TidemarkError(
        "VIEW_UNKNOWN",
        `${file}: no view is called "${viewName}"${didYouMean(viewName, views.keys())} (there ` +
          `${views.size === 1 ? "is" : "are"} ${[...views.keys()].join(", ") || "none"}); write ` +
          "features as view:feature",
      );
    if (featureName === null) return viewSelection(view);
    const selected = selectedNamed(view, featureName);
    const all = view.features.map((one) => one.name);
    if (selected === undefined)
      throw new TidemarkError(
        "FEATURE_UNKNOWN",
        `${file}: view "${viewName}" has no feature ` +
          `"${featureName}"${didYouMean(featureName, all)} (it has ${all.join(", ")})`,
      );
    return [selected];
  });
}
