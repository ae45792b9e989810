/** Says which rows pass the conditions of a plan. */
import type { Overflows } from "../aggregate/aggregator.ts";
import { bindFilters } from "../expr/bind.ts";
import type { Expression } from "../specs.ts";
import type { RowFilter } from "./bound-groups.ts";
import type { TimedRows } from "./timed-rows.ts";

/**
 * Returns for each condition which rows pass it and the condition of all rows. Each condition is
 * evaluated once for a row. null: every row passes.
 */
export function passingFlags(
  condition: Expression | null,
  { columns }: TimedRows,
  overflows: Overflows,
): (where: Expression | null) => Uint8Array | null {
  // Equal conditions of a plan are one object.
  const flags = new Map<Expression | null, Uint8Array | null>();
  return (where) => {
    let found = flags.get(where);
    if (found === undefined) {
      const filter = bindFilters(condition, where, columns, overflows);
      found = filter === null ? null : new Uint8Array(columns.length);
      if (filter !== null) for (let i = 0; i < columns.length; i++) found![i] = filter(i) ? 1 : 0;
      flags.set(where, found);
    }
    return found;
  };
}

/** The flags as a filter. */
export function filterBy(flags: Uint8Array | null): RowFilter {
  return flags === null ? null : (row) => flags[row] === 1;
}
