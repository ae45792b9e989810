/**
 * Computes the answers of one split. A split is plain data, so a thread or a process may have it.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { asOfKernel } from "../asof/as-of-kernel.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import {
  eventColumns,
  isWindowPlan,
  type LatestPlan,
  type WindowPlan,
} from "../plan/plan-kinds.ts";
import type { EngineColumn } from "../spi.ts";
import { batchKernel } from "../window/batch-kernel.ts";
import type { CarriedStates } from "../window/carried-states.ts";
import { resultWriters, type AnswerColumn } from "../window/timed-rows.ts";
import { answerColumns } from "./answer-columns.ts";
import { STATUS_BYTES } from "./engine-columns.ts";
import type { EventBatch } from "./event-batch.ts";
import { gatheredEvents, type GatheredEvents } from "./gather-events.ts";

/** Entities whose answers are computed at once, with all of their rows that matter. */
export interface Split {
  readonly plan: DeriveNode;
  /** The number of the first entity. */
  readonly first: number;
  /** The places of entity `first + e` are [starts[e], starts[e + 1]). */
  readonly starts: Int32Array;
  /** The time of each place, µs. Those of one entity ascend. */
  readonly times: Float64Array;
  readonly batches: readonly EventBatch[];
  /**
   * The states of rows that are not in the batches, if the split has some labels of one entity.
   * Omitted, or null: all rows are there.
   */
  readonly carried?: CarriedStates | null | undefined;
}

/** The answers to the places of a split, and what was counted. */
export interface SplitAnswers {
  readonly answers: readonly EngineColumn[];
  readonly overflows: number;
  readonly truncated: number;
}

/** After so many entity rows the work looks whether it gives way, or is aborted. */
const ROWS_PER_CHECK = 256;

/** Is called between pieces of work. It may wait, or throw to end the work. */
export type BetweenPieces = () => Promise<void> | undefined;

/** Computes the answers of a split. */
export async function computeSplit(
  { plan, first, starts, times, batches, carried = null }: Split,
  betweenPieces: BetweenPieces = () => undefined,
): Promise<SplitAnswers> {
  const overflows: Overflows = { count: 0 };
  const columns = eventColumns(plan.input.input);
  const events = gatheredEvents(columns, batches, first, starts.length - 1);
  await betweenPieces();
  const answers = answerColumns(plan.columns, times.length, isWindowPlan(plan));
  const run = isWindowPlan(plan) ? windowAnswers(plan, carried) : latestAnswers(plan as LatestPlan);
  const answer = run(events, times, answers, overflows);
  // windows of one entity slide from row to row, and facts stand alone
  const mostRows = isWindowPlan(plan) ? Infinity : ROWS_PER_CHECK;
  let unchecked = 0;
  for (let e = 0; e + 1 < starts.length; e++) {
    const end = starts[e + 1]!;
    for (let place = starts[e]!; place < end;) {
      const last = Math.min(end, place + mostRows);
      answer(events.starts[e]!, events.starts[e + 1]!, place, last);
      unchecked += last - place;
      place = last;
      if (unchecked < ROWS_PER_CHECK) continue;
      await betweenPieces();
      unchecked = 0;
    }
  }
  const finished = answers.map((column) => column.finish());
  return { answers: finished, overflows: overflows.count, truncated: overflows.truncated ?? 0 };
}

/** Answers the places [first, last) of the entity whose rows are [start, end). */
type AnswerPlaces = (start: number, end: number, first: number, last: number) => void;

type MakeAnswers = (
  events: GatheredEvents,
  times: Float64Array,
  answers: readonly AnswerColumn[],
  overflows: Overflows,
) => AnswerPlaces;

/** Aggregates the windows of each place. */
function windowAnswers(plan: WindowPlan, carried: CarriedStates | null): MakeAnswers {
  return (events, times, answers, overflows) => {
    const kernel = batchKernel(plan, events, answers, overflows, carried);
    return (start, end, first, last) => {
      kernel(start, end, { times, first, last });
    };
  };
}

/** Finds the facts of each place. */
function latestAnswers(plan: LatestPlan): MakeAnswers {
  return (events, times, answers, overflows) => {
    const kernel = asOfKernel(plan, events, overflows);
    const results = resultWriters(plan.columns, 1);
    return (start, end, first, last) => {
      for (let place = first; place < last; place++) {
        kernel(start, end, times[place]!, results, 0);
        for (let c = 0; c < answers.length; c++) {
          const one = results[c]!;
          answers[c]!.put(
            place,
            one.values[0]!,
            STATUS_BYTES.get(one.statuses[0]!)!,
            one.times[0]!,
          );
        }
      }
    };
  };
}
