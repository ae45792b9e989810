/** The features that a selection is computed from, and what a caller must give for them. */
import type {
  ColumnSpec,
  NeededColumn,
  SelectedBaseFeature,
  SelectedDerivedFeature,
  SelectedFeature,
  TransformSpec,
} from "../specs.ts";

/** Whether a feature is computed from other features, and not from rows. */
export function isDerived(one: SelectedFeature): one is SelectedDerivedFeature {
  return one.view.kind === "derived";
}

/** The name of an input in the expression of a derived feature. In a role it names the keys. */
export function inputName({
  view: { name, role, entity },
  feature,
}: Pick<SelectedBaseFeature, "view" | "feature">): string {
  const keys = role === undefined ? "" : `[${entity.keys.map((key) => key.name).join(", ")}]`;
  return `${name}.${feature.name}${keys}`;
}

const known = new WeakMap<readonly SelectedFeature[], readonly SelectedBaseFeature[]>();

/**
 * The features of feature views that a selection is computed from. Those that are selected come
 * first, then each other input of a derived feature once. A selection has the same list each time:
 * a store prepares a list once.
 */
export function baseFeatures(
  selection: readonly SelectedFeature[],
): readonly SelectedBaseFeature[] {
  let base = known.get(selection);
  if (base === undefined) known.set(selection, (base = findBaseFeatures(selection)));
  return base;
}

function findBaseFeatures(selection: readonly SelectedFeature[]): readonly SelectedBaseFeature[] {
  if (!selection.some(isDerived)) return selection as readonly SelectedBaseFeature[];
  const base = selection.filter((one): one is SelectedBaseFeature => !isDerived(one));
  const names = new Set(base.map(inputName));
  for (const { feature } of selection.filter(isDerived))
    for (const input of feature.inputs) {
      const name = inputName(input);
      if (names.has(name)) continue;
      names.add(name);
      base.push({ ...input, as: name });
    }
  return base;
}

/** The keys that the feature needs, and the request data. */
export function neededColumns(one: SelectedFeature): readonly NeededColumn[] {
  return isDerived(one) ? [...keysOf(one), ...one.feature.request] : keysOf(one);
}

/** The keys of the entities of a feature, each once. */
export function keysOf(one: SelectedFeature): readonly ColumnSpec[] {
  if (!isDerived(one)) return one.view.entity.keys;
  const keys = one.feature.inputs.flatMap(({ view }) => view.entity.keys);
  return [...new Map(keys.map((key) => [key.name, key])).values()];
}

/** The transforms that something reads, those below them included, each once and below first. */
export function transformsBehind({
  transforms = [],
}: {
  readonly transforms?: readonly TransformSpec[] | undefined;
}): readonly TransformSpec[] {
  return [...new Set(transforms.flatMap((one) => [...transformsBehind(one), one]))];
}
