/** Gives features functions of columns: what they aggregate, and their conditions. */
import type { FeatureSpec, ViewSpec } from "../../../packages/core/src/specs.ts";
import { aggregatesOf, resultOf, resultOver, type GeneratedDefinitions } from "./definitions.ts";
import { comparisons, conditionNode, randomNumber } from "./expressions.ts";
import type { Random } from "./random.ts";

/** Lets about half of the features aggregate functions of columns, or pass rows by them. */
export function withComputedFeatures(
  random: Random,
  definitions: GeneratedDefinitions,
): GeneratedDefinitions {
  const views = definitions.views.map((view): ViewSpec => ({
    ...view,
    features: view.features.map((feature) => computed(random, view, feature)),
  }));
  return {
    ...definitions,
    views,
    selected: views.flatMap((view) =>
      view.features.map((feature) => ({ view, feature, as: feature.name })),
    ),
  };
}

/** Lets about half of the views be over those rows of their source that meet a condition. */
export function withRowConditions(
  random: Random,
  definitions: GeneratedDefinitions,
): GeneratedDefinitions {
  const views = definitions.views.map((view) => withRowCondition(random, view));
  return {
    ...definitions,
    views,
    selected: views.flatMap((view) =>
      view.features.map((feature) => ({ view, feature, as: feature.name })),
    ),
  };
}

/** Lets the view be over those rows that meet a condition, in about half of the cases. */
export function withRowCondition(random: Random, view: ViewSpec): ViewSpec {
  const columns = view.source.columns.filter(({ name }) => /_\d$/.test(name));
  const [left, right] = [randomNumber(random, columns, 1), randomNumber(random, columns, 1)];
  if (left === undefined || right === undefined || random.chance(0.5)) return view;
  return { ...view, rows: conditionNode(random.pick(comparisons), left, right) };
}

function computed(random: Random, { source }: ViewSpec, feature: FeatureSpec): FeatureSpec {
  if (feature.function !== undefined || feature.by !== undefined) return feature;
  const columns = source.columns.filter(({ name }) => /_\d$/.test(name));
  const argument = randomNumber(random, columns, 2);
  const [left, right] = [randomNumber(random, columns, 1), randomNumber(random, columns, 2)];
  if (argument === undefined || left === undefined || right === undefined) return feature;
  const passing = conditionNode(random.pick(comparisons), left, right);
  const next =
    feature.aggregate === "latest" || random.chance(0.7)
      ? feature
      : {
          ...feature,
          where: feature.where === null ? passing : conditionNode("and", feature.where, passing),
        };
  // A number of users cannot hold each int64, and such an answer is refused.
  if (random.chance(0.5) || argument.mode === "number") return next;
  if (feature.arguments.length === 0 && feature.aggregate !== "count") return next;
  if (feature.arguments[0]?.type === "list") return next;
  const takesNumbers =
    feature.aggregate === "latest" || aggregatesOf[argument.type].includes(feature.aggregate);
  const input = takesNumbers ? argument : passing;
  return {
    ...next,
    arguments: [input, ...feature.arguments.slice(1)],
    default: undefined,
    result: resultOver(feature.window, resultOf(feature.name, feature.aggregate, input)),
  };
}
