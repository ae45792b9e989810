/** Features that are functions of windows or of features, with a default and former names. */
import type { Metadata } from "../metadata.ts";
import { describedWith } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { ValueType } from "../specs.ts";
import type { Computed, Renamed } from "./aggregations.ts";
import type { InputOf } from "./column-types.ts";
import { described, makeDefinition, type FunctionState } from "./definition.ts";
import { expressionOf } from "./expression.ts";
import { checkedFormerNames } from "./make-aggregation.ts";
import { typeSpecOf } from "../expr/tree.ts";
import type { AnyFeatures, ClockScope, Expr, WindowScope } from "./expression-types.ts";
import { resultColumnOf } from "./result.ts";
import type { Invalid } from "./shape.ts";
import { fromUser } from "./user-values.ts";

/** A feature that is a function of windows of source `S`, or of the features of scope `S`. */
export interface FunctionFeature<S extends string, K extends ValueType, V> extends Computed<
  S,
  V,
  "",
  "window",
  K
> {
  /** Sets the value that replaces null. The status stays. */
  default(value: CheckDefault<K, V>): FunctionFeature<S, K, NonNullable<V>>;
  /** Also answers the feature under its former names, until no caller uses them. */
  renamedFrom<const Old extends readonly [string, ...string[]]>(
    ...names: Old
  ): Renamed<S, V, "", "window", Old[number], K>;
  /** Sets the metadata of the feature. */
  describe(metadata: Metadata): FunctionFeature<S, K, V>;
}
type CheckDefault<K extends ValueType, V> = null extends V
  ? InputOf<K, NonNullable<V>>
  : Invalid<"it is never null, so it takes no default">;

/** The source of windows; features are their own scope. */
type WindowSource<S> = S extends `windows of ${infer Source}`
  ? Source extends "any source"
    ? never
    : Source
  : S extends AnyFeatures
    ? S
    : never;

/**
 * Makes a feature of a function of windows, or of features, which takes a default and former
 * names. A function without them is a feature as it is.
 *
 * @throws DEFINITION_INVALID when the argument is a function of neither.
 *
 * @example
 * const burst = feature(div(count().over("1h"), count().over("7d"))).default(0);
 */
export function feature<
  S extends WindowScope<string> | AnyFeatures | ClockScope,
  K extends ValueType,
  V,
>(x: Expr<S, K, V>): FunctionFeature<WindowSource<S>, K, V> {
  const of = expressionOf(x);
  if (of === undefined || (of.windows ?? of.inputs) === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "feature(): it takes a function of windows or of features, such as " +
        `div(count().over("1h"), count().over("7d")), got ${described(x)}`,
    );
  return functionFeature({ of, default: undefined, renamedFrom: [] });
}

function functionFeature<T>(state: FunctionState): T {
  const who = `feature(${state.of.text})`;
  return makeDefinition({ kind: "function", ...state }, who, {
    default(value: unknown) {
      const { expression } = state.of;
      if (!expression.nullable)
        throw new TidemarkError(
          "DEFINITION_INVALID",
          `${who}: it is never null, so it takes no default`,
        );
      const column = resultColumnOf({ result: typeSpecOf(expression), default: undefined }, "");
      return functionFeature({
        ...state,
        default: fromUser(value, { ...column, nullable: false }, `${who}.default()`),
      });
    },
    renamedFrom: (...names: unknown[]) =>
      functionFeature({ ...state, renamedFrom: checkedFormerNames(state, who, names) }),
    describe: (metadata: unknown) => functionFeature({ ...state, ...describedWith(who, metadata) }),
  });
}
