/**
 * Aggregates of windows over sorted rows, for one entity row after another. Each group of
 * aggregates scans its window once.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { tieOrder } from "../columns/row-order.ts";
import { bindFilters } from "../expr/bind.ts";
import { rowCondition, inputOf, type WindowPlan } from "../plan/plan-kinds.ts";
import type { Value } from "../specs.ts";
import { groupBinder } from "./bound-groups.ts";
import { functionColumns, type CurrentTime, type DirectColumn } from "./derived-columns.ts";
import { NO_BLOCKS, blockScan, type BlockScan, type PlacedBlock } from "./row-blocks.ts";
import { type ResultWriter, type TimedRows, withDefault } from "./timed-rows.ts";
import { earliestStart } from "./window-edges.ts";
import { lowerBound } from "./window-law.ts";
import { windowScan, type PutValue } from "./window-rows.ts";

/** Writes row `row` of the results at time `t`, for an entity whose rows are [start, end). */
export type WindowKernel = (
  start: number,
  end: number,
  t: number,
  results: readonly ResultWriter[],
  row: number,
) => void;

/** Binds the plan's aggregates to these rows. */
export function windowKernel(
  plan: WindowPlan,
  rows: TimedRows,
  overflows: Overflows,
): WindowKernel {
  return windowKernelBinder(plan, overflows)(rows);
}

/**
 * Binds the plan's aggregates to one set of rows after another, and to the states of blocks between
 * the rows. Of a block the plan needs its states at most (`blockNeeds`). Binding makes the kernel
 * before it void.
 */
export function windowKernelBinder(
  plan: WindowPlan,
  overflows: Overflows,
): (rows: TimedRows, blocks?: readonly PlacedBlock[]) => WindowKernel {
  const { input, foundIn, aggregates } = plan.input;
  const condition = rowCondition(input);
  const { groups, bind } = groupBinder(plan, overflows);
  const earliest = earliestStart(foundIn);
  const needsOrder = groups.some(({ order, newest }) => order || newest !== null);
  const values = new Array<Value>(aggregates.length).fill(null);
  const current: CurrentTime = { t: NaN };
  const functions = functionColumns(
    plan,
    aggregates.map(({ name }) => name),
    values,
    current,
    overflows,
  );
  /** Made for the first blocks: most entities have none. */
  let blocksOfPlan: BlockScan | null = null;
  return (rows, blocks = NO_BLOCKS) => {
    bind(rows);
    const inBlocks =
      blocks.length === 0 ? null : (blocksOfPlan ??= blockScan(plan, groups, overflows));
    for (const group of groups)
      group.filter = bindFilters(condition, group.where, rows.columns, overflows);
    const { time } = rows;
    const scan = windowScan(rows, needsOrder ? tieOrder(inputOf(input), rows.columns) : null);
    const counts = bindFilters(condition, null, rows.columns, overflows);
    return (start, end, t, results, row) => {
      // The event at t is excluded (law 1: it is not known at t).
      const beforeT = lowerBound(time, start, end, t);
      const newest = scan.newest(start, beforeT, t, earliest(t), counts);
      let eventTime = newest >= 0 ? time[newest]! : NaN;
      if (inBlocks !== null) {
        const inBlock = inBlocks.newest(blocks, t, earliest(t));
        if (inBlock > -Infinity && !(eventTime >= inBlock)) eventTime = inBlock;
      }
      const put: PutValue = ({ direct, position }, value) => {
        values[position] = value;
        for (let i = 0; i < direct.length; i++)
          putResult(direct[i]!, value, eventTime, results, row);
      };
      for (const group of groups)
        if (inBlocks?.answers.has(group) !== true) scan.answer(group, start, beforeT, t, put);
      inBlocks?.answer({ scan, start, beforeT }, blocks, t, put);
      current.t = t;
      for (let i = 0; i < functions.length; i++) {
        const column = functions[i]!;
        putResult(column, column.compute(), eventTime, results, row);
      }
    };
  };
}

/** Writes a value with its status. `eventTime` is NaN if no row was found. */
function putResult(
  column: DirectColumn,
  value: Value,
  eventTime: number,
  results: readonly ResultWriter[],
  row: number,
): void {
  const { values, statuses, times } = results[column.index]!;
  values[row] = withDefault(column, value);
  statuses[row] = Number.isNaN(eventTime) ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT";
  times[row] = eventTime;
}
