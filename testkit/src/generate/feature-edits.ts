/** Edits of features and views: what they compute, over which rows, of which entity. */
import type { Expression, FeatureSpec, ViewSpec } from "../../../packages/core/src/specs.ts";
import type { Edit, EditContext } from "./definition-edits.ts";
import { columnsReadBy, featureOver, withView, type DefinitionSet } from "./definition-set.ts";
import {
  aggregatesOf,
  argumentsOf,
  lengths,
  optionsOf,
  resultOf,
  resultOver,
} from "./definitions.ts";
import { lengthOf } from "../oracle/windows.ts";
import { columnNode, comparedColumn, comparisons, conditionNode } from "./expressions.ts";

interface FoundFeature {
  readonly view: ViewSpec;
  readonly feature: FeatureSpec;
}

/** Adds a feature over a declared column. */
export const addFeature: Edit = (set, context) => {
  const { random } = context;
  const view = random.pick(set.views);
  const key = new Set(view.keyColumns);
  const columns = view.source.columns.filter(({ name }) => !key.has(name));
  return newFeatureOver(set, view, random.pick(columns).name, context);
};

/** Adds a feature that reads the column. */
export function newFeatureOver(
  set: DefinitionSet,
  view: ViewSpec,
  name: string,
  context: EditContext,
): DefinitionSet {
  const { random, number } = context;
  const column = view.source.columns.find((one) => one.name === name)!;
  const aggregate = view.kind === "latest" ? "latest" : random.pick(aggregatesOf[column.type]);
  const made = `${view.name}_a${number}`;
  const options = optionsOf(random, aggregate);
  const arguments_ = argumentsOf(random, aggregate, view.source.columns, column);
  const window = view.kind === "latest" ? null : random.pick(view.features).window;
  const feature: FeatureSpec = {
    name: made,
    aggregate,
    ...options,
    arguments: arguments_,
    window,
    where:
      view.kind === "window" && random.chance(0.3) ? conditionOn(view, column.name, context) : null,
    default: undefined,
    result: resultOver(window, resultOf(made, aggregate, column)),
  };
  const features = [...view.features];
  features.splice(random.int(features.length + 1), 0, feature);
  return withView(set, { ...view, features });
}

/** Drops a feature. */
export const dropFeature: Edit = (set, { random }) => {
  const found = random.pick(featuresOf(set));
  const dropped = withView(set, {
    ...found.view,
    features: found.view.features.filter((one) => one !== found.feature),
  });
  return dropped.views.length === 0 ? null : dropped;
};

/** Gives a feature another name. */
export const renameFeature: Edit = (set, { random, number }) => {
  const { view, feature } = random.pick(featuresOf(set));
  const name = `${feature.name.replace(/_r\d+$/, "")}_r${number}`;
  const former = random.chance(0.5) ? { renamedFrom: [feature.name] } : {};
  return replaced(set, view, feature, featureOver(view.source, { ...feature, name, ...former }));
};

/** Makes the window of a feature, or the age of a view's rows, longer. */
export const longerWindow: Edit = (set, context) => otherWindow(set, context, true);

/** Makes the window of a feature, or the age of a view's rows, shorter. */
export const shorterWindow: Edit = (set, context) => otherWindow(set, context, false);

function otherWindow(
  set: DefinitionSet,
  { random }: EditContext,
  longer: boolean,
): DefinitionSet | null {
  const fits = (one: number, now: number): boolean => (longer ? one > now : one < now);
  const candidates = featuresOf(set).flatMap(({ view, feature }) => {
    const now = view.kind === "window" ? lengthOf(feature.window) : view.ttl;
    if (now === null) return [];
    return lengths.filter((one) => fits(one, now)).map((length) => ({ view, feature, length }));
  });
  if (candidates.length === 0) return null;
  const { view, feature, length } = random.pick(candidates);
  return view.kind === "window"
    ? replaced(set, view, feature, { ...feature, window: length })
    : withView(set, { ...view, ttl: length });
}

/** Gives a feature another condition, or none. */
export const otherFilter: Edit = (set, context) => {
  const { random } = context;
  const candidates = featuresOf(set).filter(({ view }) => view.kind === "window");
  if (candidates.length === 0) return null;
  const { view, feature } = random.pick(candidates);
  const columns = view.source.columns.filter((column) => !view.keyColumns.includes(column.name));
  const where =
    feature.where !== null && random.chance(0.3)
      ? null
      : conditionOn(view, random.pick(columns).name, context);
  return replaced(set, view, feature, { ...feature, where });
};

/** Takes the rows of a view for another entity. */
export const otherEntity: Edit = (set, { random, scenario }) => {
  const [account, peer] = scenario.entities;
  const candidates = set.views.flatMap((view): ViewSpec[] => {
    // A column that was retyped is no key of the entity any more.
    const { type } = account!.keys[0]!;
    const named = (database: string): string | undefined =>
      view.source.columns.find(
        (column) =>
          column.database === database &&
          column.type === (database === "Region" ? account!.keys[1]?.type : type),
      )?.name;
    const [counter, one, two] = [named("Counter Party"), named("Account ID"), named("Region")];
    if (view.entity.name === account!.name)
      return counter === undefined ? [] : [{ ...view, entity: peer!, keyColumns: [counter] }];
    const keys = [one, two].slice(0, account!.keys.length);
    return keys.includes(undefined)
      ? []
      : [{ ...view, entity: account!, keyColumns: keys as string[] }];
  });
  return candidates.length === 0 ? null : withView(set, random.pick(candidates));
};

/** Drops a view. */
export const dropView: Edit = (set, { random }) => {
  if (set.views.length < 2) return null;
  const gone = random.pick(set.views);
  return { ...set, views: set.views.filter((view) => view !== gone) };
};

/**
 * Declares a view again that was dropped, as far as the source still has its columns; else a new
 * view with the features of another one.
 */
export const returnView: Edit = (set, { random, dropped, number }) => {
  const taken = new Set(
    featuresOf(set).flatMap(({ feature }) => [feature.name, ...(feature.renamedFrom ?? [])]),
  );
  const candidates = dropped.flatMap((view): ViewSpec[] => {
    const source = set.sources.find(({ name }) => name === view.source.name)!;
    if (set.views.some(({ name }) => name === view.name)) return [];
    const has = (name: string): boolean => {
      const [then, now] = [view.source, source].map((one) =>
        one.columns.find((column) => column.name === name),
      );
      return now !== undefined && JSON.stringify(now) === JSON.stringify(then);
    };
    const features = view.features.filter(
      (feature) => !taken.has(feature.name) && columnsReadBy(feature).every(has),
    );
    return view.keyColumns.every(has) && features.length > 0 ? [{ ...view, source, features }] : [];
  });
  if (candidates.length > 0) return { ...set, views: [...set.views, random.pick(candidates)] };
  const model = random.pick(set.views);
  const features = random
    .sample(model.features, random.between(1, 3))
    .map((feature, i) =>
      featureOver(model.source, {
        ...feature,
        name: `${model.name}_v${number}_${i}`,
        renamedFrom: undefined,
      }),
    );
  const view = { ...model, name: `${model.name}_v${number}`, features };
  return { ...set, views: [...set.views, view] };
};

function featuresOf({ views }: DefinitionSet): FoundFeature[] {
  return views.flatMap((view) => view.features.map((feature) => ({ view, feature })));
}

function replaced(
  set: DefinitionSet,
  view: ViewSpec,
  feature: FeatureSpec,
  next: FeatureSpec,
): DefinitionSet {
  return withView(set, {
    ...view,
    features: view.features.map((one) => (one === feature ? next : one)),
  });
}

function conditionOn(
  { source }: ViewSpec,
  name: string,
  { random, valuesOf }: EditContext,
): Expression {
  const column = source.columns.find((one) => one.name === name)!;
  const values = valuesOf(source, name).filter((value) => value !== null);
  if (column.type === "json" || values.length === 0 || random.chance(0.2))
    return conditionNode(random.chance(0.5) ? "isNotNull" : "isNull", columnNode(column));
  if (random.chance(0.3))
    return comparedColumn("inList", column, ...random.sample(values, random.between(1, 3)));
  const comparison = random.pick(comparisons);
  return comparedColumn(comparison, column, random.pick(values));
}
