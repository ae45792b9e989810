/** Features of a view. */
import type { FeatureSpec, ViewSpec } from "../specs.ts";
import { makeDefinition } from "./definition.ts";
import { checkFeatureName, type CheckAlias } from "./names.ts";
import type { Selection } from "./selection.ts";

/** One feature of a view. */
export interface Feature<
  out View extends string,
  Name extends string,
  out Value,
  Needs,
> extends Selection<{ [K in Name]: Value }, Needs> {
  readonly view: View;
  readonly name: Name;
  /**
   * Returns the same feature under another name.
   *
   * @throws NAME_INVALID when the alias is no name for a feature.
   * @throws NAME_TAKEN when the alias is a key of the entity.
   *
   * @example
   * const renamed = weekly.amount_l1w.as("amount");
   */
  as<const Alias extends string>(
    alias: CheckAlias<Alias, Needs>,
  ): Feature<View, Alias, Value, Needs>;
}

export function makeFeature(view: ViewSpec, spec: FeatureSpec, as: string): unknown {
  return makeDefinition({ kind: "feature", view, spec, as }, `feature ${view.name}.${spec.name}`, {
    view: view.name,
    name: as,
    as: (alias: unknown) => {
      checkFeatureName(
        `feature "${view.name}.${spec.name}" as ${JSON.stringify(alias) ?? String(alias)}`,
        alias,
        view.entity.keys.map((key) => key.name),
      );
      return makeFeature(view, spec, alias as string);
    },
  });
}
