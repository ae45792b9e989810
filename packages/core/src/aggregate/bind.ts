/** Makes the kernels of features, which run over the rows of windows. */
import type { Batch, Vector } from "../columns/batch.ts";
import { expressionVector } from "../expr/bind.ts";
import type { FeatureSpec, TypeSpec } from "../specs.ts";
import type { Accumulator, Kernel, Overflows } from "./aggregator.ts";
import { categoryAccumulator, inputsOf } from "./categories.ts";
import type { WindowQueue } from "./window-queue.ts";
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
  use: KernelUse = {},
): Kernel {
  const { kernel, accumulator } = runnerOf(feature, inputs, use);
  return kernel ?? accumulatorKernel(accumulator, accumulator.create(), overflows);
}

/** A window feature, and the forms of what it reads. */
export interface KernelFeature {
  readonly aggregate: Pick<FeatureSpec, "aggregate" | "options" | "by">;
  readonly inputs: readonly TypeSpec[];
}

/**
 * Makes the kernels of window features over the same rows, not yet bound. Features with equal
 * inputs use one state if their accumulators hold the same. The first of them fills it: so rows go
 * to the kernels in their order, to all or to none.
 */
export function kernelsOf(
  features: readonly KernelFeature[],
  overflows: Overflows,
  use: KernelUse = {},
): readonly Kernel[] {
  const runners = features.map(({ aggregate, inputs }) => ({
    aggregate,
    inputs,
    ...runnerOf(aggregate, inputs, use),
  }));
  const states = new Map<Runner, unknown>();
  return runners.map((runner) => {
    const { kernel, accumulator } = runner;
    if (kernel !== null) return kernel;
    const equal = runners.filter((other) => other === runner || holdsSame(runner, other));
    if (equal[0] !== runner) return sharingKernel(accumulator, states.get(equal[0]!), overflows);
    const most = equal
      .map((other) => other.accumulator!)
      .reduce((a, b) => (b.holds!.detail > a.holds!.detail ? b : a));
    const state = most.create();
    states.set(runner, state);
    return {
      ...accumulatorKernel(most, state, overflows),
      finish: (t) => accumulator.finish(state, overflows, t),
    };
  });
}

/** Either a kernel, or an accumulator that is run as one. */
type Runner =
  | { readonly kernel: Kernel; readonly accumulator: null }
  | { readonly kernel: null; readonly accumulator: Accumulator };

function runnerOf(
  feature: KernelFeature["aggregate"],
  inputs: readonly TypeSpec[],
  { newest = null, subtracts = false }: KernelUse,
): Runner {
  const { name, accumulator, kernel } = aggregatorNamed(feature.aggregate);
  if (accumulator === null) throw new TypeError(`${name} is no aggregation over a window`);
  const { by, options = {} } = feature;
  if (by !== undefined) {
    const each = accumulator(inputs.slice(1), options);
    return { kernel: null, accumulator: categoryAccumulator(each, by, newest) };
  }
  const fast = kernel?.(inputs) ?? null;
  if (fast !== null && (!subtracts || fast.subtract !== undefined))
    return { kernel: fast, accumulator: null };
  return { kernel: null, accumulator: accumulator(inputs, options) };
}

/** Whether two accumulators over the same rows hold the same. Equal inputs are one object. */
function holdsSame(
  { inputs, accumulator }: KernelFeature & Runner,
  other: KernelFeature & Runner,
): boolean {
  const name = accumulator?.holds?.name;
  return (
    name !== undefined &&
    name === other.accumulator?.holds?.name &&
    inputs.length === other.inputs.length &&
    inputs.every((input, i) => input === other.inputs[i])
  );
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

/**
 * Makes the accumulator of a window feature over all rows of its window, whose states can be
 * written and merged.
 */
export function stateAccumulatorOf(
  { aggregate, by, options = {} }: Pick<FeatureSpec, "aggregate" | "options" | "by">,
  inputs: readonly TypeSpec[],
): Accumulator {
  const accumulator = aggregatorNamed(aggregate).accumulator!;
  return by === undefined
    ? accumulator(inputs, options)
    : categoryAccumulator(accumulator(inputs.slice(1), options), by);
}

/** Makes the queue of a window feature. null: its answers come from states. */
export function windowQueueOf(
  { aggregate, by }: Pick<FeatureSpec, "aggregate" | "by">,
  inputs: readonly TypeSpec[],
): WindowQueue | null {
  return by === undefined ? (aggregatorNamed(aggregate).queue?.(inputs) ?? null) : null;
}

/** Runs an accumulator as a kernel, with one state. */
function accumulatorKernel(accumulator: Accumulator, state: unknown, overflows: Overflows): Kernel {
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

/** Answers from a state that another kernel fills. */
function sharingKernel(accumulator: Accumulator, state: unknown, overflows: Overflows): Kernel {
  return {
    bind() {},
    reset() {},
    add() {},
    ...(accumulator.subtract === undefined ? {} : { subtract() {} }),
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
