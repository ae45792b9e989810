/**
 * Law 3: an online store filled from the history has the bytes of a store that took the whole log.
 * A run goes on from there.
 */
import { openStore } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  type MemoryOfflineData,
  type MemoryOnlineData,
} from "@tidemark/core/testing";
import {
  compareAnswers,
  differenceText,
  generateScenario,
  otherDelivery,
  Random,
  scenarioDefinitions,
  scenarioSource,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import type { Change, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { changeLogReader } from "../../src/offline/change-log-reader.ts";
import { lookupsBehindFeature } from "../../src/plan/columns-read.ts";
import { onlineReader } from "../../src/online/online-reader.ts";
import { backfillOnline, type BackfillSettings } from "../../src/online/backfill.ts";
import { configuredStores } from "../../src/store/store-options.ts";
import { onlineMaintenance } from "../../src/online/maintenance.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 60, least: 20 });
const SECOND = 1e6;

const order = ({ topic, partition, offset }: Change): string => `${topic}:${partition}:${offset}`;

function cellsOf(data: MemoryOnlineData): readonly string[] {
  const { cells, positions, metadata } = data.namespaces.get("test")!;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return [
    ...[...cells.values()]
      .map(({ key, value, expires }) => `${hex(key)} ${hex(value)} ${expires}`)
      .sort(),
    ...[...positions]
      .flatMap(([source, list]) =>
        [...list.values()].map((position) => `${source} ${JSON.stringify(position)}`),
      )
      .sort(),
    ...[...metadata]
      .flatMap(([source, texts]) => [...texts].map(([key, text]) => `${source} ${key} ${text}`))
      .sort(),
  ];
}

function copyOf({ namespaces, version }: MemoryOnlineData): MemoryOnlineData {
  const copy = <T>(bySource: ReadonlyMap<string, ReadonlyMap<string, T>>) =>
    new Map([...bySource].map(([source, list]) => [source, new Map(list)]));
  return {
    version,
    namespaces: new Map(
      [...namespaces].map(([name, { cells, positions, metadata }]) => [
        name,
        { cells: new Map(cells), positions: copy(positions), metadata: copy(metadata) },
      ]),
    ),
  };
}

/**
 * Makes bytes that differ in every change. Cells store a column of equal values in fewer bytes, and
 * a decoder never gives equal objects.
 */
function ownBytes(scenario: Scenario): Scenario {
  return {
    ...scenario,
    truth: scenario.truth.map((change) => ({
      ...change,
      values:
        change.values?.map((value) => (value instanceof Uint8Array ? value.slice() : value)) ??
        null,
    })),
  };
}

/** Returns the files in another order than they were written, as after a compaction of files. */
function shuffleFiles(data: MemoryOfflineData, random: Random): void {
  for (const versions of data.tables.values()) {
    const last = versions.pop()!;
    versions.push({ ...last, batches: random.shuffled(last.batches) });
  }
}

/** A history of the log or of its beginning, and an online store that is empty or behind. */
async function worldOf(scenario: Scenario, random: Random) {
  const commits = scenario.truth.map(({ committed }) => committed ?? 0);
  const forever = random.chance(0.6);
  const span = Math.max(
    SECOND,
    Math.max(...commits) - Math.min(...commits.filter((commit) => commit > 0)),
  );
  const [retain, logRetention] = [
    Math.max(1, Math.floor(span / SECOND / random.pick([2, 8, 40]))),
    Math.ceil(span / SECOND) * 2,
  ];
  const now = new Date(forever ? 0 : Math.ceil(Math.max(...commits) / 1000));
  const history = { commit: { rows: random.pick([1, 3, 10, 40]) }, buckets: 2 };
  const retention = {
    retention: forever ? "forever" : (`${retain}s` as "1s"),
    logRetention: forever ? "forever" : (`${logRetention}s` as "1s"),
  } as const;
  const options = {
    definitions: scenarioDefinitions(scenario),
    namespace: "test",
    clock: () => now,
  };
  const run = async (
    delivery: readonly (readonly number[])[],
    stores: { readonly online?: OnlineStore; readonly offline?: OfflineStore },
  ): Promise<void> => {
    const store = await openStore({
      ...options,
      online: stores.online && { store: stores.online, ...retention },
      offline: stores.offline && { store: stores.offline, ...history },
    });
    await store.run(scenarioSource(scenario, delivery), { mismatch: "ignore" });
  };
  const order = otherDelivery(scenario, random);
  const cut = random.chance(0.3) ? order.length : random.int(order.length) + 1;
  const behind = random.chance(0.5) ? 0 : random.int(cut);
  const onlineData = memoryOnlineData();
  const offlineData = memoryOfflineData();
  const [online, offline] = [memoryOnlineStore(onlineData), memoryOfflineStore(offlineData)];
  await online.open({ namespace: "test" });
  await run(order.slice(0, cut), { offline });
  if (behind > 0) await run(order.slice(0, behind), { online });
  shuffleFiles(offlineData, random);
  const limits = {
    rangeRows: random.pick([1, 7, 30, 1000]),
    rangeBytes: random.pick([700, 5_000, 1e9]),
    batchRows: random.pick([1, 5, 1000]),
  };
  const views = [...collectDefinitions(options.definitions).views.values()];
  const settings = {
    online,
    namespace: "test",
    views,
    clock: () => now.getTime() * 1000,
    retention: configuredStores({ ...options, online: { store: online, ...retention } }).retention,
  };
  const maintenance = onlineMaintenance({ ...settings, store: online, sources: scenario.sources });
  const backfill: BackfillSettings = { ...settings, offline, maintenance, limits };
  return {
    forever,
    order,
    run,
    online,
    onlineData,
    offline,
    backfill,
    latest: Math.max(...commits),
  };
}

/** What is read here of the state of a source. */
interface StoredState {
  readonly source: { readonly table: string };
  readonly backfilling?: readonly unknown[];
}

test(
  "after a backfill that was stopped anywhere, the rest of the log leads to the " + "oracle's bits",
  { timeout: 300_000 },
  async () => {
    const total = { taken: 0, stops: 0, refused: 0, answered: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const scenario = generateScenario(seed, { everyAggregation: true });
      const random = new Random(seed);
      const { forever, order, run, online, onlineData, offline, backfill, latest } = await worldOf(
        scenario,
        random,
      );
      const reader = onlineReader({
        store: online,
        namespace: "test",
        views: scenario.views,
        onOverflow: () => undefined,
      });
      for (let done = false; !done;) {
        const stopAt = random.chance(0.5) ? random.int(30) : Infinity;
        try {
          total.taken += (
            await backfillOnline(scenario.sources, {
              ...backfill,
              onProgress: ({ changes }) => {
                if (changes >= stopAt) throw new Error("killed");
              },
            })
          ).changes;
          done = true;
        } catch (error) {
          if ((error as Error).message !== "killed") throw error;
          total.stops++;
          // A request meanwhile gets the answer of before or of after, and none of a source whose
          // backfill is in progress.
          const states = [...onlineData.namespaces.get("test")!.cells.values()]
            .map(({ value }) => Buffer.from(value).toString("latin1"))
            .filter((text) => text.includes('"storedColumns"'))
            .map((text) => JSON.parse(text) as StoredState);
          const stored = states.map(({ source }) => source.table);
          const backfilling = states.flatMap((state) =>
            state.backfilling === undefined ? [] : [state.source.table],
          );
          for (const one of scenario.selected) {
            const answer = reader.read({
              selection: [one],
              keys: [scenario.requests[0]!.keys],
              t: latest,
            });
            const read = [
              ...(one.view.parts ?? [one.view]).map(({ source }) => source),
              ...lookupsBehindFeature(one.view, one.feature).map(({ dimension }) => dimension),
            ];
            const isRefused = read.some(({ table }) => backfilling.includes(table));
            // of a source of which nothing is stored, the answer is refused too
            const codes = read.some(({ table }) => !stored.includes(table))
              ? /^(NEEDS_BACKFILL|NOT_READY)$/
              : /^NEEDS_BACKFILL$/;
            if (isRefused)
              await expect(answer).rejects.toMatchObject({ code: expect.stringMatching(codes) });
            else
              await answer.catch((error: unknown) => {
                // nothing of the source was stored yet
                expect(error).toMatchObject({ code: "NOT_READY" });
              });
            total[isRefused ? "refused" : "answered"]++;
          }
        }
      }
      await run(order, { online, offline });
      if (forever)
        expect(
          (await compareAnswers(scenario, { online, offline }, {})).map(differenceText),
        ).toEqual([]);
    }
    console.log(`backfill: ${seeds} seeds, ${JSON.stringify(total)}`);
    expect(total.taken).toBeGreaterThan(seeds * 5);
    expect(total.stops).toBeGreaterThan(0);
    expect(total.refused).toBeGreaterThan(0);
    expect(total.answered).toBeGreaterThan(0);
  },
);

test(
  "every cell has the bytes that a run over the log writes, with any retention and " + "file order",
  { timeout: 300_000 },
  async () => {
    let cells = 0;
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const scenario = ownBytes(generateScenario(seed));
      const { run, online, onlineData, offline, backfill } = await worldOf(
        scenario,
        new Random(seed),
      );
      const lineOf = new Map(scenario.truth.map((change, line) => [order(change), line]));
      const batches: number[][] = [];
      for (const source of scenario.sources) {
        const context = historyContext(offline, source);
        const log = await offline.state(context.tables.changes.name);
        const after = {
          positions: await online.positions(source.name),
          metadata: await online.metadata(source.name),
        };
        const changes =
          log === null
            ? null
            : await changeLogReader(context, log, after, { limits: backfill.limits });
        if (changes === null) continue;
        const reached = new Map(
          after.positions.map(({ partition, offset }) => [partition, offset]),
        );
        let count = 0;
        for await (const batch of changes.batches()) {
          for (const change of batch.changes) {
            const partition = `${change.topic}:${change.partition}`;
            expect(change.offset, `seed ${seed}: the order of ${partition}`).toBeGreaterThan(
              reached.get(partition) ?? -1,
            );
            reached.set(partition, change.offset);
          }
          count += batch.changes.length;
          batches.push(batch.changes.map((change) => lineOf.get(order(change))!));
        }
        expect(count).toBe(changes.changes);
        expect([...reached].sort()).toEqual(
          log!.positions.map(({ partition, offset }) => [partition, offset]).sort(),
        );
      }
      const otherData = copyOf(onlineData);
      const other = memoryOnlineStore(otherData);
      await other.open({ namespace: "test" });
      await run(batches, { online: other });
      await backfillOnline(scenario.sources, backfill);
      // sources without a history are ready after a run
      await run([], { online });
      const found = cellsOf(onlineData);
      expect(found, `seed ${seed}`).toEqual(cellsOf(otherData));
      cells += found.length;
    }
    console.log(`backfill: ${cells} cells and positions alike`);
    expect(cells).toBeGreaterThan(seeds * 20);
  },
);
