/** Groups the aggregates of a plan that use the same rows. */
import type { AggregateColumn } from "../plan/nodes.ts";
import type { WindowPlan } from "../plan/plan-kinds.ts";
import { isSameWindow } from "../plan/windows.ts";
import type { Expression, WindowSpec } from "../specs.ts";
import { directColumns, type DirectColumn } from "./derived-columns.ts";

/** Aggregates with one window and one condition. They use the same rows. */
export interface AggregateGroup {
  readonly window: WindowSpec;
  readonly where: Expression | null;
  /** Whether the window holds the newest rows of each category, and not of all. */
  readonly perCategory: boolean;
  readonly aggregates: {
    readonly aggregate: AggregateColumn;
    /** Its index among the aggregates of the plan. */
    readonly position: number;
    readonly direct: readonly DirectColumn[];
  }[];
}

const groupsByPlan = new WeakMap<WindowPlan, readonly AggregateGroup[]>();

/** Returns the groups of a plan's aggregates. */
export function aggregateGroups(plan: WindowPlan): readonly AggregateGroup[] {
  let groups = groupsByPlan.get(plan);
  if (groups === undefined) {
    const newGroups: AggregateGroup[] = [];
    const { aggregates } = plan.input;
    const direct = directColumns(
      plan,
      aggregates.map(({ name }) => name),
    );
    aggregates.forEach((aggregate, i) => {
      const { by, window, where } = aggregate;
      const perCategory = by !== undefined && mostRows(window) !== null;
      // Equal conditions of a plan are one object.
      let group = newGroups.find(
        (one) =>
          one.where === where &&
          one.perCategory === perCategory &&
          isSameWindow(one.window, window),
      );
      if (group === undefined)
        newGroups.push((group = { window, where, perCategory, aggregates: [] }));
      group.aggregates.push({ aggregate, position: i, direct: direct[i]! });
    });
    groupsByPlan.set(plan, (groups = newGroups));
  }
  return groups;
}

/** How many of the newest rows the window holds; null: all rows between its edges. */
export function mostRows(window: WindowSpec): number | null {
  return typeof window === "object" && window.kind === "lastRows" ? window.count : null;
}
