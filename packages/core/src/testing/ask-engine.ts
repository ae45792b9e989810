/** Questions to a compute engine, in the short form that tests want. */
import { isTidemarkError } from "../errors.ts";
import type {
  AggregatePlan,
  Answers,
  ComputeEngine,
  EntityRows,
  Events,
  JoinPlan,
} from "../spi.ts";
import type { FeatureSpec, Value } from "../specs.ts";
import { aggregatePlan, entityRows, eventsOf, joinPlan, type NamedRow } from "./engine-cases.ts";

/** Value, status and event time, null where there is none. */
export type Told = readonly [value: Value, status: string, time: number | null];

export interface AskEngine {
  raw(
    plan: AggregatePlan | JoinPlan,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    signal?: AbortSignal,
  ): Promise<readonly Answers[]>;
  /** What each feature says of entity 0 at `t`. */
  each(plan: AggregatePlan | JoinPlan, events: readonly NamedRow[], t: number): Promise<Told[]>;
  one(
    feature: FeatureSpec,
    events: readonly NamedRow[],
    t: number,
    ttl?: number | null,
  ): Promise<Told>;
  /** What the engine refuses to compute is not wrong. */
  unlessRefused(run: () => Promise<void>): Promise<void>;
}

export function askEngine(engine: ComputeEngine): AskEngine {
  const raw: AskEngine["raw"] = (plan, events, rows, signal) =>
    "longest" in plan
      ? engine.aggregate(plan, events, rows, { signal })
      : engine.joinAsOf(plan, events, rows, { signal });
  const each: AskEngine["each"] = async (plan, events, t) => {
    const answers = await raw(plan, eventsOf(plan, events), { ...entityRows([0, t]), keys: 2 });
    return answers.map(({ values, statuses, times }) => [
      values[0]!,
      statuses[0]!,
      Number.isNaN(times[0]!) ? null : times[0]!,
    ]);
  };
  return {
    raw,
    each,
    one: async (feature, events, t, ttl = null) =>
      (
        await each(
          feature.window === null ? joinPlan(ttl, feature) : aggregatePlan(feature),
          events,
          t,
        )
      )[0]!,
    async unlessRefused(run) {
      try {
        await run();
      } catch (error) {
        if (!isTidemarkError(error, "ENGINE_CANNOT")) throw error;
      }
    },
  };
}
