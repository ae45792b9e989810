/** Prepares the columns of a plan: how each is written from the values of the node below it. */
import type { Overflows } from "../columns/overflows.ts";
import { boundExpression } from "../expr/bind.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { Value } from "../specs.ts";

/** A result column that is a value of the node below. */
export interface DirectColumn {
  /** Its index among the result columns. */
  readonly index: number;
  /** Replaces null; undefined: null stays. */
  readonly default: Value | undefined;
}

/** For each name of the node below: the result columns that are its values. */
export function directColumns(
  plan: DeriveNode,
  names: readonly string[],
): readonly (readonly DirectColumn[])[] {
  return names.map((name) =>
    plan.columns.flatMap(({ value, default: replaced }, index) =>
      value.op === "column" && value.name === name ? [{ index, default: replaced }] : [],
    ),
  );
}

/** A result column that is a function of values of the node below. */
export interface FunctionColumn extends DirectColumn {
  /** Computes the function of the current values. */
  readonly compute: () => Value;
}

/** The time that functions are computed at, µs. It is set before each of them is computed. */
export interface CurrentTime {
  t: number;
}

/**
 * The result columns that are functions of the node below. `values` are the values that they read,
 * in the order of `names`, and `current` is the time of the answer.
 */
export function functionColumns(
  plan: DeriveNode,
  names: readonly string[],
  values: readonly Value[],
  current: CurrentTime,
  overflows: Overflows,
): readonly FunctionColumn[] {
  return plan.columns.flatMap(({ value, default: replaced }, index) => {
    if (value.op === "column") return [];
    const read = boundExpression(
      value,
      (name) => {
        const position = names.indexOf(name);
        if (position < 0) throw new TypeError(`the plan has no aggregate ${name}`);
        return () => values[position]!;
      },
      overflows,
      () => current.t,
    );
    return [{ index, default: replaced, compute: () => read(0) }];
  });
}
