/** Derived views: features computed from features of other views, and from request data. */
import { describedAs, type Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { DerivedFeatureSpec, DerivedViewSpec, ValueType } from "../specs.ts";
import { neededColumns } from "./base-features.ts";
import { makeDefinition } from "./definition.ts";
import { functionOfFeatures, readByTerms, resultOfFunction } from "./derived-inputs.ts";
import { makeFeature, type Feature } from "./feature.ts";
import type {
  CheckDerivedFeatures,
  Features,
  KindsOfFeatures,
  NeedsOfDerived,
  NeedsOfEach,
  RowOfFeatures,
} from "./feature-view-types.ts";
import { checkFormerNames, viewSelection } from "./former-names.ts";
import { checkFeatureName, checkName, type CheckName } from "./names.ts";
import { checkMembers } from "./options.ts";
import { resultColumnOf } from "./result.ts";
import { checkNames, type Selection } from "./selection.ts";

/** A derived view. Each member is a feature with its own needs, and the view can be selected. */
export type DerivedView<Name extends string, Row, Needs, Kinds, Each> = {
  readonly [K in keyof Row]: Feature<
    Name,
    K & string,
    Row[K],
    Each[K & keyof Each],
    Extract<Kinds[K & keyof Kinds], ValueType>
  >;
} & Selection<Row, Needs>;

/**
 * Declares features that are computed from features of other views, of one entity or several, and
 * from request data. Each is a function of them. A feature needs the keys and the request data of
 * its own inputs only.
 *
 * Its status is `NOT_FOUND` if all its inputs are, else it follows the value. Its event time is the
 * newest of its inputs.
 *
 * @throws DEFINITION_INVALID when a feature is no function of features or request data.
 * @throws NAME_INVALID when the name, or the name of a feature, is no name.
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws TYPE_MISMATCH when two inputs use one key with different types.
 *
 * @example
 * const burst = derivedView("burst", {
 *   features: { mean_amount: div(weekly.amount_l1w, weekly.transactions_l1w) },
 * });
 */
export function derivedView<const N extends string, F extends Features>(
  name: CheckName<N>,
  definition: Metadata & { readonly features: CheckDerivedFeatures<F> },
): DerivedView<N, RowOfFeatures<F>, NeedsOfDerived<F>, KindsOfFeatures<F>, NeedsOfEach<F>> {
  const who = `derived view "${checkName("derived view", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["features"]);
  const members = Object.entries(checkMembers(who, "features", options["features"]));
  if (members.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: features is empty; list at least one, such as div(weekly.amount, monthly.amount)`,
    );
  const features = members.map(([member, value]) => featureOf(who, member, value));
  const spec: DerivedViewSpec = { name: name as string, kind: "derived", features, ...metadata };
  const selection = viewSelection(spec);
  const needed = [...new Set(selection.flatMap(neededColumns).map((column) => column.name))];
  for (const feature of features) checkFeatureName(who, feature.name, needed);
  checkFormerNames(who, needed, features);
  checkNames(selection, who);
  return makeDefinition(
    { kind: "derived view", spec },
    `derived view ${spec.name}`,
    Object.fromEntries(selection.map((selected) => [selected.as, makeFeature(selected)])),
  );
}

function featureOf(who: string, name: string, member: unknown): DerivedFeatureSpec {
  const state = functionOfFeatures(`${who}: feature "${name}"`, member);
  const { of, default: replaced, renamedFrom } = state;
  const { expression, size, inputs: terms = [] } = of;
  return {
    name,
    value: expression,
    ...readByTerms(terms),
    size,
    default: replaced,
    result: resultColumnOf({ result: resultOfFunction(of), default: replaced }, name),
    ...(renamedFrom.length === 0 ? {} : { renamedFrom }),
    ...describedAs(state),
  };
}
