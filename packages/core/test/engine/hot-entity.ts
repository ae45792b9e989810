/**
 * Computes windows over events of which one entity has a third, and compares the answers with plain
 * loops. Prints what differs, and the peak memory.
 *
 *     node hot-entity.ts EVENTS MEMORY_LIMIT_MIB WORKERS
 */
import assert from "node:assert/strict";
import { localEngine } from "../../src/engine/local-engine.ts";
import { inputOf } from "../../src/plan/plan-kinds.ts";
import type { EntityRows, Events, Vector } from "../../src/spi.ts";
import { over, windowPlan } from "../../src/testing/engine-cases.ts";
import { valueAt } from "../../src/types/vector.ts";

const [count, limitMiB, workers] = process.argv.slice(2).map(Number) as [number, number, number];
const BATCH = 65_536;
/** Event i is at i ms. Every third event is of entity 0. */
const MILLI = 1000;
const WINDOW = 30_000 * MILLI;
const OTHERS = 1000;
const HOT_LABELS = 3000;

const entityOf = (i: number): number => (i % 3 === 0 ? 0 : 1 + (i % OTHERS));
const valueOf = (i: number): number => ((i * 7919) % 10_007) / 8;

const plan = windowPlan(
  over("count", null, WINDOW),
  over("sum", "x", WINDOW),
  over("min", "x", WINDOW),
  over("max", "x", WINDOW),
);
const { columns } = inputOf(plan.input.input);

async function* events(): AsyncGenerator<Events> {
  for (let first = 0; first < count; first += BATCH) {
    const length = Math.min(BATCH, count - first);
    const values = new Float64Array(length);
    const entity = new Int32Array(length);
    const time = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      entity[i] = entityOf(first + i);
      time[i] = (first + i) * MILLI;
      values[i] = valueOf(first + i);
    }
    const vectors = columns.map((column): Vector =>
      column.name === "x"
        ? { kind: "float64", values, valid: null }
        : { kind: "int32", values: new Int32Array(length), valid: null },
    );
    yield {
      length,
      entity,
      time,
      from: new Float64Array(length).fill(-Infinity),
      to: new Float64Array(length).fill(Infinity),
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
const answers = await engine.compute({ plan, tables: [], knowledge: "as-corrected", rows }, host);

let compared = 0;
let differing = 0;
for (let l = 0; l < labels; l += 7) {
  const t = rows.time[l]!;
  let [n, sum, min, max] = [0n, 0, Infinity, -Infinity];
  for (let i = Math.max(0, (t - WINDOW) / MILLI); i * MILLI < t; i++) {
    if (entityOf(i) !== rows.entity[l]) continue;
    const x = valueOf(i);
    n++;
    // eighths of small numbers, whose sums are exact
    sum += x;
    min = Math.min(min, x);
    max = Math.max(max, x);
  }
  const expected = [n, sum, min, max];
  compared++;
  if (answers.some(({ values }, c) => valueAt(values, l) !== expected[c])) differing++;
}
console.log(
  JSON.stringify({ compared, differing, peakMiB: process.resourceUsage().maxRSS / 1024 }),
);
