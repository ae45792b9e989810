/** Names the feature service that a request asked. */
import type { Definitions } from "../define/collect-definitions.ts";
import { definitionOf } from "../define/definition.ts";
import { REQUESTED } from "../define/selection.ts";
import type { SelectedFeature } from "../specs.ts";

/**
 * Makes the function that names the service of a request; null: it is none. A list of exactly the
 * features of a service, as a client sends it, is that service.
 */
export function serviceNamer({
  services,
}: Definitions): (features: unknown, selection: readonly SelectedFeature[]) => string | null {
  const known = new WeakMap<readonly SelectedFeature[], { readonly name: string | null }>();
  return (features, selection) => {
    let found = known.get(selection);
    if (found === undefined) {
      const asked = definitionOf(features);
      const name =
        asked?.kind === "service" && asked.spec.name !== REQUESTED
          ? asked.spec.name
          : ([...services.values()].find((one) => isSelection(one.features, selection))?.name ??
            null);
      known.set(selection, (found = { name }));
    }
    return found.name;
  };
}

function isSelection(
  features: readonly SelectedFeature[],
  selection: readonly SelectedFeature[],
): boolean {
  return (
    features.length === selection.length &&
    features.every((one, f) => {
      const other = selection[f]!;
      return (
        one.as === other.as &&
        one.view.name === other.view.name &&
        one.feature.name === other.feature.name
      );
    })
  );
}
