/**
 * Aggregates of windows over sorted rows, for many entity rows at once. The entity rows of one
 * entity are answered by ascending time. Windows slide where rows can be subtracted. They are
 * merged from blocks of rows where states merge, and scanned where nothing else helps.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { tieOrder } from "../columns/row-order.ts";
import { inputOf, rowCondition, type WindowPlan } from "../plan/plan-kinds.ts";
import type { Expression, Value } from "../specs.ts";
import { ENGINE_STATUSES } from "../spi.ts";
import { blockGroups } from "./block-groups.ts";
import { groupBinder, type BoundAggregate, type BoundGroup } from "./bound-groups.ts";
import { carriedFlags, carriedGroups, exceptFor, type CarriedStates } from "./carried-states.ts";
import { functionColumns, type CurrentTime, type DirectColumn } from "./derived-columns.ts";
import { knownChanges } from "./known-changes.ts";
import { newestRow } from "./newest-row.ts";
import { filterBy, passingFlags } from "./passing-flags.ts";
import { slidingGroup } from "./sliding-group.ts";
import { type AnswerColumn, type TimedRows, withDefault } from "./timed-rows.ts";
import { earliestStart } from "./window-edges.ts";
import { lowerBoundAfter } from "./window-law.ts";
import { windowScan, type PutValue } from "./window-rows.ts";

/** Entity rows of one entity, by ascending time. */
export interface Labels {
  /** Times, µs. Those of the entity are [first, last). */
  readonly times: Float64Array;
  readonly first: number;
  readonly last: number;
}

/** Answers labels of the entity whose rows are [start, end). */
export type BatchKernel = (start: number, end: number, labels: Labels) => void;

const PRESENT = ENGINE_STATUSES.indexOf("PRESENT");
const NULL_VALUE = ENGINE_STATUSES.indexOf("NULL_VALUE");
const NOT_FOUND = ENGINE_STATUSES.indexOf("NOT_FOUND");

/**
 * Binds the plan's aggregates to these rows. The kernel writes the answer to each time of the
 * labels at the place of that time in `answers`. `carried`: the states of rows that are not here,
 * all of one entity; null: all rows are here.
 */
export function batchKernel(
  plan: WindowPlan,
  rows: TimedRows,
  answers: readonly AnswerColumn[],
  overflows: Overflows,
  carried: CarriedStates | null = null,
): BatchKernel {
  const { input, foundIn, aggregates } = plan.input;
  const condition = rowCondition(input);
  const { groups, bind } = groupBinder(plan, overflows, true);
  bind(rows);
  const flagsOf = passingFlags(condition, rows, overflows);
  const { time } = rows;
  const changes = knownChanges(rows);
  const isCarried = carried && carriedFlags(rows, rows.columns.length, carried);
  const split = groups.flatMap((group) =>
    carried !== null && group.isLifetime
      ? carriedGroups(group, carried, overflows)
      : splitGroup(group),
  );
  // Equal conditions of a plan are one object.
  const notCarried = new Map<Expression | null, Uint8Array>();
  const countsIn = ({ where, isCarrying }: BoundGroup): Uint8Array | null => {
    const passes = flagsOf(where);
    if (!isCarrying) return passes;
    const flags = notCarried.get(where) ?? exceptFor(isCarried!, passes);
    notCarried.set(where, flags);
    return flags;
  };
  const ofKind = (wanted: GroupKind): BoundGroup[] =>
    split.flatMap(({ kind, group }) => (kind === wanted ? [group] : []));
  const sliding = ofKind("slides").map((group) =>
    slidingGroup(group, rows, changes, countsIn(group)),
  );
  const [scanned, merged] = [ofKind("is scanned"), ofKind("merges")];
  for (const group of [...scanned, ...merged]) group.filter = filterBy(countsIn(group));
  const needsOrder = split.some(({ group }) => group.order || group.newest !== null);
  const order = needsOrder ? tieOrder(inputOf(input), rows.columns) : null;
  const scan = windowScan(rows, order, changes);
  const blocks = blockGroups(merged, rows, {
    changes,
    scan,
    order,
    countsIn,
    overflows,
    isBoundary: carried && ((row) => time[row]! < carried.before && isCarried![row] === 0),
  });
  const newestOf = newestRow(rows, changes, flagsOf(null));
  const earliest = earliestStart(foundIn);

  const values = new Array<Value>(aggregates.length).fill(null);
  const current: CurrentTime = { t: NaN };
  const names = aggregates.map(({ name }) => name);
  const functions = functionColumns(plan, names, values, current, overflows);
  let place = 0;
  let isFound = false;
  let eventTime = NaN;
  const putColumn = (column: DirectColumn, value: Value): void => {
    const status = !isFound ? NOT_FOUND : value === null ? NULL_VALUE : PRESENT;
    answers[column.index]!.put(place, withDefault(column, value), status, eventTime);
  };
  const put: PutValue = ({ direct, position }, value) => {
    values[position] = value;
    for (let i = 0; i < direct.length; i++) putColumn(direct[i]!, value);
  };

  return (start, end, { times, first, last }) => {
    changes.begin(start, end, times, first, last);
    newestOf.begin(start);
    for (const one of sliding) one.begin(start);
    blocks.begin(start, end, last - first);
    let beforeT = start;
    for (let label = first; label < last; label++) {
      const t = times[label]!;
      place = label;
      current.t = t;
      changes.moveTo(t);
      // The event at t is excluded (law 1: it is not known at t).
      beforeT = lowerBoundAfter(time, beforeT, end, t);
      const newest = newestOf.at(t, beforeT, earliest(t));
      isFound = newest >= 0;
      eventTime = isFound ? time[newest]! : NaN;
      for (let g = 0; g < sliding.length; g++) {
        const { group, moveTo } = sliding[g]!;
        moveTo(t, beforeT);
        for (let a = 0; a < group.aggregates.length; a++)
          put(group.aggregates[a]!, group.aggregates[a]!.kernel.finish(t));
      }
      blocks.answer(t, beforeT, put);
      for (let g = 0; g < scanned.length; g++) scan.answer(scanned[g]!, start, beforeT, t, put);
      for (let i = 0; i < functions.length; i++) putColumn(functions[i]!, functions[i]!.compute());
    }
  };
}

/** How the windows of a group follow each other. */
export type GroupKind = "slides" | "merges" | "is scanned";

/** Splits a group by what the states of its aggregates can do. */
function splitGroup(
  group: BoundGroup,
): readonly { readonly kind: GroupKind; readonly group: BoundGroup }[] {
  const kinds: readonly GroupKind[] = ["slides", "merges", "is scanned"];
  return kinds.flatMap((kind) => {
    const own = group.aggregates.filter((aggregate) => kindOf(group, aggregate) === kind);
    if (own.length === 0) return [];
    return [{ kind, group: { ...group, order: own.some(({ order }) => order), aggregates: own } }];
  });
}

function kindOf({ series, newest }: BoundGroup, aggregate: BoundAggregate): GroupKind {
  if (series !== null || newest !== null) return "is scanned";
  const { order, kernel, merges } = aggregate;
  if (!order && kernel.subtract !== undefined) return "slides";
  return merges === null ? "is scanned" : "merges";
}
