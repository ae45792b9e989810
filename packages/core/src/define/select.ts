/** Selects features of a selection, under other names and for entities in roles. */
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";
import type { NamesInRole, SelectedFeature } from "../specs.ts";
import { neededColumns } from "./base-features.ts";
import { described, makeDefinition } from "./definition.ts";
import { checkColumnName, checkFeatureName } from "./names.ts";
import type { BadFeatureName, FeatureNameForm } from "./names.ts";
import { checkMembers, checkOptions } from "./options.ts";
import { featureInRole } from "./roles.ts";
import { checkNames, selectedFeatures, type Selection } from "./selection.ts";
import type { Invalid } from "./shape.ts";

/** New names by the names that are replaced. */
type NewNames = { readonly [name: string]: string };
type NewName<N extends PropertyKey, R, P extends string> = N extends keyof R
  ? R[N] & string
  : `${P}${N & string}`;
/** The row of a selection of the features `K`. */
export type SelectedRow<Row, K extends keyof Row, R, P extends string> = {
  [N in K as NewName<N, R, P>]: Row[N];
} & {};
/** What a caller must give, by the names of the roles. */
export type NeedsInRole<Needs, M> = {
  [N in keyof Needs as N extends keyof M ? M[N] & string : N]: Needs[N];
} & {};

/** Each new name of a feature itself, or the sentence that says what is wrong with it. */
export type CheckRenamed<R, Row> = {
  readonly [N in keyof R]: N extends keyof Row
    ? R[N] extends BadFeatureName
      ? Invalid<`'${R[N] & string}' is no name for a feature: ${FeatureNameForm}`>
      : string
    : Invalid<`there is no feature called ${N & string}`>;
};
/** Each new name of a key itself, or the sentence that says what is wrong with it. */
export type CheckRoleKeys<M, Needs> = {
  readonly [N in keyof M]: N extends keyof Needs
    ? M[N] extends BadFeatureName
      ? Invalid<`'${M[N] & string}' is no name for a key: ${FeatureNameForm}`>
      : string
    : Invalid<`no feature needs ${N & string}`>;
};

/** How a selection is selected from. */
export interface SelectOptions<
  Row,
  Needs,
  K extends keyof Row & string,
  R extends NewNames,
  P extends string,
  M extends NewNames,
> {
  /** The features that are selected. Default: all. */
  readonly pick?: readonly K[] | undefined;
  /** Other names of features. */
  readonly rename?: (R & CheckRenamed<R, Row>) | undefined;
  /** What stands before each name that `rename` does not give. */
  readonly prefix?: P | undefined;
  /** The names under which a caller gives keys and request data. */
  readonly keys?: (M & CheckRoleKeys<M, Needs>) | undefined;
}

/**
 * Selects features of a feature, a view or a service, under other names. `keys` puts an entity into
 * a role: a caller gives its key under another name. So one request asks the same view for two
 * entities, such as the two accounts of a transfer.
 *
 * @throws SELECTION_INVALID when `pick` or `rename` names a feature that is not there.
 * @throws KEY_UNKNOWN when `keys` names what no feature needs.
 * @throws NAME_INVALID when a new name is no name.
 * @throws NAME_TAKEN when two features, or two keys of one feature, have one name.
 *
 * @example
 * const origin = select(weekly, { prefix: "origin_", keys: { user_id: "origin_user_id" } });
 * const target = select(weekly, { prefix: "target_", keys: { user_id: "target_user_id" } });
 * const both = featureService("both", [origin, target]);
 */
export function select<
  Row,
  Needs,
  const K extends keyof Row & string = keyof Row & string,
  const R extends NewNames = {},
  const P extends string = "",
  const M extends NewNames = {},
>(
  of: Selection<Row, Needs>,
  options: SelectOptions<Row, Needs, K, R, P, M>,
): Selection<SelectedRow<Row, K, R, P>, NeedsInRole<Needs, M>> {
  const who = "select";
  const all = selectedFeatures(of, who);
  const given = checkOptions(who, options, ["pick", "rename", "prefix", "keys"]);
  const names = all.map(({ as }) => as);
  const picked = pickedNames(who, given["pick"], names);
  const rename = textMembers(who, "rename", given["rename"]);
  for (const name of Object.keys(rename)) checkListed(who, "rename", name, picked);
  const { prefix = "" } = given;
  if (typeof prefix !== "string")
    throw new TidemarkError(
      "NAME_INVALID",
      `${who}: prefix must be a text, got ${described(prefix)}`,
    );
  const keys = textMembers(who, "keys", given["keys"]);
  const chosen = all.filter(({ as }) => picked.includes(as));
  checkKeys(who, chosen, keys);
  const features = chosen.map((one): SelectedFeature => {
    const as = Object.hasOwn(rename, one.as) ? rename[one.as]! : `${prefix}${one.as}`;
    const made: SelectedFeature = { ...featureInRole(one, keys), as };
    const needed = neededColumns(made).map(({ name }) => name);
    checkFeatureName(`${who}: feature "${one.view.name}.${one.feature.name}"`, as, needed);
    return made;
  });
  checkNames(features, who);
  return makeDefinition(
    { kind: "selection", features },
    `selection of ${features.map(({ as }) => as).join(", ")}`,
  );
}

/**
 * Puts a feature into a role. `names` are those under which a caller gives what it needs.
 *
 * @throws KEY_UNKNOWN when the feature does not need one of them.
 * @throws NAME_INVALID when a new name is no name.
 * @throws NAME_TAKEN when two keys of the feature would have one name, or one has that of the
 * feature.
 *
 * @example
 * const [selected] = selectedFeatures(weekly.amount_l1w);
 * const ofOrigin = selectedInRole(selected!, { user_id: "origin_user_id" }, "features");
 */
export function selectedInRole(
  one: SelectedFeature,
  names: NamesInRole,
  who: string,
): SelectedFeature {
  checkKeys(who, [one], names);
  return featureInRole(one, names);
}

function pickedNames(who: string, pick: unknown, names: readonly string[]): readonly string[] {
  if (pick === undefined) return names;
  if (!Array.isArray(pick) || pick.length === 0)
    throw new TidemarkError(
      "SELECTION_INVALID",
      `${who}: pick must be a list of names, such as ["${names[0]!}"], got ` +
        (Array.isArray(pick) ? "an empty list" : described(pick)),
    );
  for (const name of pick) checkListed(who, "pick", name, names);
  return pick as readonly string[];
}

function checkListed(who: string, what: string, name: unknown, names: readonly string[]): void {
  if (names.includes(name as string)) return;
  const near = typeof name === "string" ? didYouMean(name, names) : "";
  throw new TidemarkError(
    "SELECTION_INVALID",
    `${who}: ${what} names ${described(name)}, and no feature is called so` +
      (near === "" ? `; there are ${names.join(", ")}` : near),
  );
}

function textMembers(who: string, what: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const members = checkMembers(who, what, value);
  for (const [name, member] of Object.entries(members))
    if (typeof member !== "string")
      throw new TidemarkError(
        "NAME_INVALID",
        `${who}: ${what}.${name} must be a name, got ${described(member)}`,
      );
  return members as Readonly<Record<string, string>>;
}

function checkKeys(
  who: string,
  selection: readonly SelectedFeature[],
  keys: Readonly<Record<string, string>>,
): void {
  const needed = new Set(selection.flatMap(neededColumns).map(({ name }) => name));
  for (const [name, other] of Object.entries(keys)) {
    if (!needed.has(name))
      throw new TidemarkError(
        "KEY_UNKNOWN",
        `${who}: keys names ${JSON.stringify(name)}, and no feature needs it; there are ` +
          [...needed].join(", "),
      );
    checkColumnName(who, other);
    if (other === "event_timestamp")
      throw new TidemarkError(
        "NAME_INVALID",
        `${who}: a key cannot be called event_timestamp, which is the time of a request; rename it`,
      );
  }
  for (const one of selection) {
    const names = neededColumns(one).map(({ name }) =>
      Object.hasOwn(keys, name) ? keys[name]! : name,
    );
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined)
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: two keys of ${one.view.name}.${one.feature.name} would be called "${twice}"; ` +
          "give each its own name",
      );
  }
}
