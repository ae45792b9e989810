/** The names of a view's features: the current ones, and former ones of renamed features. */
import { TidemarkError } from "../errors.ts";
import type {
  DerivedFeatureSpec,
  DerivedViewSpec,
  FeatureSpec,
  SelectedBaseFeature,
  SelectedDerivedFeature,
  SelectedFeature,
  ViewSpec,
} from "../specs.ts";
import { checkFeatureName } from "./names.ts";

/** Lists what a whole view answers: each feature, then the renamed ones under former names. */
export function viewSelection(view: ViewSpec): readonly SelectedBaseFeature[];
export function viewSelection(view: DerivedViewSpec): readonly SelectedDerivedFeature[];
export function viewSelection(view: ViewSpec | DerivedViewSpec): readonly SelectedFeature[];
export function viewSelection(view: ViewSpec | DerivedViewSpec): readonly SelectedFeature[] {
  const of = (feature: FeatureSpec | DerivedFeatureSpec, as: string): SelectedFeature =>
    ({ view, feature, as }) as SelectedFeature;
  return [
    ...view.features.map((feature) => of(feature, feature.name)),
    ...view.features.flatMap((feature) => (feature.renamedFrom ?? []).map((as) => of(feature, as))),
  ];
}

/** Finds the feature that has the name, or had it. */
export function featureNamed(view: ViewSpec, name: string): FeatureSpec | undefined;
export function featureNamed(
  view: ViewSpec | DerivedViewSpec,
  name: string,
): FeatureSpec | DerivedFeatureSpec | undefined;
export function featureNamed(
  view: ViewSpec | DerivedViewSpec,
  name: string,
): FeatureSpec | DerivedFeatureSpec | undefined {
  const features: readonly (FeatureSpec | DerivedFeatureSpec)[] = view.features;
  return (
    features.find((feature) => feature.name === name) ??
    features.find((feature) => feature.renamedFrom?.includes(name) === true)
  );
}

/** Selects the feature of a view that has the name, or had it, under the name `as`. */
export function selectedNamed(
  view: ViewSpec | DerivedViewSpec,
  name: string,
  as: string = name,
): SelectedFeature | undefined {
  const feature = featureNamed(view, name);
  return feature === undefined ? undefined : ({ view, feature, as } as SelectedFeature);
}

/**
 * Checks the former names of the features of a view. `keys` are names that no feature can have.
 *
 * @throws NAME_TAKEN when a former name is that of another feature, or of a key.
 */
export function checkFormerNames(
  who: string,
  keys: readonly string[],
  features: readonly Pick<FeatureSpec, "name" | "renamedFrom">[],
): void {
  const names = new Map(features.map(({ name }) => [name, `feature "${name}" has this name`]));
  for (const { name, renamedFrom = [] } of features)
    for (const former of renamedFrom) {
      const title = `${who}: feature "${name}", renamed from "${former}"`;
      checkFeatureName(title, former, keys);
      const taken = names.get(former);
      if (taken !== undefined)
        throw new TidemarkError(
          "NAME_TAKEN",
          `${title}: ${taken}, and one name answers one feature; drop one`,
        );
      names.set(former, `feature "${name}" was renamed from it`);
    }
}
