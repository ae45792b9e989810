/** Generates features that are functions of windows. */
import type { FeatureSpec, NamedAggregateSpec } from "../../../packages/core/src/specs.ts";
import { farthestWindow } from "../../../packages/core/src/define/window-reach.ts";
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

/** Makes a feature that is a function of windows of some of these features, which have no order. */
export function functionFeature(
  random: Random,
  name: string,
  features: readonly FeatureSpec[],
): FeatureSpec | undefined {
  const parts = random.sample(features, Math.min(features.length, random.between(2, 4)));
  const inputs = parts.map(({ result }, i) => ({ ...result, name: `window_${i + 1}` }));
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
  const { op: _, ...more } = value;
  const { type, nullable, precision, scale } = more;
  const read = new Set(columnsIn(value));
  const aggregates = parts.flatMap((part, i): readonly NamedAggregateSpec[] => {
    const { aggregate, options, arguments: arguments_, by, window, where } = part;
    const own = inputs[i]!.name;
    return read.has(own)
      ? [{ name: own, aggregate, options, arguments: arguments_, by, window, where }]
      : [];
  });
  if (aggregates.length === 0) return undefined;
  const replaced = nullable && type === "boolean" && random.chance(0.3) ? true : undefined;
  return {
    name,
    aggregate: "function",
    arguments: [],
    where: null,
    window: farthestWindow(aggregates.map(({ window }) => window!)),
    function: { value, aggregates },
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
