/**
 * Tests law 1 with a finite `retain`: requests before the horizon are refused, requests at or after
 * it are exact. Rows that no request needs are deleted.
 */
import { openStore, type Store, type Keep } from "@tidemark/core";
import { parseTime, type OnlineStore } from "@tidemark/core/spi";
import { memoryOnlineData, memoryOnlineStore, type MemoryOnlineData } from "@tidemark/core/testing";
import {
  generateScenario,
  otherDelivery,
  Random,
  scenarioDefinitions,
  scenarioSource,
  scenarioWith,
  type OracleRequest,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { inFolder, realStores } from "../src/real-stores.ts";
import { storeDifferences, refusedBeforeHorizon } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 30 });
const SECOND = 1e6;
const RUNS = 8;

interface Retained {
  readonly scenario: Scenario;
  readonly random: Random;
  /** The line numbers of the log, one list per run. */
  readonly parts: readonly (readonly number[])[];
  /** The clock at the end of each run in µs: the latest commit so far. */
  readonly clocks: readonly number[];
  /** The retention in whole seconds, as µs. */
  readonly retain: number;
  readonly log: number;
}

function retained(seed: number): Retained {
  const random = new Random(seed);
  // The oracle takes long for the views of every aggregation.
  const made = generateScenario(seed, {
    requests: 40,
    everyAggregation: seed % 3 === 0,
    traits: { expected: seed % 2 === 0 },
  });
  const scenario = random.chance(0.5) ? scenarioWith(made, (view) => view.kind === "window") : made;
  const order = otherDelivery(scenario, random).flat();
  const size = Math.ceil(order.length / RUNS);
  const parts = Array.from({ length: RUNS }, (_, i) => order.slice(i * size, (i + 1) * size));
  const committed = (line: number): number => scenario.truth[line]!.committed ?? -Infinity;
  const clocks: number[] = [];
  for (const part of parts)
    clocks.push(
      Math.max(
        clocks.at(-1) ?? -Infinity,
        Math.ceil(Math.max(...part.map(committed), -Infinity) / 1000) * 1000,
      ),
    );
  const times = order.map(committed).filter((time) => time > -Infinity);
  const span = Math.max(SECOND, Math.max(...times) - Math.min(...times));
  const retain = Math.max(1, Math.floor(span / SECOND / random.pick([2, 8, 40, 1000]))) * SECOND;
  return { scenario, random, parts, clocks, retain, log: (Math.ceil(span / SECOND) + 1) * SECOND };
}

/**
 * Runs one list after the other, with the clock moving with the commits. After each run it compares
 * everything that the store promises then.
 */
async function compareAll(
  { scenario, random, parts, clocks, retain, log }: Retained,
  online: () => OnlineStore,
): Promise<{ compared: number; refused: number }> {
  let now = 0;
  const open = (): Promise<Store> =>
    openStore({
      definitions: scenarioDefinitions(scenario),
      online: {
        store: online(),
        retention: seconds(retain),
        logRetention: (log / SECOND) % 2 === 0 ? "forever" : seconds(log),
      },
      clock: () => new Date(now / 1000),
    });
  let store = await open();
  let before = -Infinity;
  const counts = { compared: 0, refused: 0 };
  for (const [p, part] of parts.entries()) {
    if (!Number.isFinite(clocks[p])) continue;
    now = clocks[p]!;
    if (random.chance(0.5)) {
      await store.close();
      store = await open();
    }
    await store.run(scenarioSource(scenario, [part.slice(0, 5), part.slice(5)]), { mismatch: 1 });
    const asked = new Set(scenario.views.map(({ source }) => source.name));
    const horizons = (await store.status()).flatMap(({ source, online }) =>
      online?.horizon == null || !asked.has(source) ? [] : [parseTime(online.horizon, null)!],
    );
    if (horizons.length === 0) continue;
    const horizon = Math.max(...horizons);
    expect(
      horizon,
      `seed ${scenario.seed}: the horizon moves forward, and with the clock`,
    ).toBeGreaterThanOrEqual(before);
    expect(horizon).toBeLessThanOrEqual(now - retain);
    expect(horizon).toBeGreaterThanOrEqual(now - retain - Math.min(retain / 16, 60 * SECOND));
    before = horizon;

    const truth = parts
      .slice(0, p + 1)
      .flat()
      .map((line) => scenario.truth[line]!);
    const edges = scenario.requests
      .slice(0, 8)
      .flatMap(({ keys }): OracleRequest[] =>
        [horizon, horizon + 1, horizon + random.int(retain + 1), now].map((time) => ({
          keys,
          time,
        })),
      );
    const requests = [...scenario.requests, ...edges];
    const kept = requests.filter(({ time }) => time >= horizon);
    const gone = [
      ...requests.filter(({ time }) => time < horizon),
      { keys: requests[0]!.keys, time: horizon - 1 },
    ];
    expect(await storeDifferences(store, scenario, kept, "online", { truth })).toEqual([]);
    expect(await refusedBeforeHorizon(store, scenario, gone)).toEqual({
      refused: gone.length,
      answered: 0,
    });
    counts.compared += kept.length * scenario.selected.length;
    counts.refused += gone.length;
  }
  await store.close();
  return counts;
}

test(
  "requests at or after the horizon give the oracle's bits, earlier ones are refused",
  { timeout: 1_200_000 },
  async () => {
    const total = { compared: 0, refused: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const data = memoryOnlineData();
      const { compared, refused } = await compareAll(retained(seed), () => memoryOnlineStore(data));
      total.compared += compared;
      total.refused += refused;
    }
    console.log(
      `retention: ${seeds} seeds, ${total.compared} comparisons, ${total.refused} refusals`,
    );
    expect(total.compared).toBeGreaterThan(seeds * 100);
    expect(total.refused).toBeGreaterThan(seeds * 10);
  },
);

test(
  "the same through SQLite files that are closed and opened again",
  { timeout: 600_000 },
  async () => {
    for (let seed = firstSeed; seed < firstSeed + Math.ceil(seeds / 10); seed++) {
      await inFolder((folder) => compareAll(retained(seed), () => realStores(folder).online));
    }
  },
);

test(
  "past the retention nothing of a log's rows is left but positions and timeless rows",
  { timeout: 600_000 },
  async () => {
    let before = 0;
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const { scenario: made, retain, log, clocks } = retained(seed);
      const scenario = scenarioWith(
        made,
        (view) =>
          view.kind === "window" &&
          view.source.eventTime.kind === "column" &&
          // every version of a dimension is kept
          view.lookups === undefined &&
          view.features.every(isOverLengths),
      );
      if (scenario.views.length === 0) continue;
      const data = memoryOnlineData();
      let now = clocks.at(-1)!;
      const definitions = { all: scenarioDefinitions(scenario).all };
      const store = await openStore({
        definitions,
        online: {
          store: memoryOnlineStore(data),
          retention: seconds(retain),
          logRetention: seconds(log),
        },
        clock: () => new Date(now / 1000),
      });
      await store.run(scenarioSource(scenario), { mismatch: 1 });
      before += cells(data);
      // beyond every event, every window, the store's retention and the log's
      const sources = new Set(
        scenario.views.flatMap((view) => (view.parts ?? [view]).map(({ source }) => source)),
      );
      const latest = Math.max(
        ...scenario.truth.flatMap(({ source, values }) =>
          [...sources].flatMap(({ name, columns, eventTime }) => {
            const time =
              name === source && values !== null && eventTime.kind === "column"
                ? values[columns.findIndex((column) => column.name === eventTime.column)]
                : null;
            return typeof time === "number" ? [time] : [];
          }),
        ),
        now,
      );
      now = Math.ceil((latest + 28 * 86_400 * SECOND + retain + log) / 1000) * 1000 + 120_000_000;
      await store.run(scenarioSource(scenario, []), { mismatch: 1 });
      const quarantined = (await store.status()).reduce(
        (sum, { online }) => sum + online!.quarantinedRows,
        0,
      );
      // per source: its state, its counters by partition, its quarantine and the rows in it; and
      // the list of sources
      const partitions = new Set(
        scenario.truth.map(({ topic, partition }) => `${topic}:${partition}`),
      ).size;
      expect(cells(data), `seed ${seed}`).toBeLessThanOrEqual(
        1 + sources.size * 2 + partitions + quarantined * 2 + timeless(scenario),
      );
    }
    expect(before).toBeGreaterThan(seeds * 10);
  },
);

/** Whether all windows are lengths, which are at most 28 days: others may keep rows longer. */
function isOverLengths(feature: Scenario["views"][number]["features"][number]): boolean {
  return [feature, ...(feature.function?.aggregates ?? [])].every(
    ({ window }) => typeof window === "number",
  );
}

function seconds(length: number): Keep {
  return `${length / SECOND}s` as "1s";
}

function cells(data: MemoryOnlineData): number {
  return data.namespaces.get("default")!.cells.size;
}

/** Counts rows that once had no readable event time. They may come back, so they are kept. */
function timeless({ truth, sources }: Scenario): number {
  const rows = new Set<string>();
  for (const { source, kind, values } of truth) {
    const { columns, eventTime, primaryKey } = sources.find(({ name }) => name === source)!;
    if (
      kind !== "upsert" ||
      eventTime.kind !== "column" ||
      values![columns.findIndex((column) => column.name === eventTime.column)] !== null
    )
      continue;
    const key = primaryKey.map((name) => values![columns.findIndex((c) => c.name === name)]);
    rows.add(`${source} ${key.map(String).join()}`);
  }
  return rows.size;
}

test(
  "a truncate removes a TOASTed column's source change until the insert between comes",
  { timeout: 60_000 },
  async () => {
    const data = memoryOnlineData();
    const { compared } = await compareAll(retained(1_703_003_788), () => memoryOnlineStore(data));
    expect(compared).toBeGreaterThan(0);
  },
);
