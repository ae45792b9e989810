/** Feature services: named lists of features. */
import { makeDefinition } from "./definition.ts";
import { checkName, type CheckName } from "./names.ts";
import {
  selectedFeatures,
  type CheckList,
  type SelectionList,
  type NeedsOfList,
  type RowOfList,
  type Selection,
} from "./selection.ts";

/** A named list of features. */
export interface FeatureService<out Name extends string, out Row, out Needs> extends Selection<
  Row,
  Needs
> {
  /** The service's name. It exists for types only. */
  readonly [named]: Name;
}
declare const named: unique symbol;

/**
 * Names a list of features, views and other services: what one model reads.
 *
 * @throws NAME_INVALID when the name is no name.
 * @throws NAME_TAKEN when two features have one name: rename one with `.as("other")`.
 * @throws SELECTION_INVALID when the list holds anything but features, views and services.
 *
 * @example
 * const fraud = featureService("fraud_v1", [weekly.transactions_l1w, weekly.amount_l1w]);
 */
export function featureService<const N extends string, const L extends SelectionList>(
  name: CheckName<N>,
  features: CheckList<L>,
): FeatureService<N, RowOfList<L>, NeedsOfList<L>> {
  const who = `feature service "${checkName("feature service", name)}"`;
  return makeDefinition(
    { kind: "service", spec: { name: name as string, features: selectedFeatures(features, who) } },
    `feature service ${String(name)}`,
  );
}
