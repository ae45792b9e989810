/**
 * The compute engine that runs in the calling thread. It gathers the events of the requested
 * entities, sorts them by entity and time, and runs the kernels.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { asOfKernel } from "../asof/as-of-kernel.ts";
import {
  eventColumns,
  isWindowPlan,
  type LatestPlan,
  type WindowPlan,
} from "../plan/plan-kinds.ts";
import type { ComputeEngine, EngineColumn } from "../spi.ts";
import { batchKernel } from "../window/batch-kernel.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { resultWriters, type AnswerColumn } from "../window/timed-rows.ts";
import { answerColumns } from "./answer-columns.ts";
import { STATUS_BYTES } from "./engine-columns.ts";
import { orderRows, type OrderedRows } from "./entity-row-order.ts";
import { gatherEvents, type GatheredEvents } from "./gather-events.ts";

/** After so many entity rows the engine looks whether it gives way, or is aborted. */
const ROWS_PER_CHECK = 256;

/**
 * Makes an exact, single-threaded engine. It holds the events of the requested entities in memory.
 */
export function localEngine(
  options: {
    readonly onOverflow?: ((count: number) => void) | undefined;
    readonly onTruncated?: ((count: number) => void) | undefined;
  } = {},
): ComputeEngine {
  return {
    name: "local engine",
    async compute({ plan, rows }, { events, signal }) {
      const overflows: Overflows = { count: 0 };
      const columns = eventColumns(plan.input.input);
      const gathered = await gatherEvents(columns, events(), rows.keyCount, signal);
      const ordered = orderRows(rows);
      const answers = answerColumns(plan.columns, ordered.rows);
      if (isWindowPlan(plan))
        await runBatchKernel(plan, gathered, ordered, answers, overflows, signal);
      else await runAsOfKernel(plan as LatestPlan, gathered, ordered, answers, overflows, signal);
      const { count, truncated = 0 } = overflows;
      if (count > 0) options.onOverflow?.(count);
      if (truncated > 0) options.onTruncated?.(truncated);
      const yieldToEventLoop = eventLoopYielder();
      const finished: EngineColumn[] = [];
      for (const column of answers) {
        finished.push(column.finish());
        await yieldToEventLoop();
      }
      return finished;
    },
  };
}

/** Answers the windows of each entity, whose entity rows come by ascending time. */
async function runBatchKernel(
  plan: WindowPlan,
  events: GatheredEvents,
  { starts, times }: OrderedRows,
  answers: readonly AnswerColumn[],
  overflows: Overflows,
  signal?: AbortSignal,
): Promise<void> {
  const kernel = batchKernel(plan, events, answers, overflows);
  const yieldToEventLoop = eventLoopYielder();
  let unchecked = ROWS_PER_CHECK;
  for (let e = 0; e + 1 < starts.length; e++) {
    const labels = { times, first: starts[e]!, last: starts[e + 1]! };
    if (labels.first === labels.last) continue;
    if (unchecked >= ROWS_PER_CHECK) {
      signal?.throwIfAborted();
      await yieldToEventLoop();
      unchecked = 0;
    }
    kernel(events.starts[e]!, events.starts[e + 1]!, labels);
    unchecked += labels.last - labels.first;
  }
}

/** Finds the facts of each entity row. */
async function runAsOfKernel(
  plan: LatestPlan,
  events: GatheredEvents,
  { starts, times: asked }: OrderedRows,
  answers: readonly AnswerColumn[],
  overflows: Overflows,
  signal?: AbortSignal,
): Promise<void> {
  const yieldToEventLoop = eventLoopYielder();
  const kernel = asOfKernel(plan, events, overflows);
  const results = resultWriters(plan.columns, 1);
  for (let e = 0; e + 1 < starts.length; e++)
    for (let place = starts[e]!; place < starts[e + 1]!; place++) {
      if (place % ROWS_PER_CHECK === 0) {
        signal?.throwIfAborted();
        await yieldToEventLoop();
      }
      kernel(events.starts[e]!, events.starts[e + 1]!, asked[place]!, results, 0);
      for (let c = 0; c < answers.length; c++) {
        const { values, statuses, times } = results[c]!;
        answers[c]!.put(place, values[0]!, STATUS_BYTES.get(statuses[0]!)!, times[0]!);
      }
    }
}
