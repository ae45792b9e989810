/**
 * Computes features over events of which one entity has a third, and compares the answers with
 * plain loops. Prints what differs, the CPU seconds, and the peak memory.
 *
 *     node hot-entity.ts EVENTS MEMORY_LIMIT_MIB WORKERS [reach | lifetime | known | latest]
 *
 * `reach`: windows with an end. `lifetime`: windows without one. `known`: the same, as known, where
 * a fiftieth of the events is replaced later. `latest`: facts.
 */
import assert from "node:assert/strict";
import { localEngine } from "../../src/engine/local-engine.ts";
import { eventColumns } from "../../src/plan/plan-kinds.ts";
import type { EntityRows, Events, Vector } from "../../src/spi.ts";
import { latest, latestPlan, over, windowPlan } from "../../src/testing/engine-cases.ts";
import { valueAt } from "../../src/types/vector.ts";

const [count, limitMiB, workers] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const features = process.argv[5] ?? "reach";
const BATCH = 65_536;
/** Event i is at i ms. Every third event is of entity 0. */
const MILLI = 1000;
const WINDOW = 30_000 * MILLI;
const OTHERS = 1000;
const HOT_LABELS = 3000;

const entityOf = (i: number): number => (i % 3 === 0 ? 0 : 1 + (i % OTHERS));
const valueOf = (i: number): number => ((i * 7919) % 10_007) / 8;

const isKnown = features === "known";
const LIFETIME = { kind: "lifetime" } as const;
const plan = {
  reach: () =>
    windowPlan(
      over("count", null, WINDOW),
      over("sum", "x", WINDOW),
      over("min", "x", WINDOW),
      over("max", "x", WINDOW),
    ),
  lifetime: lifetimePlan,
  known: lifetimePlan,
  latest: () => latestPlan(null, latest("x")),
}[features]!();
const columns = eventColumns(plan.input.input);

function lifetimePlan(): ReturnType<typeof windowPlan> {
  return windowPlan(
    over("count", null, LIFETIME),
    over("sum", "x", LIFETIME),
    over("min", "x", LIFETIME),
    over("max", "x", LIFETIME),
    over("avg", "x", LIFETIME),
    over("last", "x", LIFETIME),
    over("count", null, WINDOW),
  );
}

/** An event that is replaced, as known: after so many events its value is another one. */
const replacedAfter = (i: number): number | null =>
  isKnown && i % 50 === 0 ? ((i / 50) % 7) * 20_000 + 10 : null;
const newValueOf = (i: number): number => valueOf(i) + 1;

async function* events(): AsyncGenerator<Events> {
  for (let first = 0; first < count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => first + i);
    const replaced = numbers.filter((i) => replacedAfter(i) !== null);
    const all = [...numbers, ...replaced];
    const { length } = all;
    const vectors = columns.map((column): Vector =>
      column.name === "x"
        ? {
            kind: "float64",
            values: Float64Array.from(all, (i, r) =>
              r < numbers.length ? valueOf(i) : newValueOf(i),
            ),
            valid: null,
          }
        : column.type === "timestamp"
          ? { kind: "float64", values: new Float64Array(length), valid: null }
          : { kind: "int32", values: Int32Array.from(all), valid: null },
    );
    const changedAt = (i: number): number => (i + replacedAfter(i)!) * MILLI;
    yield {
      length,
      entity: Int32Array.from(all, entityOf),
      time: Float64Array.from(all, (i) => i * MILLI),
      from: Float64Array.from(all, (i, r) => (r < numbers.length ? -Infinity : changedAt(i))),
      to: Float64Array.from(all, (i, r) =>
        r < numbers.length && replacedAfter(i) !== null ? changedAt(i) : Infinity,
      ),
      columns: { length, columns, vectors },
    };
  }
}

const labels = HOT_LABELS + OTHERS;
const rows: EntityRows = {
  length: labels,
  keyCount: OTHERS + 1,
  entity: Int32Array.from({ length: labels }, (_, l) => (l < HOT_LABELS ? 0 : l - HOT_LABELS + 1)),
  time: Float64Array.from({ length: labels }, (_, l) =>
    l < HOT_LABELS ? Math.floor((count * (l + 1)) / HOT_LABELS) * MILLI : count * MILLI,
  ),
};

const engine = localEngine({ workers });
const host = {
  events,
  keys: () => assert.fail("the engine needs no keys"),
  memoryLimit: limitMiB * 2 ** 20,
  expectedEvents: count,
};
const knowledge = isKnown ? "as-known" : "as-corrected";
const answers = await engine.compute({ plan, tables: [], knowledge, rows }, host);
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();

/** The value of event i that is seen at t. */
function seenAt(i: number, t: number): number {
  const after = replacedAfter(i);
  return after !== null && (i + after) * MILLI < t ? newValueOf(i) : valueOf(i);
}

/** The answers of plain loops to an entity at t. Eighths of small numbers have exact sums. */
function expectedAt(entity: number, t: number): readonly unknown[] {
  const isLatest = features === "latest";
  const isEndless = features !== "reach";
  let [n, inWindow, sum, min, max, last] = [0, 0, 0, Infinity, -Infinity, NaN];
  const since = isEndless ? 0 : Math.max(0, (t - WINDOW) / MILLI);
  for (let i = since; isLatest ? i * MILLI <= t : i * MILLI < t; i++) {
    if (i >= count || entityOf(i) !== entity) continue;
    const x = seenAt(i, t);
    n++;
    if (i * MILLI >= t - WINDOW) inWindow++;
    sum += x;
    min = Math.min(min, x);
    max = Math.max(max, x);
    last = x;
  }
  if (isLatest) return [last];
  const always = [BigInt(n), sum, min, max];
  return isEndless ? [...always, sum / n, last, BigInt(inWindow)] : always;
}

let compared = 0;
let differing = 0;
// a plain loop over all events takes long
for (let l = 0; l < labels; l += features === "reach" ? 7 : 77) {
  const expected = expectedAt(rows.entity[l]!, rows.time[l]!);
  compared++;
  if (answers.some(({ values }, c) => valueAt(values, l) !== expected[c])) differing++;
}
console.log(
  JSON.stringify({
    compared,
    differing,
    cpuSeconds: Math.round((userCPUTime + systemCPUTime) / 1e5) / 10,
    peakMiB: Math.round(maxRSS / 1024),
  }),
);
