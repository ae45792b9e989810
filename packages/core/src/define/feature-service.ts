/** Feature services: the features that one model reads, under a name. */
import type { Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { definitionOf, makeDefinition } from "./definition.ts";
import { checkName, type CheckName } from "./names.ts";
import {
  featuresByName,
  selectedFeatures,
  type CheckFeaturesByName,
  type CheckList,
  type FeaturesByName,
  type NeedsOfFeatures,
  type RowOfFeatures,
  type SelectionList,
  type NeedsOfList,
  type RowOfList,
  type Selection,
} from "./selection.ts";

/** Features under a name. */
export interface FeatureService<out Name extends string, out Row, out Needs> extends Selection<
  Row,
  Needs
> {
  /** The service's name. It exists for types only. */
  readonly [named]: Name;
}
declare const named: unique symbol;

/**
 * What the features of a service answer, and what they need. A list leaves `F` without names of
 * its own.
 */
type ServiceRow<L extends SelectionList, F> = string extends keyof F
  ? RowOfList<L>
  : RowOfFeatures<F>;
type ServiceNeeds<L extends SelectionList, F> = string extends keyof F
  ? NeedsOfList<L>
  : NeedsOfFeatures<F>;

/**
 * Names the features that one model reads. A list holds features, views and other services. An
 * object gives each feature the name under which it is answered, as `.as("name")` does in a list.
 *
 * @throws NAME_INVALID when the name of the service or of a feature is no name.
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws SELECTION_INVALID when the list holds anything but features, views and services, or the
 * object anything but features.
 *
 * @example
 * const fraud = featureService("fraud_v1", [weekly.transactions_l1w, weekly.amount_l1w]);
 * const home = featureService("home_v1", { amount: weekly.amount_l1w, city: profile.city });
 */
export function featureService<
  const N extends string,
  const L extends SelectionList,
  F extends FeaturesByName,
>(
  name: CheckName<N>,
  features: CheckList<L> | CheckFeaturesByName<F>,
  metadata: Metadata = {},
): FeatureService<N, ServiceRow<L, F>, ServiceNeeds<L, F>> {
  const who = `feature service "${checkName("feature service", name)}"`;
  const { metadata: about } = checkDescribed(who, metadata, []);
  const selected =
    typeof features !== "object" ||
    features === null ||
    Array.isArray(features) ||
    definitionOf(features) !== undefined
      ? selectedFeatures(features, who)
      : featuresByName(features, who);
  return makeDefinition(
    { kind: "service", spec: { name: name as string, features: selected, ...about } },
    `feature service ${String(name)}`,
  );
}
