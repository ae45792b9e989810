/** How the serving log writes a selection, and reads it again under the definitions of today. */
import { isDerived, keysOf, neededColumns } from "../define/base-features.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { selectedNamed } from "../define/former-names.ts";
import { featureInRole, roleOf } from "../define/roles.ts";
import { fingerprinter } from "../registry/selection-fingerprint.ts";
import type { ColumnSpec, NamesInRole, SelectedFeature } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";
import type { PresentValue } from "../types/vector.ts";

/** Writes the members of a JSON object whose names and types do not change. */
export interface MemberWriter {
  readonly name: string;
  /** The text before the value, such as `,"amount":`. */
  readonly head: string;
  readonly text: (value: PresentValue) => string;
}

/** What the serving log writes for each row of a selection. */
export interface LoggedSelection {
  /** JSON: the feature of each name. */
  readonly features: string;
  /** JSON: the fingerprint of each feature's definition, by name. */
  readonly fingerprints: string;
  readonly keys: readonly MemberWriter[];
  readonly requestData: readonly MemberWriter[];
  readonly values: readonly MemberWriter[];
}

/** A feature in the text of a selection. In a role it names the keys of the role. */
type FeatureText = string | { readonly feature: string; readonly role: NamesInRole };

/** Describes selections for the serving log. Each selection is described once. */
export function selectionDescriber(
  definitions: Definitions,
): (selection: readonly SelectedFeature[]) => LoggedSelection {
  const known = new WeakMap<readonly SelectedFeature[], LoggedSelection>();
  const fingerprints = featureFingerprints(definitions);
  return (selection) => {
    let found = known.get(selection);
    if (found === undefined) {
      const needed = new Map(
        selection.flatMap(neededColumns).map((column) => [column.name, column]),
      );
      const keys = new Map(selection.flatMap(keysOf).map((column) => [column.name, column]));
      found = {
        features: JSON.stringify(Object.fromEntries(selection.map((one) => [one.as, textOf(one)]))),
        fingerprints: JSON.stringify(
          Object.fromEntries(selection.map((one) => [one.as, fingerprints(one)])),
        ),
        keys: memberWriters([...keys.values()]),
        requestData: memberWriters([...needed.values()].filter(({ name }) => !keys.has(name))),
        values: memberWriters(
          selection.map(({ as, feature }) => ({ ...feature.result, name: as })),
        ),
      };
      known.set(selection, found);
    }
    return found;
  };
}

/** The fingerprint of all that the answer to one feature depends on. */
export function featureFingerprints(definitions: Definitions): (one: SelectedFeature) => string {
  const fingerprintOf = fingerprinter(definitions);
  return (one) => fingerprintOf([{ ...one, as: "" }]).slice(0, 16);
}

/** Makes the writers of members whose values have these types. */
export function memberWriters(columns: readonly ColumnSpec[]): readonly MemberWriter[] {
  return columns.map((column, c) => ({
    name: column.name,
    head: `${c === 0 ? "{" : ","}${JSON.stringify(column.name)}:`,
    text: typeOf(column).jsonText(column),
  }));
}

function textOf(one: SelectedFeature): FeatureText {
  const feature = `${one.view.name}:${one.feature.name}`;
  const role = roleOf(one);
  return role === undefined ? feature : { feature, role };
}

/** A feature that the log names. */
export interface NamedFeature {
  readonly as: string;
  /** As `view:feature`. */
  readonly feature: string;
  /** The feature today. null: the definitions have none of this name. */
  readonly selected: SelectedFeature | null;
}

/** Finds the features of a logged selection in the definitions of today. */
export function readSelection(text: string, definitions: Definitions): readonly NamedFeature[] {
  const features = JSON.parse(text) as Readonly<Record<string, FeatureText>>;
  return Object.entries(features).map(([as, one]) => {
    const feature = typeof one === "string" ? one : one.feature;
    const at = feature.indexOf(":");
    const name = feature.slice(0, at);
    const view = definitions.views.get(name) ?? definitions.derivedViews.get(name);
    const found = view && selectedNamed(view, feature.slice(at + 1), as);
    const selected =
      found === undefined || typeof one === "string" ? found : featureInRole(found, one.role);
    return { as, feature, selected: selected ?? null };
  });
}

/** The entities of a selection, each with the names of its keys in the log. */
export function entitiesOf(
  selection: readonly SelectedFeature[],
): readonly { readonly entity: string; readonly keys: readonly ColumnSpec[] }[] {
  const views = selection.flatMap((one) =>
    isDerived(one) ? one.feature.inputs.map(({ view }) => view) : [one.view],
  );
  const found = views.map(({ entity }) => ({ entity: entity.name, keys: entity.keys }));
  const textOfKeys = (one: (typeof found)[number]): string =>
    JSON.stringify([one.entity, one.keys.map(({ name }) => name)]);
  return [...new Map(found.map((one) => [textOfKeys(one), one])).values()];
}
