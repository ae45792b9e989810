/**
 * Names the partial states of a plan: the states that are kept of blocks of rows, so that a window
 * that holds a whole block reads none of its rows. Windows of different lengths use the same
 * states, and so do aggregations whose accumulators hold the same.
 */
import { stateAccumulatorOf } from "../aggregate/bind.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import type { Accumulator } from "../aggregate/aggregator.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import { dataText } from "../define/data-text.ts";
import type { AggregateColumn } from "../plan/nodes.ts";
import { rowCondition, inputOf, type WindowPlan } from "../plan/plan-kinds.ts";
import { textHash } from "../text-hash.ts";
import type { Expression } from "../specs.ts";
import { mostRows } from "./aggregate-groups.ts";
import { seriesEdgesOf } from "./window-edges.ts";

/** The state of an aggregation over all rows of a block that count. */
export interface PartialSpec {
  /** Equal for equal states. */
  readonly name: string;
  readonly aggregate: AggregateColumn;
  readonly accumulator: Accumulator;
  /** Rows must meet both. */
  readonly condition: Expression | null;
  readonly where: Expression | null;
  /** Whether it needs the rows in their total order. */
  readonly order: boolean;
}

/** The event time of the newest row of a block that meets the condition of the view. */
export interface NewestSpec {
  readonly name: string;
  readonly condition: Expression;
}

/** The partial states that a plan may use. */
export interface PlanPartials {
  readonly byAggregate: ReadonlyMap<AggregateColumn, PartialSpec>;
  /** null: each row counts, so the newest one is the last. */
  readonly newest: NewestSpec | null;
}

/** The version of what states hold. A state of another version is not used. */
const VERSION = 1;

const partials = new WeakMap<WindowPlan, PlanPartials | null>();

/**
 * Returns the partial states of a plan. null: there are none, because its rows are not those of one
 * source alone.
 */
export function partialsOf(plan: WindowPlan): PlanPartials | null {
  let found = partials.get(plan);
  if (found === undefined) partials.set(plan, (found = findPartials(plan)));
  return found;
}

function findPartials({ input: { input, aggregates } }: WindowPlan): PlanPartials | null {
  const scan = inputOf(input);
  const isScan = input === scan || (input.node === "filter" && input.input === scan);
  if (scan.node !== "scan" || !isScan) return null;
  const condition = rowCondition(input);
  return {
    byAggregate: new Map(
      aggregates.flatMap((aggregate) => {
        const spec = partialSpec(aggregate, condition);
        return spec === null ? [] : [[aggregate, spec]];
      }),
    ),
    newest: condition === null ? null : { name: nameOf(["newest", condition]), condition },
  };
}

/** null: its states would hold as much as the rows, or its window is not one range of times. */
function partialSpec(column: AggregateColumn, condition: Expression | null): PartialSpec | null {
  const { class: stateClass, order = false } = aggregatorNamed(column.aggregate);
  if (stateClass === "rows" || stateClass === "fact") return null;
  if (mostRows(column.window) !== null || seriesEdgesOf(column.window) !== null) return null;
  const { aggregate, options = {}, by = null, where } = column;
  const accumulator = stateAccumulatorOf(column, inputsOf(column));
  const held =
    accumulator.holds === undefined ? [aggregate, options] : ["state", accumulator.holds];
  return {
    name: nameOf([held, by, column.arguments, where, condition]),
    aggregate: column,
    accumulator,
    condition,
    where,
    order: order || stateClass === "ordered",
  };
}

function nameOf(data: unknown): string {
  return textHash(`partial state/${VERSION} ${dataText(data)}`).slice(0, 16);
}

/** The state of `newest`. −Infinity: no row meets the condition. */
export function encodeNewest(time: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.float64(time);
  return writer.copy();
}

/** The time of the newest row that passes, µs; −Infinity: none does. */
export function decodeNewest(state: Uint8Array): number {
  return new ByteReader(state).float64();
}
