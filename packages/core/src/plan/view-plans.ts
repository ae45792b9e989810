/** Turns a selection of features into plans, one per view. */
import type { ColumnSpec, FeatureSpec, SelectedFeature, ViewSpec } from "../specs.ts";
import type { AggregatePlan, JoinPlan } from "../spi.ts";
import { columnsOf } from "./columns-read.ts";

/** The plan of one view for a selection. */
export interface ViewPlan {
  readonly view: ViewSpec;
  readonly plan: AggregatePlan | JoinPlan;
  /** For each feature of the plan: its indexes in the selection. */
  readonly indexes: readonly (readonly number[])[];
}

/** Makes one plan for each view in the selection. A feature selected twice is computed once. */
export function viewPlans(selection: readonly SelectedFeature[]): readonly ViewPlan[] {
  const views = new Map<
    string,
    {
      readonly view: ViewSpec;
      readonly features: Map<string, { readonly feature: FeatureSpec; readonly indexes: number[] }>;
    }
  >();
  selection.forEach(({ view, feature }, index) => {
    let group = views.get(view.name);
    if (group === undefined) views.set(view.name, (group = { view, features: new Map() }));
    const known = group.features.get(feature.name);
    if (known === undefined) group.features.set(feature.name, { feature, indexes: [index] });
    else known.indexes.push(index);
  });
  return [...views.values()].map(({ view, features }) => {
    const list = [...features.values()];
    return {
      view,
      plan: planOf(
        view,
        list.map((one) => one.feature),
      ),
      indexes: list.map((one) => one.indexes),
    };
  });
}

/** Makes the plan of some features of a view. */
export function planOf(view: ViewSpec, features: readonly FeatureSpec[]): AggregatePlan | JoinPlan {
  const { source } = view;
  const names = new Set(features.flatMap(columnsOf));
  if (view.kind === "window")
    return {
      source,
      columns: columnsNamed(view, names),
      features,
      longestWindow: Math.max(...view.features.map((feature) => feature.window!)),
    };
  if (source.createdAt !== null) names.add(source.createdAt);
  for (const name of source.primaryKey) names.add(name);
  return { source, columns: columnsNamed(view, names), features, ttl: view.ttl };
}

function columnsNamed(view: ViewSpec, names: ReadonlySet<string>): readonly ColumnSpec[] {
  return view.source.columns.filter((column) => names.has(column.name));
}
