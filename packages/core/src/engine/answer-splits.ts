/** What engines that compute split by split have in common, wherever a split is computed. */
import { DEFAULT_MEMORY_LIMIT } from "../memory-limit.ts";
import type { EngineColumn, EngineHost, EngineTask } from "../spi.ts";
import { answersByRow } from "./answers-by-row.ts";
import { CollectedEvents, type CollectedSplit } from "./collected-events.ts";
import type { Split } from "./compute-split.ts";
import { orderRows, type OrderedRows } from "./entity-row-order.ts";

/** How the splits of a task are computed. */
export interface SplitWork {
  /** How many splits are computed at once. */
  readonly concurrency: number;
  /** So many of the task's events and entity rows make a split, if all of them are in memory. */
  readonly rowsPerSplit: (rows: number) => number;
  /** Answers the places of a split. `load` brings its events; `rows` is the size of the task. */
  compute(load: () => Promise<Split>, rows: number): Promise<readonly EngineColumn[]>;
}

/** Collects the events of a task, and answers its entity rows split by split. */
export async function answerSplits(
  { plan, rows }: Pick<EngineTask, "plan" | "rows">,
  host: EngineHost,
  { concurrency, rowsPerSplit, compute }: SplitWork,
): Promise<readonly EngineColumn[]> {
  const { signal } = host;
  const labels = orderRows(rows);
  const answers = answersByRow(plan.columns, labels.rows);
  const collected = new CollectedEvents({
    labels,
    memoryLimit: host.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
    expected: host.expectedEvents ?? null,
    concurrency,
    plan,
    rowsPerSplit,
  });
  try {
    for await (const batch of host.events()) {
      signal?.throwIfAborted();
      await collected.add(batch);
    }
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const answer = async (split: CollectedSplit): Promise<void> => {
      const load = async (): Promise<Split> => ({
        plan,
        ...placesOf(labels, split),
        ...(await split.load()),
      });
      try {
        answers.put(split.firstPlace, await compute(load, collected.size));
      } catch (error) {
        failures.push(error);
      }
    };
    for await (const split of collected.splits()) {
      const work = answer(split).finally(() => running.delete(work));
      running.add(work);
      while (running.size >= concurrency) await Promise.race(running);
      if (failures.length > 0) break;
    }
    await Promise.all(running);
    if (failures.length > 0) throw failures[0];
    return answers.finish();
  } finally {
    await collected.close();
  }
}

/** The places of a split, from 0. */
function placesOf(
  { starts, times }: OrderedRows,
  { first, end, firstPlace, endPlace }: CollectedSplit,
): Pick<Split, "first" | "starts" | "times"> {
  return {
    first,
    starts: starts
      .subarray(first, end + 1)
      .map((start) => Math.min(Math.max(start, firstPlace), endPlace) - firstPlace),
    times: times.subarray(firstPlace, endPlace),
  };
}
