/** Selections: features, views, services and lists of them. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, SelectedFeature } from "../specs.ts";
import { keysOf, neededColumns } from "./base-features.ts";
import { definitionOf, described, makeDefinition } from "./definition.ts";
import { viewSelection } from "./former-names.ts";
import { checkFeatureName, type CheckAlias } from "./names.ts";
import { checkMembers } from "./options.ts";
import type { Simplify, shape } from "./shape.ts";

/** A feature, view or service. It answers a `Row` and needs `Needs` of the caller. */
export interface Selection<out Row, out Needs> {
  readonly [shape]: { readonly row: Row; readonly needs: Needs };
}
/** A selection of any row. */
export type AnySelection = Selection<unknown, unknown>;

/**
 * The type of the row that a feature, a view or a service answers.
 *
 * @example
 * type Weekly = RowOf<typeof weekly>;
 */
export type RowOf<X extends AnySelection> = X[typeof shape]["row"];
/**
 * The type of what a caller must give: the keys of the selection's entities.
 *
 * @example
 * type Keys = NeedsOf<typeof weekly>; // { user_id: string }
 */
export type NeedsOf<X extends AnySelection> = X[typeof shape]["needs"];

/** A list that should hold selections. `CheckList` checks its items. */
export type SelectionList = readonly unknown[];

type SelectedNames<S> = S extends AnySelection ? keyof RowOf<S> & string : never;
/** Name → the row of the selection that answers it. */
type RowsByName<L extends SelectionList> = {
  [S in L[number] as SelectedNames<S>]: S extends AnySelection ? RowOf<S> : never;
};
/** The row that a list answers. */
export type RowOfList<L extends SelectionList, M = RowsByName<L>> = {
  [N in keyof M]: M[N][N & keyof M[N]];
} & {};
type NeedsOfAny<S> = S extends AnySelection ? NeedsOf<S> : never;
type Intersection<U> = (U extends unknown ? (u: U) => void : never) extends (u: infer I) => void
  ? Simplify<I>
  : never;
/** What a caller must give for a list. */
export type NeedsOfList<L extends SelectionList> = Intersection<NeedsOfAny<L[number]>>;

/** Each index of the list, with the names it answers. */
type PositionedNames<L extends SelectionList> = {
  [I in keyof L]: readonly [I, SelectedNames<L[I]>];
}[number];
/**
 * Name → the index of the list that answers it, or the union of several.
 * It maps over pairs: over `keyof L` the compiler would compute it anew for every name.
 */
type NamePositions<L extends SelectionList> = { [P in PositionedNames<L> as P[1]]: P[0] };
type DuplicateNames<P> = { [N in keyof P]: IsUnion<P[N]> extends true ? N : never }[keyof P];
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;

/**
 * The list itself. An item that is no selection, or answers a name twice, becomes the sentence that
 * says so.
 */
export type CheckList<L extends SelectionList> = number extends L["length"]
  ? "list features, views or services one by one: the types must see each of them"
  : [L, DuplicateNames<NamePositions<L>>] extends [readonly AnySelection[], never]
    ? L // So a long list is checked item by item only if something is wrong.
    : { [I in keyof L]: CheckItem<L[I], DuplicateNames<NamePositions<L>>> };
type CheckItem<S, D> = S extends AnySelection
  ? [SelectedNames<S> & D] extends [never]
    ? S
    : `two features are called ${SelectedNames<S> & D & string}: rename one, as in .as('other')`
  : "this is no feature, view or service";

/** Features by the name under which a service answers them. */
export type FeaturesByName = { readonly [name: string]: unknown };

/** What `Feature` is at least. A view may hold features called `view` and `name`, no texts. */
type SingleFeature = AnySelection & { readonly view: string; readonly name: string };
type ValueOfFeature<S> = S extends SingleFeature ? RowOf<S>[S["name"] & keyof RowOf<S>] : never;

/** The object itself. A member that is no feature becomes the sentence that says so. */
export type CheckFeaturesByName<F> = {
  [N in keyof F]: string extends N
    ? "name features one by one: the types must see each of them"
    : F[N] extends SingleFeature
      ? CheckAlias<N & string, NeedsOf<F[N]>> extends infer Name
        ? Name extends N
          ? F[N]
          : Name
        : never
      : "this is no feature: name features one by one, as in { home: profile.city }";
};
/** The row that features by name answer. */
export type RowOfFeatures<F> = { -readonly [N in keyof F]: ValueOfFeature<F[N]> } & {};
/** What a caller must give for features by name. */
export type NeedsOfFeatures<F> = Intersection<NeedsOfAny<F[keyof F]>>;

/**
 * Lists features by the name under which they are answered, in the order of the members.
 *
 * @throws SELECTION_INVALID when a member is no feature.
 * @throws DEFINITION_INVALID when there is no member.
 * @throws NAME_INVALID when a name is no name for a feature.
 * @throws NAME_TAKEN when a name is that of a key.
 * @throws TYPE_MISMATCH when two views use one key with different types.
 */
export function featuresByName(given: unknown, who: string): readonly SelectedFeature[] {
  const members = Object.entries(checkMembers(who, "the features", given));
  if (members.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the object is empty; name at least one feature`,
    );
  const selected = members.map(([as, member]): SelectedFeature => {
    const found = definitionOf(member);
    if (found?.kind !== "feature")
      throw new TidemarkError(
        "SELECTION_INVALID",
        `${who}: "${as}" is ${described(member)} and no feature; name features one by one, as ` +
          "in { home: profile.city }, or give a list",
      );
    const { selected: one } = found;
    const keys = neededColumns(one).map(({ name }) => name);
    checkFeatureName(`${who}: feature "${one.view.name}.${one.feature.name}"`, as, keys);
    return { ...one, as };
  });
  checkNames(selected, who);
  return selected;
}

/**
 * Lists the features of a feature, a view, a service, or a list of them, in order.
 *
 * @throws SELECTION_INVALID when an item is no feature, view or service.
 * @throws DEFINITION_INVALID when the list is empty.
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws TYPE_MISMATCH when two views use one key with different types.
 *
 * @example
 * const names = selectedFeatures([weekly.amount_l1w, fraud]).map((one) => one.as);
 */
export function selectedFeatures(
  features: unknown,
  who = "the features",
): readonly SelectedFeature[] {
  const list: readonly unknown[] = Array.isArray(features) ? features : [features];
  if (list.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the list is empty; name at least one feature, view or service`,
    );
  const selected = list.flatMap((one) => selectedOf(one, who));
  checkNames(selected, who);
  return selected;
}

/** The name of a selection that is no service. */
export const REQUESTED = "requested";

/**
 * Makes a selection of features that are known as data, such as those that a request to a server
 * names.
 * Keep the returned selection: a store prepares each selection once. `name`: of the service whose
 * features they are, for the serving log.
 *
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws TYPE_MISMATCH when two views use one key with different types.
 *
 * @example
 * const { services } = collectDefinitions(exports);
 * const selection = selectionFrom(services.get("fraud_v1")!.features);
 */
export function selectionFrom(
  features: readonly SelectedFeature[],
  who = "the features",
  name: string = REQUESTED,
): Selection<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>> {
  checkNames(features, who);
  return makeDefinition({ kind: "service", spec: { name, features } }, "selection");
}

function selectedOf(one: unknown, who: string): readonly SelectedFeature[] {
  const found = definitionOf(one);
  switch (found?.kind) {
    case "feature":
      return [found.selected];
    case "view":
    case "derived view":
      return viewSelection(found.spec);
    case "service":
      return found.spec.features;
    case "selection":
      return found.features;
    default:
      throw new TidemarkError(
        "SELECTION_INVALID",
        `${who}: ${described(one)} is no feature, view or service; ` +
          "give one as your definitions export it, such as weekly.total_amount_l1w",
      );
  }
}

/**
 * Checks the names of answers, and of what a caller must give for them.
 *
 * @throws NAME_TAKEN when two features have one name, or a feature has that of a key.
 * @throws TYPE_MISMATCH when one key has two types.
 */
export function checkNames(selected: readonly SelectedFeature[], who: string): void {
  const names = new Map<string, SelectedFeature>();
  const needed = new Map<string, NeededColumn>();
  for (const one of selected) {
    const double = names.get(one.as);
    if (double !== undefined) {
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: "${one.as}" is both ${double.view.name}.${double.feature.name} and ` +
          `${one.view.name}.${one.feature.name}; rename one with .as("other")`,
      );
    }
    names.set(one.as, one);
    const keys = keysOf(one);
    for (const column of neededColumns(one)) {
      const isKey = keys.includes(column);
      const found = { view: one.view.name, isKey, column };
      const first = needed.get(column.name);
      if (first === undefined) needed.set(column.name, found);
      else checkSame(first, found, who);
    }
  }
  for (const one of selected) {
    const found = needed.get(one.as);
    if (found !== undefined)
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: ${one.view.name}.${one.feature.name} would be answered as "${one.as}", ` +
          `which is ${found.isKey ? "a key" : "request data"}; rename it with .as("other")`,
      );
  }
}

/** A key or a column of request data, and the first view that needs it. */
interface NeededColumn {
  readonly view: string;
  readonly isKey: boolean;
  readonly column: ColumnSpec;
}

function checkSame(first: NeededColumn, second: NeededColumn, who: string): void {
  const { column } = first;
  const { name } = column;
  if (first.isKey !== second.isKey)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: "${name}" is a key of view "${(first.isKey ? first : second).view}" and request ` +
        `data of view "${(first.isKey ? second : first).view}"; give the request data another name`,
    );
  if (
    column.type !== second.column.type ||
    column.scale !== second.column.scale ||
    (!first.isKey && JSON.stringify(column) !== JSON.stringify(second.column))
  )
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${who}: ${first.isKey ? "key" : "request data"} "${name}" is ${typeText(column)} in view ` +
        `"${first.view}" and ${typeText(second.column)} in view "${second.view}"; ` +
        "ask for them apart",
    );
}

function typeText({ type, nullable }: ColumnSpec): string {
  return nullable ? `${type} or null` : type;
}
