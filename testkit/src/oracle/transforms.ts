/** The outputs of the transform of generated scenarios, computed without its function. */
import type { TransformSpec, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import { textOf } from "./conversions.ts";

/** The name that JavaScript has for the values of a type. */
const classes: Readonly<Record<string, string>> = {
  int32: "number",
  float64: "number",
  int64: "bigint",
  decimal: "string",
  boolean: "boolean",
  string: "string",
};

/** Returns the outputs by name. `values` are those of the inputs x, y and amount. */
export function mixOutputs(
  { inputs, name }: TransformSpec,
  [x = null, y = null, amount = null]: readonly Value[],
): ReadonlyMap<string, Value> {
  if (name !== "mix") throw new Error(`the oracle knows no transform "${name}"`);
  const less = (amount as number) * -0.25;
  const type: TypeSpec = inputs[0]!.type;
  return new Map<string, Value>([
    ["text", x === null ? null : `${classes[type.type]} ${textOf(x, type)}`],
    ["less", less === 0 ? 0 : less],
    ["known", (x === null ? 0n : 1n) + (y === null ? 0n : 2n)],
    ["price", (amount as number) > 1 ? 150n : null],
  ]);
}
