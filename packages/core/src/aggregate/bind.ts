/** Makes the kernels of features, which run over the rows of windows. */
import type { Batch, Vector } from "../columns/batch.ts";
import { expressionVector } from "../expr/bind.ts";
import type { FeatureSpec, TypeSpec } from "../specs.ts";
import type { Accumulator, Kernel, Overflows } from "./aggregator.ts";
import { categoryAccumulator, inputsOf } from "./categories.ts";
import { aggregatorNamed } from "./registry.ts";

/** What a kernel is used for. */
export interface KernelUse {
  /** Only the newest so many rows of each category count; null: all of them. */
  readonly newest?: number | null | undefined;
  /** Whether rows are taken away again where the state allows it. Default: they are not. */
  readonly subtracts?: boolean | undefined;
}

/** Makes the kernel of a window feature whose inputs have these forms, not yet bound. */
export function kernelOf(
  feature: Pick<FeatureSpec, "aggregate" | "options" | "by">,
  inputs: readonly TypeSpec[],
  overflows: Overflows,
  { newest = null, subtracts = false }: KernelUse = {},
): Kernel {
  const { name, accumulator, kernel } = aggregatorNamed(feature.aggregate);
  if (accumulator === null) throw new TypeError(`${name} is no aggregation over a window`);
  const { by, options = {} } = feature;
  if (by !== undefined) {
    const each = accumulator(inputs.slice(1), options);
    return accumulatorKernel(categoryAccumulator(each, by, newest), overflows);
  }
  const fast = kernel?.(inputs) ?? null;
  if (fast !== null && (!subtracts || fast.subtract !== undefined)) return fast;
  return accumulatorKernel(accumulator(inputs, options), overflows);
}

/**
 * Makes the accumulator of a window feature whose states are kept for blocks of rows. null: they
 * would hold as much as the rows.
 */
export function blockAccumulatorOf(
  { aggregate, by, options = {} }: Pick<FeatureSpec, "aggregate" | "options" | "by">,
  inputs: readonly TypeSpec[],
): Accumulator | null {
  const record = aggregatorNamed(aggregate);
  if (by !== undefined || record.class === "rows" || record.large === true) return null;
  return record.accumulator?.(inputs, options) ?? null;
}

/** Runs an accumulator as a kernel, with one state. */
function accumulatorKernel(accumulator: Accumulator, overflows: Overflows): Kernel {
  const state = accumulator.create();
  let vectors: readonly Vector[] = [];
  return {
    bind(next) {
      vectors = next;
      accumulator.clear(state);
    },
    reset() {
      accumulator.clear(state);
    },
    add(rows, length) {
      accumulator.add(state, vectors, rows, length);
    },
    ...(accumulator.subtract === undefined
      ? {}
      : {
          subtract(rows, length) {
            accumulator.subtract!(state, vectors, rows, length);
          },
        }),
    finish: (t) => accumulator.finish(state, overflows, t),
  };
}

/** Makes the kernel of a window feature and binds it to these columns. */
export function bindKernel(
  feature: Pick<FeatureSpec, "aggregate" | "options" | "arguments" | "by">,
  columns: Batch,
  overflows: Overflows,
): Kernel {
  const inputs = inputsOf(feature);
  const kernel = kernelOf(feature, inputs, overflows);
  kernel.bind(inputs.map((one) => expressionVector(one, columns, overflows)));
  return kernel;
}
