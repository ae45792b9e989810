import { expect, test } from "vitest";
import { batchOf, valueAt } from "../../src/columns/batch.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import type { Value } from "../../src/specs.ts";
import type {
  ComputeEngine,
  DeriveNode,
  EngineColumn,
  EntityRows,
  Events,
  LatestNode,
  WindowNode,
} from "../../src/spi.ts";
import { ENGINE_STATUSES } from "../../src/spi.ts";
import { computeEngineConformance } from "../../src/testing/engine-conformance.ts";

/** A fault of an otherwise right engine: in the plan it runs, or in the answer it gives. */
interface Fault {
  readonly plan?: (plan: DeriveNode) => DeriveNode;
  readonly events?: (events: Events) => Events;
  readonly rows?: (rows: EntityRows) => EntityRows;
  readonly answers?: (answers: readonly EngineColumn[]) => readonly EngineColumn[];
  readonly firstBatchOnly?: boolean;
  readonly deaf?: boolean;
}

function faulty(fault: Fault): ComputeEngine {
  const inner = localEngine();
  async function* seen(events: AsyncIterable<Events>): AsyncGenerator<Events> {
    for await (const batch of events) {
      yield fault.events?.(batch) ?? batch;
      if (fault.firstBatchOnly === true) return;
    }
  }
  return {
    name: "faulty engine",
    async compute(task, { signal, ...host }) {
      const { plan, rows } = task;
      const answers = await inner.compute(
        { ...task, plan: fault.plan?.(plan) ?? plan, rows: fault.rows?.(rows) ?? rows },
        {
          ...host,
          events: () => seen(host.events()),
          signal: fault.deaf === true ? undefined : signal,
        },
      );
      return fault.answers?.(answers) ?? answers;
    },
  };
}

/** Changes the node below the features. */
const below =
  (change: {
    readonly window?: (node: WindowNode) => WindowNode;
    readonly latest?: (node: LatestNode) => LatestNode;
  }) =>
  (plan: DeriveNode): DeriveNode => ({
    ...plan,
    input:
      plan.input.node === "window"
        ? (change.window?.(plan.input) ?? plan.input)
        : (change.latest?.(plan.input) ?? plan.input),
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
    plan: below({
      window: (node) => ({
        ...node,
        aggregates: node.aggregates.map((one) => ({
          ...one,
          window: typeof one.window === "number" ? one.window - 1 : one.window,
        })),
      }),
    }),
  },
  "time to live excludes its end": {
    plan: below({ latest: (node) => ({ ...node, ttl: node.ttl === null ? null : node.ttl - 1 }) }),
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
  "the default is forgotten": {
    plan: (plan) => ({
      ...plan,
      columns: plan.columns.map((column) => ({ ...column, default: undefined })),
    }),
  },
  "the condition is forgotten": {
    plan: below({
      window: (node) => ({
        ...node,
        aggregates: node.aggregates.map((one) => ({ ...one, where: null })),
      }),
      latest: (node) => ({ ...node, facts: node.facts.map((one) => ({ ...one, where: null })) }),
    }),
  },
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
    plan: below({ latest: (node) => ({ ...node, input: { ...node.input, createdAt: null } }) }),
  },
  "found by the feature's own window": {
    plan: below({ window: (node) => ({ ...node, foundIn: [node.aggregates[0]!.window] }) }),
  },
  "answers in the order of time": { rows: (rows) => ({ ...rows, time: rows.time.toSorted() }) },
  "only the first batch": { firstBatchOnly: true },
  "−0 comes out": {
    answers: (answers) =>
      answers.map((one) => ({
        ...one,
        values:
          one.values.kind === "float64"
            ? {
                ...one.values,
                values: one.values.values.map((value) => (value === 0 ? -0 : value)),
              }
            : one.values,
      })),
  },
  "no event time": {
    answers: (answers) => answers.map((one) => ({ ...one, times: one.times.map(() => NaN) })),
  },
  "every null is not found": {
    answers: (answers) =>
      answers.map((one) => ({
        ...one,
        statuses: one.statuses.map((status, i) =>
          valueAt(one.values, i) === null ? ENGINE_STATUSES.indexOf("NOT_FOUND") : status,
        ),
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
