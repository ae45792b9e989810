/** The transform of generated scenarios, whose outputs the oracle computes by itself. */
import type {
  InputFeature,
  NeededColumn,
  TransformInput,
  TransformSpec,
  ValueType,
} from "../../../packages/core/src/specs.ts";
import type { Random } from "./random.ts";

/** The inputs as TypeScript sees them. `amount` is request data. */
interface MixInputs {
  readonly x: string | number | bigint | boolean | null;
  readonly y: string | number | bigint | boolean | null;
  readonly amount: number;
}

/** The function of the transform, which is the same in each scenario. */
function mix({ x, y, amount }: MixInputs): Readonly<Record<string, unknown>> {
  return {
    text: x === null ? null : `${typeof x} ${String(x)}`,
    less: -amount / 4,
    known: BigInt(Number(x !== null) + 2 * Number(y !== null)),
    price: amount > 1 ? "1.50" : null,
  };
}

const TYPES: readonly ValueType[] = ["int32", "int64", "float64", "decimal", "boolean", "string"];

/** Makes a transform of two of these features and of request data; undefined: no feature fits. */
export function mixTransform(
  random: Random,
  all: readonly InputFeature[],
  amount: NeededColumn,
): TransformSpec | undefined {
  // A number of users cannot hold each int64, and such an input is refused.
  const fitting = all.filter(
    ({ feature: { result } }) => TYPES.includes(result.type) && result.mode === undefined,
  );
  if (fitting.length === 0) return undefined;
  const features = random.sample(fitting, Math.min(fitting.length, 2));
  const named = features.map(({ view, feature }) => ({
    ...feature.result,
    name: `${view.name}.${feature.name}`,
  }));
  const inputs = [named[0]!, named.at(-1)!, amount].map((column, i): TransformInput => {
    const name = ["x", "y", "amount"][i]!;
    return { name, value: { ...column, op: "column" }, type: { ...column, name, database: name } };
  });
  return {
    name: "mix",
    version: 1,
    inputs,
    features,
    request: [amount],
    outputs: [
      { name: "text", database: "text", type: "string", nullable: true },
      { name: "less", database: "less", type: "float64", nullable: false },
      { name: "known", database: "known", type: "int64", nullable: false },
      {
        name: "price",
        database: "price",
        type: "decimal",
        precision: 18,
        scale: 2,
        nullable: true,
      },
    ],
    compute: (given) => mix(given as unknown as MixInputs),
    code: String(mix),
  };
}
