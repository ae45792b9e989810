/**
 * Windows without an end over rows of which most are not there: what they come to is carried as
 * states. So an entity that is larger than memory is answered slab by slab of its event time.
 */
import type { Accumulator, Kernel, Overflows } from "../aggregate/aggregator.ts";
import { stateAccumulatorOf } from "../aggregate/bind.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import type { Vector } from "../columns/batch.ts";
import type { AggregateColumn } from "../plan/nodes.ts";
import type { GroupKind } from "./batch-kernel.ts";
import type { BoundAggregate, BoundGroup } from "./bound-groups.ts";
import type { TimedRows } from "./timed-rows.ts";

/** Which rows of an entity are carried: those that each label of a split sees alike. */
export interface CarriedRange {
  /** Carried rows have event times before this one. No label of the split is before it. */
  readonly before: number;
  /** The first and the last label of the split. Both of them see each carried row. */
  readonly firstLabel: number;
  readonly lastLabel: number;
}

/** The states of the carried rows. Plain data, so a thread may have it. */
export interface CarriedStates extends CarriedRange {
  /**
   * For each aggregate of the plan: the encoded states of the carried rows, cut at the rows of the
   * split that are before `before` and are not carried. One state, if the order of rows makes no
   * difference. null: the window has an end, and its rows are all there.
   */
  readonly states: readonly (readonly (Uint8Array | null)[] | null)[];
}

/** Returns for each of so many rows whether it is carried. */
export function carriedFlags(
  { time, from, to }: Pick<TimedRows, "time" | "from" | "to">,
  length: number,
  { before, firstLabel, lastLabel }: CarriedRange,
): Uint8Array {
  const flags = new Uint8Array(length);
  // A version is seen while known from < t ≤ known to (law 6).
  for (let i = 0; i < length; i++)
    if (time[i]! < before && (from === null || (from[i]! < firstLabel && lastLabel <= to![i]!)))
      flags[i] = 1;
  return flags;
}

/** The rows that pass and are not carried. `passes` null: all pass. */
export function exceptFor(isCarried: Uint8Array, passes: Uint8Array | null): Uint8Array {
  return isCarried.map((flag, row) => (flag === 0 && passes?.[row] !== 0 ? 1 : 0));
}

/** Whether states of the aggregate merge in the order of rows only. */
export function mergesInOrder({ aggregate }: AggregateColumn): boolean {
  const { class: stateClass, order } = aggregatorNamed(aggregate);
  return stateClass === "ordered" || order === true;
}

/** Makes the groups of a group of windows without an end, which begin with the carried states. */
export function carriedGroups(
  group: BoundGroup,
  { states }: CarriedStates,
  overflows: Overflows,
): readonly { readonly kind: GroupKind; readonly group: BoundGroup }[] {
  return group.aggregates.map((one) => {
    const { column, position, order, vectors } = one;
    const accumulator = stateAccumulatorOf(column, inputsOf(column));
    const kind = kindOf(column, accumulator);
    const [base, ...afterBoundaries] = states[position]!;
    const decoded = (bytes: Uint8Array | null): unknown => bytes && accumulator.decode(bytes);
    const aggregate: BoundAggregate =
      kind === "merges"
        ? {
            ...one,
            merges: accumulator,
            carried: { base: decoded(base!), afterBoundaries: afterBoundaries.map(decoded) },
            queue: null,
          }
        : { ...one, kernel: carriedKernel(accumulator, base!, vectors, overflows) };
    return { kind, group: { ...group, order, isCarrying: true, aggregates: [aggregate] } };
  });
}

function kindOf(column: AggregateColumn, { subtract }: Accumulator): GroupKind {
  if (mergesInOrder(column)) return "merges";
  if (subtract !== undefined) return "slides";
  const { class: stateClass, large } = aggregatorNamed(column.aggregate);
  // states of blocks would hold as much as the rows, or more
  return stateClass === "rows" || large === true ? "is scanned" : "merges";
}

/** A kernel that begins with the state of the carried rows. A large state is held once. */
function carriedKernel(
  accumulator: Accumulator,
  base: Uint8Array,
  vectors: readonly Vector[],
  overflows: Overflows,
): Kernel {
  let state = accumulator.decode(base);
  let isChanged = false;
  return {
    bind() {},
    reset() {
      if (isChanged) state = accumulator.decode(base);
      isChanged = false;
    },
    add(rows, length) {
      accumulator.add(state, vectors, rows, length);
      isChanged = true;
    },
    ...(accumulator.subtract === undefined
      ? {}
      : {
          subtract(rows: Int32Array, length: number) {
            accumulator.subtract!(state, vectors, rows, length);
          },
        }),
    finish: (t) => accumulator.finish(state, overflows, t),
  };
}
