/** Questions to a compute engine, in a short form for tests. */
import { isTidemarkError } from "../errors.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import { batchOf } from "../columns/batch.ts";
import type { ColumnSpec, FeatureSpec, Value } from "../specs.ts";
import type { ComputeEngine, EngineColumn, EntityRows, Events, ResultColumns } from "../spi.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import { windowPlan, entityRows, eventsOf, latestPlan, type NamedRow } from "./engine-cases.ts";

/** Value, status and event time; null for no event time. */
export type EngineAnswer = readonly [value: Value, status: string, time: number | null];

export interface EngineQueries {
  answer(
    plan: DeriveNode,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    signal?: AbortSignal,
  ): Promise<readonly ResultColumns[]>;
  /** The answer of each feature for entity 0 at `t`. */
  answerEach(plan: DeriveNode, events: readonly NamedRow[], t: number): Promise<EngineAnswer[]>;
  answerOne(
    feature: FeatureSpec,
    events: readonly NamedRow[],
    t: number,
    ttl?: number | null,
  ): Promise<EngineAnswer>;
  /** Runs the checks, unless the engine refuses the plan. */
  ifSupported(run: () => Promise<void>): Promise<void>;
}

/** Computes a plan over these events. The task has no tables: the engine must take the events. */
export async function computed(
  engine: ComputeEngine,
  plan: DeriveNode,
  events: AsyncIterable<Events>,
  rows: EntityRows,
  signal?: AbortSignal,
): Promise<readonly EngineColumn[]> {
  const number: ColumnSpec = { name: "key", database: "key", type: "int32", nullable: false };
  return engine.compute(
    { plan, tables: [], knowledge: "as-known", rows },
    {
      events: () => events,
      keys: () =>
        batchOf(
          [number],
          Array.from({ length: rows.keyCount }, (_, key) => [key]),
        ),
      signal,
    },
  );
}

export function engineQueries(engine: ComputeEngine): EngineQueries {
  const answer: EngineQueries["answer"] = async (plan, events, rows, signal) =>
    resultsOf(await computed(engine, plan, events, rows, signal));
  const answerEach: EngineQueries["answerEach"] = async (plan, events, t) => {
    const answers = await answer(plan, eventsOf(plan, events), {
      ...entityRows([0, t]),
      keyCount: 2,
    });
    return answers.map(({ values, statuses, times }) => [
      values[0]!,
      statuses[0]!,
      Number.isNaN(times[0]!) ? null : times[0]!,
    ]);
  };
  return {
    answer,
    answerEach,
    answerOne: async (feature, events, t, ttl = null) =>
      (
        await answerEach(
          feature.window === null ? latestPlan(ttl, feature) : windowPlan(feature),
          events,
          t,
        )
      )[0]!,
    async ifSupported(run) {
      try {
        await run();
      } catch (error) {
        if (!isTidemarkError<"ENGINE_CANNOT">(error, "ENGINE_CANNOT")) throw error;
      }
    },
  };
}
