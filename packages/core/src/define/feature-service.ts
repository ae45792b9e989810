/** The features a model asks for, by name. */
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

export interface FeatureService<out Name extends string, out Row, out Needs> extends Selection<
  Row,
  Needs
> {
  /** Only for types: the service's name. */
  readonly [named]: Name;
}
declare const named: unique symbol;

/**
 * A named list of features, views and other services: what one model reads. Two features of one
 * name are refused (`NAME_TAKEN`): rename one with `.as("other")`.
 *
 * @example
 * const fraud = featureService("fraud_v1", [weekly.num_transactions_l1w, weekly.total_amount_l1w]);
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
