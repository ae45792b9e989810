import { expect, test } from "vitest";
import { batchOf, valueAt } from "../../src/columns/batch.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import type { FeatureSpec, Value } from "../../src/specs.ts";
import type {
  AggregatePlan,
  ResultColumns,
  ComputeEngine,
  EntityRows,
  Events,
  JoinPlan,
} from "../../src/spi.ts";
import { computeEngineConformance } from "../../src/testing/engine-conformance.ts";

/** A fault of an otherwise right engine: in the plan it runs, or in the answer it gives. */
interface Fault {
  readonly plan?: <P extends AggregatePlan | JoinPlan>(plan: P) => P;
  readonly events?: (events: Events) => Events;
  readonly rows?: (rows: EntityRows) => EntityRows;
  readonly answers?: (answers: readonly ResultColumns[]) => readonly ResultColumns[];
  readonly firstBatchOnly?: boolean;
  readonly deaf?: boolean;
}

type Run<P> = (
  plan: P,
  events: AsyncIterable<Events>,
  rows: EntityRows,
  options?: { readonly signal?: AbortSignal | undefined },
) => Promise<readonly ResultColumns[]>;

function faulty(fault: Fault): ComputeEngine {
  const inner = localEngine();
  async function* seen(events: AsyncIterable<Events>): AsyncGenerator<Events> {
    for await (const batch of events) {
      yield fault.events?.(batch) ?? batch;
      if (fault.firstBatchOnly === true) return;
    }
  }
  const through =
    <P extends AggregatePlan | JoinPlan>(run: Run<P>): Run<P> =>
    async (plan, events, rows, options) => {
      const answers = await run(
        fault.plan?.(plan) ?? plan,
        seen(events),
        fault.rows?.(rows) ?? rows,
        fault.deaf === true ? {} : options,
      );
      return fault.answers?.(answers) ?? answers;
    };
  return {
    name: "faulty engine",
    aggregate: through(inner.aggregate),
    joinAsOf: through(inner.joinAsOf),
  };
}

const features =
  (change: (feature: FeatureSpec) => FeatureSpec) =>
  <P extends AggregatePlan | JoinPlan>(plan: P): P => ({
    ...plan,
    features: plan.features.map(change),
  });
const values =
  (change: (value: Value) => Value) =>
  (events: Events): Events => {
    const { length, columns, vectors } = events.columns;
    return {
      ...events,
      columns: batchOf(
        columns,
        Array.from({ length }, (_, i) => vectors.map((vector) => change(valueAt(vector, i)))),
      ),
    };
  };

const faults: Readonly<Record<string, Fault>> = {
  "the event at t is known at t": {
    events: (events) => ({ ...events, time: events.time.map((time) => time - 1) }),
  },
  "the window is a microsecond short": {
    plan: features((feature) => ({
      ...feature,
      window: feature.window === null ? null : feature.window - 1,
    })),
  },
  "time to live excludes its end": {
    plan: (plan) => ("ttl" in plan && plan.ttl !== null ? { ...plan, ttl: plan.ttl - 1 } : plan),
  },
  milliseconds: {
    events: (events) => ({
      ...events,
      time: events.time.map((time) => Math.floor(time / 1000) * 1000),
    }),
  },
  "what is known to is ignored": {
    events: (events) => ({ ...events, to: events.to.map(() => Infinity) }),
  },
  "what is known from is ignored": {
    events: (events) => ({ ...events, from: events.from.map(() => -Infinity) }),
  },
  "the default is forgotten": { plan: features((feature) => ({ ...feature, default: undefined })) },
  "the condition is forgotten": { plan: features((feature) => ({ ...feature, where: null })) },
  "null is zero": { events: values((value) => value ?? 0) },
  "numbers are single floats": {
    events: values((value) =>
      typeof value === "number" && !Number.isInteger(value) ? Math.fround(value) : value,
    ),
  },
  "int64 goes through a double": {
    events: values((value) =>
      typeof value === "bigint" && value < 2n ** 63n ? BigInt(Number(value)) : value,
    ),
  },
  "the created column settles no tie": {
    plan: (plan) => ({ ...plan, source: { ...plan.source, createdAt: null } }),
  },
  "found by the feature's own window": {
    plan: (plan) =>
      "longestWindow" in plan ? { ...plan, longestWindow: plan.features[0]!.window! } : plan,
  },
  "answers in the order of time": { rows: (rows) => ({ ...rows, time: rows.time.toSorted() }) },
  "only the first batch": { firstBatchOnly: true },
  "−0 comes out": {
    answers: (answers) =>
      answers.map((one) => ({
        ...one,
        values: one.values.map((value) => (value === 0 ? -0 : value)),
      })),
  },
  "no event time": {
    answers: (answers) => answers.map((one) => ({ ...one, times: one.times.map(() => NaN) })),
  },
  "every null is not found": {
    answers: (answers) =>
      answers.map((one) => ({
        ...one,
        statuses: one.statuses.map((status, i) => (one.values[i] === null ? "NOT_FOUND" : status)),
      })),
  },
  "duplicates are answered once": {
    rows: (rows) => ({ ...rows, length: new Set(rows.time).size }),
  },
  "the signal is not heard": { deaf: true },
};

test.each(Object.entries(faults))(
  "the suite finds an engine with a fault: %s",
  async (_: string, fault: Fault) => {
    const found: string[] = [];
    const facts: [string, () => Promise<void>][] = [];
    computeEngineConformance({
      test: (name, run) => {
        facts.push([name, run]);
      },
      make: async () => faulty(fault),
    });
    for (const [name, run] of facts) await run().catch(() => found.push(name));
    expect(found).not.toEqual([]);
  },
);
