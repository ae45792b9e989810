/** Features of a scenario that are asked for another entity in the same request. */
import { featureInRole } from "../../../packages/core/src/define/roles.ts";
import type { SelectedFeature } from "../../../packages/core/src/specs.ts";
import type { OracleRequest } from "../oracle/oracle.ts";
import type { Random } from "./random.ts";

/** A feature in a role, and the same feature outside it. */
export interface FeatureInRole {
  readonly selected: SelectedFeature;
  readonly original: SelectedFeature;
}

/** The name of a key in the role. */
export function otherName(name: string): string {
  return `other_${name}`;
}

/** Puts some of the features into a role. */
export function featuresInRole(
  random: Random,
  features: readonly SelectedFeature[],
  keys: readonly string[],
): readonly FeatureInRole[] {
  const names = Object.fromEntries(keys.map((name) => [name, otherName(name)]));
  return random
    .sample(features, Math.min(features.length, 5))
    .map((original) => ({
      original,
      selected: { ...featureInRole(original, names), as: otherName(original.as) },
    }));
}

/** Adds to each request the keys of another one, under the names of the role. */
export function withOtherKeys(
  random: Random,
  requests: readonly OracleRequest[],
): readonly OracleRequest[] {
  return requests.map((one) => {
    const other = random.pick(requests).keys;
    const named = Object.entries(other).map(([name, value]) => [otherName(name), value]);
    return { ...one, keys: { ...one.keys, ...Object.fromEntries(named) } };
  });
}
