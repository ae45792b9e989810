/** Generates features that are functions of features of several views, and of request data. */
import type {
  ColumnSpec,
  DerivedFeatureSpec,
  DerivedViewSpec,
  InputFeature,
  NeededColumn,
  SelectedDerivedFeature,
  TransformSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import { transformView } from "../../../packages/core/src/define/transform.ts";
import {
  callNode,
  columnNode,
  columnsIn,
  comparisons,
  conditionNode,
  hasParts,
  numberOfParts,
  randomNumber,
  sinceInstant,
} from "./expressions.ts";
import type { Random } from "./random.ts";
import { mixTransform } from "./transforms.ts";

/** The request data of generated derived features. */
const given: readonly NeededColumn[] = [
  { name: "given_1", database: "given_1", type: "int64", nullable: true, request: true },
  { name: "given_2", database: "given_2", type: "float64", nullable: false, request: true },
];

/** Makes the features of one derived view over features of all these views. */
export function derivedFeatures(
  random: Random,
  views: readonly ViewSpec[],
): readonly SelectedDerivedFeature[] {
  const all = views.flatMap((view) => view.features.map((feature) => ({ view, feature })));
  const transform = mixTransform(random, all, given[1]!);
  const features = [0, 1, 2, 3].flatMap(
    (i) => derivedFeature(random, `derived_${i}`, all, transform) ?? [],
  );
  const view = { name: "derived", kind: "derived", features } as const;
  return [
    ...features.map((feature) => ({ view, feature, as: feature.name })),
    ...(transform === undefined ? [] : outputsOf(transformView(transform))),
  ];
}

function outputsOf(view: DerivedViewSpec): readonly SelectedDerivedFeature[] {
  return view.features.map((feature) => ({ view, feature, as: feature.name }));
}

/** Makes the request data of one request. */
export function givenValues(random: Random): Readonly<Record<string, Value>> {
  return {
    given_1: random.pick([null, 0n, -7n, 2n ** 63n - 1n]),
    given_2: random.pick([0, -0, 0.1, -1.5e300, 3]),
  };
}

function outputName({ name }: ColumnSpec): string {
  return `mix.${name}`;
}

function derivedFeature(
  random: Random,
  name: string,
  all: readonly InputFeature[],
  transform: TransformSpec | undefined,
): DerivedFeatureSpec | undefined {
  const parts = random.sample(all, Math.min(all.length, random.between(2, 5)));
  const outputs = transform?.outputs.map((one) => ({ ...one, name: outputName(one) })) ?? [];
  const inputs: readonly ColumnSpec[] = [
    ...parts.map(({ view, feature }) => ({
      ...feature.result,
      name: `${view.name}.${feature.name}`,
    })),
    ...(random.chance(0.4) ? given : []),
    ...(random.chance(0.4) ? outputs : []),
  ];
  const withParts = inputs.filter(hasParts);
  const found =
    withParts.length > 0 && random.chance(0.6)
      ? numberOfParts(random, columnNode(random.pick(withParts)))
      : randomNumber(random, inputs, random.between(1, 2));
  if (found === undefined) return undefined;
  const number = random.chance(0.15)
    ? callNode(random.pick(["add", "sub", "div"]), found, sinceInstant(random))
    : found;
  // A number of users cannot hold each int64, and such an answer is refused.
  const compared = number.mode === "number" || random.chance(0.25);
  const other = randomNumber(random, inputs, 1) ?? number;
  const value = compared ? conditionNode(random.pick(comparisons), number, other) : number;
  const { type, nullable, precision, scale } = value;
  const read = new Set(columnsIn(value));
  if (read.size === 0) return undefined;
  const below = outputs.some((one) => read.has(one.name)) ? transform : undefined;
  const isRead = ({ view, feature }: InputFeature): boolean =>
    read.has(`${view.name}.${feature.name}`);
  const replaced = nullable && type === "boolean" && random.chance(0.3) ? true : undefined;
  return {
    name,
    value,
    inputs: [...new Set([...parts.filter(isRead), ...(below?.features ?? [])])],
    request: given.filter((column) => read.has(column.name) || below?.request.includes(column)),
    ...(below === undefined ? {} : { transforms: [below] }),
    size: read.size,
    default: replaced,
    result: {
      name,
      database: name,
      type,
      nullable: nullable && replaced === undefined,
      ...(type === "decimal" ? { precision, scale } : {}),
    },
  };
}
