/** Features of a view. */
import type { SelectedFeature, ValueType } from "../specs.ts";
import { neededColumns } from "./base-features.ts";
import { makeDefinition } from "./definition.ts";
import type { Expr, FeatureScope } from "./expression-types.ts";
import { checkFeatureName, type CheckAlias } from "./names.ts";
import type { Selection } from "./selection.ts";

/** One feature of a view. Functions of a derived view take it as an argument. */
export interface Feature<
  out View extends string,
  Name extends string,
  out Value,
  Needs,
  out Kind extends ValueType = ValueType,
>
  extends Selection<{ [K in Name]: Value }, Needs>, Expr<FeatureScope<Needs>, Kind, Value> {
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
  ): Feature<View, Alias, Value, Needs, Kind>;
}

export function makeFeature(selected: SelectedFeature): unknown {
  const { view, feature, as } = selected;
  return makeDefinition({ kind: "feature", selected }, `feature ${view.name}.${feature.name}`, {
    view: view.name,
    name: as,
    as: (alias: unknown) => {
      checkFeatureName(
        `feature "${view.name}.${feature.name}" as ${JSON.stringify(alias) ?? String(alias)}`,
        alias,
        neededColumns(selected).map(({ name }) => name),
      );
      return makeFeature({ ...selected, as: alias as string });
    },
  });
}
