/**
 * The compute engine that runs in the calling thread. It gathers the events of the requested
 * entities, sorts them by entity and time, and runs the kernels.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { planKernelBinder } from "../asof/plan-kernel.ts";
import type { DerivedColumn } from "../plan/nodes.ts";
import { eventColumns } from "../plan/plan-kinds.ts";
import type { ComputeEngine, EngineColumn, EntityRows } from "../spi.ts";
import { resultWriters } from "../window/timed-rows.ts";
import type { WindowKernel } from "../window/window-kernel.ts";
import { engineColumnsBuilder } from "./engine-columns.ts";
import { gatherEvents } from "./gather-events.ts";

/**
 * The number of entity rows that are computed before their answers become columns. The abort signal
 * is checked as often.
 */
const ROWS_PER_PART = 4096;

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
      const kernel = planKernelBinder(plan, overflows)(gathered);
      const answers = runKernel(kernel, gathered.starts, rows, plan.columns, signal);
      const { count, truncated = 0 } = overflows;
      if (count > 0) options.onOverflow?.(count);
      if (truncated > 0) options.onTruncated?.(truncated);
      return answers;
    },
  };
}

/** Runs the kernel for each entity row, over the events of its entity. */
function runKernel(
  kernel: WindowKernel,
  starts: Int32Array,
  rows: EntityRows,
  columns: readonly DerivedColumn[],
  signal?: AbortSignal,
): readonly EngineColumn[] {
  const answers = engineColumnsBuilder(columns, rows.length);
  const results = resultWriters(columns, Math.min(rows.length, ROWS_PER_PART));
  for (let first = 0; first < rows.length; first += ROWS_PER_PART) {
    signal?.throwIfAborted();
    const count = Math.min(ROWS_PER_PART, rows.length - first);
    for (let i = 0; i < count; i++) {
      const entity = rows.entity[first + i]!;
      kernel(starts[entity]!, starts[entity + 1]!, rows.time[first + i]!, results, i);
    }
    answers.push(results, count);
  }
  return answers.finish();
}
