/** Describes features in words, for readers who do not see the TypeScript of the definitions. */
import type {
  FeatureSpec,
  SelectedDerivedFeature,
  SelectedFeature,
  ViewSpec,
} from "@tidemark/core/spi";
import {
  categoriesText,
  durationText,
  expressionText,
  isDerived,
  literalText,
  roleOf,
  textOfWindow,
} from "@tidemark/core/internal";

type AggregateSpec = Pick<
  FeatureSpec,
  "aggregate" | "options" | "arguments" | "by" | "window" | "where"
>;

/** Describes a feature, such as `sum(transactions.amount) over 7d where vendor = "Hospital"`. */
export function featureText(selected: SelectedFeature): string {
  const { result, default: value } = selected.feature;
  const text = isDerived(selected)
    ? derivedText(selected)
    : valueText(selected.view, selected.feature);
  const replaced = value === undefined ? "" : `; null is ${literalText(value, result)}`;
  return text + replaced + roleText(selected);
}

/** Says under which names a caller gives the keys. */
function roleText(selected: SelectedFeature): string {
  const names = Object.entries(roleOf(selected) ?? {});
  return names.map(([name, other]) => `; ${name} is given as ${other}`).join("");
}

/** Describes an output of a transform: `risk of score(z = signals.z), version 2`. */
function derivedText({ view: { transform }, feature }: SelectedDerivedFeature): string {
  if (transform === undefined) return expressionText(feature.value);
  const { name, version, inputs } = transform;
  const texts = inputs.map((input) => `${input.name} = ${expressionText(input.value)}`);
  return `${feature.name} of ${name}(${texts.join(", ")}), version ${version}`;
}

function valueText(view: ViewSpec, feature: FeatureSpec): string {
  if (feature.function === undefined) return aggregateText(view, feature);
  const { value, aggregates } = feature.function;
  const texts = new Map(aggregates.map((one) => [one.name, aggregateText(view, one)]));
  return expressionText(value, (name) => texts.get(name)!);
}

function aggregateText(view: ViewSpec, spec: AggregateSpec): string {
  const { aggregate, window, where } = spec;
  const { name } = view.source;
  const terms = spec.arguments.map((argument) =>
    argument.op === "column" ? `${name}.${argument.name}` : expressionText(argument),
  );
  const options = Object.values(spec.options ?? {}).map((option) => JSON.stringify(option));
  const what = `${aggregate}(${[...(terms.length === 0 ? [name] : terms), ...options].join(", ")})`;
  const over =
    window === null
      ? view.ttl === null
        ? ""
        : `, not older than ${durationText(view.ttl)}`
      : ` over ${textOfWindow(window)}`;
  const filter = where === null ? "" : ` where ${expressionText(where)}`;
  return `${what}${categoriesText(spec.by)}${over}${filter}`;
}
