/**
 * Tests that no store depends on another's progress: one store fails or is slow, the other goes on,
 * and both reach the end of the log.
 */
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import {
  type Change,
  type ChangeBatch,
  type ChangeSource,
  type Position,
  valueAt,
} from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import {
  compareAnswers,
  differenceText,
  generateScenario,
  otherDelivery,
  Random,
  scenarioSource,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { storeWriters } from "../../src/resnapshot/store-writers.ts";
import { runChanges, type RunSettings } from "../../src/ingest/runner.ts";
import type { StoreRole } from "../../src/ingest/source-writer.ts";
import type { StoreBackpressure } from "../../src/ingest/backpressure.ts";
import {
  faultyOffline,
  faultyOnline,
  eventLoopTurn,
  sleepInTurns,
  type Fault,
} from "../support/faulty-stores.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 40 });

const forever = { retain: Infinity, logRetention: Infinity };

interface MemoryData {
  readonly online: ReturnType<typeof memoryOnlineData>;
  readonly offline: ReturnType<typeof memoryOfflineData>;
}

/** The history commits after this number of rows, or this many µs after the first of them. */
interface CommitSettings {
  readonly rows?: number;
  readonly age?: number;
}

/** The log is not cut off after its first changes, so a store can fall behind. */
const longLog = (seed: number): Scenario => generateScenario(seed, { traits: { tailCut: false } });

/** Runs over the stored data, as after a restart. */
async function run(
  scenario: Scenario,
  data: MemoryData,
  from: ChangeSource,
  faults: { readonly [role in StoreRole]?: () => Fault },
  settings: RunSettings & CommitSettings = {},
): Promise<void> {
  const opened = memoryOnlineStore(data.online);
  await opened.open({ namespace: "test" });
  const stores = storeWriters(scenario.sources, {
    online: faultyOnline(opened, faults.online ?? (() => "none")),
    offline: faultyOffline(memoryOfflineStore(data.offline), faults.history ?? (() => "none")),
    namespace: "test",
    views: scenario.views,
    clock: settings.clock ?? (() => 0),
    retention: forever,
    history: { commit: { rows: settings.rows ?? 7, age: settings.age ?? 60e6 } },
    shared: from.shared,
  });
  await runChanges(from, scenario.sources, stores, {
    sleep: sleepInTurns,
    mismatch: 1,
    ...settings,
  });
}

/** Alternates between working and failing for some calls each, by the seed. */
function randomFaults(random: Random): () => Fault {
  let left = random.between(0, 10);
  let faulty = false;
  return () => {
    if (left-- <= 0) {
      faulty = !faulty;
      left = random.between(0, faulty ? 12 : 30);
    }
    if (!faulty) return "none";
    return random.pick<Fault>(["before", "before", "after", random.between(1, 40), "none"]);
  };
}

/** Yields to the event loop between batches, as a log that is read over a network. */
function paced(source: ChangeSource, random: Random): ChangeSource {
  return {
    ...source,
    async *changes(options) {
      for await (const batch of source.changes(options)) {
        for (let i = random.int(4); i > 0; i--) await eventLoopTurn();
        yield batch;
      }
    },
  };
}

async function offsets(
  scenario: Scenario,
  { online, offline }: MemoryData,
): Promise<{ readonly online: string[]; readonly history: string[] }> {
  const store = memoryOnlineStore(online);
  await store.open({ namespace: "test" });
  const text = (source: string, positions: readonly Position[]): string[] =>
    positions.map(({ partition, offset }) => `${source} ${partition} ${offset}`);
  const found = { online: [] as string[], history: [] as string[] };
  for (const { name } of scenario.sources) {
    found.online.push(...text(name, await store.positions(name)));
    found.history.push(
      ...text(name, (await memoryOfflineStore(offline).state(`${name}/changes`))?.positions ?? []),
    );
  }
  return { online: found.online.toSorted(), history: found.history.toSorted() };
}

/**
 * Checks the oracle's answers on every path, the positions of both stores, and each change once in
 * the history.
 */
async function expectOracle(scenario: Scenario, data: MemoryData): Promise<void> {
  const online = memoryOnlineStore(data.online);
  await online.open({ namespace: "test" });
  const offline = memoryOfflineStore(data.offline);
  expect((await compareAnswers(scenario, { online, offline }, {})).map(differenceText)).toEqual([]);
  const ends = new Map(
    scenario.truth.map((change) => [`${change.source} ${change.topic}:${change.partition}`, 0]),
  );
  for (const { source, topic, partition, offset } of scenario.truth)
    ends.set(
      `${source} ${topic}:${partition}`,
      Math.max(offset, ends.get(`${source} ${topic}:${partition}`)!),
    );
  const all = [...ends].map(([name, offset]) => `${name} ${offset}`).toSorted();
  expect(await offsets(scenario, data)).toEqual({ online: all, history: all });
  for (const { name } of scenario.sources) {
    const orders: string[] = [];
    if ((await offline.state(`${name}/changes`)) !== null)
      for await (const batch of offline.scan(`${name}/changes`, {
        columns: ["_topic", "_partition", "_offset"],
      })) {
        for (let row = 0; row < batch.length; row++)
          orders.push(batch.vectors.map((vector) => String(valueAt(vector, row))).join(":"));
      }
    expect(orders.toSorted()).toEqual(
      scenario.truth
        .filter(({ source }) => source === name)
        .map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`)
        .toSorted(),
    );
  }
}

describe("stores that stall and fail at random", () => {
  test(
    "end with the oracle's answers, after kills and restarts at random points",
    { timeout: 600_000 },
    async () => {
      const told = { failed: 0, independent: 0, level: 0, killed: 0 };
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const random = new Random(seed);
        const scenario = generateScenario(seed);
        const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
        const source = paced(
          scenarioSource(
            scenario,
            otherDelivery(scenario, random).flatMap((lines) =>
              random.chance(0.7) ? lines.map((line) => [line]) : [lines],
            ),
          ),
          random,
        );
        const shared = random.chance(0.3);
        for (let killed = true; killed;) {
          killed = random.chance(0.6);
          const kill = new AbortController();
          let now = 0;
          const settings: RunSettings & CommitSettings = {
            clock: () => (now += 1_000),
            age: random.pick([2e3, 50e3, 60e6]),
            queueLimit: { changes: random.between(1, 50), bytes: Infinity },
            maxBlockTime: random.pick([50, 500, 5_000]),
            rows: random.between(1, 30),
            maxStallTime: Infinity,
            signal: kill.signal,
            onBackpressure({ independent, caughtUp }) {
              if (caughtUp) told.level++;
              else if (independent) told.independent++;
              else told.failed++;
            },
          };
          const calm = random.pick(["online", "history", "neither", "neither"] as const);
          const ended = run(
            scenario,
            data,
            { ...source, shared },
            {
              ...(calm === "online" ? {} : { online: randomFaults(random.fork()) }),
              ...(calm === "history" ? {} : { history: randomFaults(random.fork()) }),
            },
            settings,
          );
          if (killed) {
            const after = random.between(1, random.pick([20, 100, 1000]));
            const reason = new Error("killed");
            void (async () => {
              for (let i = 0; i < after; i++) await eventLoopTurn();
              kill.abort(reason);
            })();
            const error = await ended.then(
              () => null,
              (thrown: unknown) => thrown,
            );
            if (error !== null) expect(error, `seed ${seed}`).toBe(reason);
            killed = error !== null;
            if (killed) told.killed++;
          } else {
            await ended;
          }
        }
        await expectOracle(scenario, data).catch((error: unknown) => {
          throw new Error(`seed ${seed}`, { cause: error });
        });
      }
      console.log(`stalls: ${JSON.stringify(told)}`);
      for (const [what, count] of Object.entries(told)) expect(count, what).toBeGreaterThan(0);
    },
  );
});

/** A log that goes on. Its readers wait at the end of the published changes. */
function live(scenario: Scenario): {
  readonly source: ChangeSource;
  publish(upTo: number): void;
  readonly readers: { besides: number };
} {
  let end = 0;
  const readers = { besides: 0 };
  return {
    readers,
    publish(upTo) {
      end = upTo;
    },
    source: {
      name: "live log",
      async *changes({ after, signal, independent }): AsyncIterable<ChangeBatch> {
        if (independent === true) readers.besides++;
        const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
        for (let line = 0; ; line++) {
          while (line >= end) {
            signal?.throwIfAborted();
            await eventLoopTurn();
          }
          const change = scenario.truth[line]!;
          const partition = `${change.topic}:${change.partition}`;
          if (change.offset <= (reached.get(partition) ?? -1)) continue;
          reached.set(partition, change.offset);
          yield { changes: [change], positions: [{ partition, offset: change.offset }] };
        }
      },
    },
  };
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  // a history that never answers is asked for two seconds of each source at the start
  const deadline = performance.now() + 20_000;
  for (let i = 0; i < 100_000 || performance.now() < deadline; i++) {
    if (await what()) return;
    await eventLoopTurn();
  }
  throw new Error(`waited in vain for ${String(what)}`);
}

/** Returns the position of each store in the oracle's lines. */
function atLine(scenario: Scenario, lines: number): string[] {
  const ends = new Map<string, number>();
  for (const { source, topic, partition, offset } of scenario.truth.slice(0, lines)) {
    const name = `${source} ${topic}:${partition}`;
    ends.set(name, Math.max(offset, ends.get(name) ?? -1));
  }
  return [...ends].map(([name, offset]) => `${name} ${offset}`).toSorted();
}

describe("while one store fails, for any time", () => {
  for (const down of ["history", "online"] as const) {
    const up = down === "history" ? "online" : "history";
    test(
      `the ${up === "online" ? "online store" : "history"} reaches the end of the log; the other ` +
        "catches up with an independent reader",
      async () => {
        const scenario = longLog(firstSeed);
        const all = scenario.truth.length;
        const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
        const log = live(scenario);
        const stop = new AbortController();
        const backpressure: StoreBackpressure[] = [];
        const asked = new Set<() => readonly StoreBackpressure[]>();
        let working = true;
        const ended = run(
          scenario,
          data,
          log.source,
          { [down]: (): Fault => (working ? "none" : "before") },
          {
            signal: stop.signal,
            queueLimit: { changes: 5, bytes: Infinity },
            rows: 1,
            onBackpressure: (stall) => {
              backpressure.push(stall);
            },
            backpressure: asked,
          },
        ).catch((error: unknown) => error);
        const stands = async (which: "online" | "history", lines: number): Promise<boolean> =>
          (await offsets(scenario, data))[which].join() === atLine(scenario, lines).join();

        // The first commit of a source in a run needs both stores.
        const begun = scenario.sources.map(({ name }) =>
          scenario.truth.findIndex(({ source }) => source === name),
        );
        const first = Math.max(Math.floor(all / 3), ...begun.map((line) => line + 1));
        log.publish(first);
        await until(
          async () => (await stands("online", first)) && (await stands("history", first)),
        );
        expect(backpressure).toEqual([]);

        working = false;
        log.publish(all - 5);
        await until(() => stands(up, all - 5));
        expect((await offsets(scenario, data))[down]).toEqual(atLine(scenario, first));
        expect([...asked].flatMap((one) => one())).toMatchObject([
          { role: down, independent: true, caughtUp: false, error: { code: "STORE_UNAVAILABLE" } },
        ]);
        const [{ attempts }] = [...asked].flatMap((one) => one()) as [StoreBackpressure];
        await until(() => [...asked].flatMap((one) => one())[0]!.attempts > attempts);
        expect(
          backpressure.map(({ independent, caughtUp }) =>
            caughtUp ? "level" : independent ? "independent" : "failed",
          ),
        ).toEqual(["failed", "independent"]);

        working = true;
        await until(() => stands(down, all - 5));
        await until(() => backpressure.some(({ caughtUp }) => caughtUp));
        expect([...asked].flatMap((one) => one())).toEqual([]);
        expect(log.readers.besides).toBe(1);

        log.publish(all);
        await until(async () => (await stands("online", all)) && (await stands("history", all)));
        expect(log.readers.besides).toBe(1);
        stop.abort(new Error("enough"));
        expect(await ended).toMatchObject({ message: "enough" });
        await run(scenario, data, scenarioSource(scenario), {});
        await expectOracle(scenario, data);
      },
    );
  }

  test(
    "a store that never answers is left behind too, after " + "its room and the block time",
    async () => {
      const scenario = longLog(firstSeed);
      const all = scenario.truth.length;
      const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
      const log = live(scenario);
      const backpressure: StoreBackpressure[] = [];
      const stop = new AbortController();
      const settings = {
        signal: stop.signal,
        queueLimit: { changes: 5, bytes: Infinity },
        rows: 1,
        mismatch: "ignore" as const,
        onBackpressure: (stall: StoreBackpressure) => {
          backpressure.push(stall);
        },
      };
      const ended = run(scenario, data, log.source, { history: () => 1e9 }, settings).catch(
        (error: unknown) => error,
      );
      log.publish(all);
      await until(
        async () => (await offsets(scenario, data)).online.join() === atLine(scenario, all).join(),
      );
      expect(backpressure).toMatchObject([
        { role: "history", independent: true, error: null, attempts: 0 },
      ]);
      // the run does not wait for the call that never ends
      stop.abort(new Error("enough"));
      expect(await ended).toMatchObject({ message: "enough" });
    },
  );

  test("a run that starts without the history starts with the online store", async () => {
    const scenario = longLog(firstSeed);
    const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
    let working = false;
    const backpressure: StoreBackpressure[] = [];
    const source = scenarioSource(
      scenario,
      scenario.truth.map((_, i) => [i]),
    );
    const ended = run(
      scenario,
      data,
      source,
      { history: () => (working ? "none" : "before") },
      {
        onBackpressure: (stall) => {
          backpressure.push(stall);
        },
      },
    );
    await until(
      async () =>
        (await offsets(scenario, data)).online.join() ===
        atLine(scenario, scenario.truth.length).join(),
    );
    working = true;
    await ended;
    expect(backpressure.at(-1)).toMatchObject({ role: "history", caughtUp: true });
    await expectOracle(scenario, data);
  });
});

describe("a log that goes quiet", () => {
  test(
    "gathered changes are committed at their age, also after " + "failures, and acknowledged",
    async () => {
      for (let seed = firstSeed; seed < firstSeed + 10; seed++) {
        const random = new Random(seed);
        const scenario = longLog(seed);
        const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
        const log = live(scenario);
        const acknowledged = new Map<string, number>();
        const stop = new AbortController();
        let now = 0;
        let quiet = false;
        const faults: Fault[] = random.pick<Fault[]>([
          [],
          ["before", "before"],
          ["after"],
          ["before", "after", 5, "after"],
        ]);
        const settings: RunSettings & CommitSettings = {
          signal: stop.signal,
          rows: Infinity,
          age: 60e6,
          clock: () => now,
          // the time goes on while the run waits
          async sleep(ms, signal) {
            await sleepInTurns(ms, signal);
            if (!signal.aborted) now += ms * 1000;
          },
        };
        const source: ChangeSource = {
          ...log.source,
          ack: async (positions) => {
            for (const { partition, offset } of positions) acknowledged.set(partition, offset);
          },
        };
        const all = atLine(scenario, scenario.truth.length);
        const ended = run(
          scenario,
          data,
          source,
          { history: () => (quiet ? (faults.shift() ?? "none") : "none") },
          settings,
        ).catch((error: unknown) => error);
        log.publish(scenario.truth.length);
        await until(async () => (await offsets(scenario, data)).online.join() === all.join());
        quiet = true;
        expect((await offsets(scenario, data)).history).toEqual([]);
        expect(now).toBeLessThan(60e6);
        await until(
          async () =>
            (await offsets(scenario, data)).history.join() === all.join() &&
            acknowledged.size === all.length,
        );
        expect(now).toBeGreaterThanOrEqual(60e6);
        expect(
          [...acknowledged].map(([partition, offset]) => `${partition} ${offset}`).toSorted(),
        ).toEqual(all.map((text) => text.slice(text.indexOf(" ") + 1)).toSorted());
        stop.abort(new Error("enough"));
        expect(await ended).toMatchObject({ message: "enough" });
        // a run that reads to the end of the log makes the sources ready
        await run(scenario, data, scenarioSource(scenario), {});
        await expectOracle(scenario, data);
      }
    },
  );
});

describe("a run whose source has ended", () => {
  test(
    "waits for a failing store up to its stall time; then it is STORE_STALLED, " + "without loss",
    async () => {
      const scenario = longLog(firstSeed);
      const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
      const source = scenarioSource(
        scenario,
        scenario.truth.map((_, i) => [i]),
      );
      const error = await run(
        scenario,
        data,
        source,
        { history: () => "before" },
        { maxStallTime: 20_000 },
      ).catch((thrown: unknown) => thrown);
      expect(isTidemarkError(error, "STORE_STALLED")).toBe(true);
      expect(error).toMatchObject({
        message: expect.stringContaining("is away") as string,
        cause: { code: "STORE_UNAVAILABLE" },
      });
      expect((await offsets(scenario, data)).online).toEqual(
        atLine(scenario, scenario.truth.length),
      );
      await run(scenario, data, source, {});
      await expectOracle(scenario, data);
    },
  );

  test("gives up after a minute by default, no sooner", async () => {
    const scenario = longLog(firstSeed);
    const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
    const pauses: number[] = [];
    const sleep: RunSettings["sleep"] = (ms, signal) => {
      pauses.push(ms);
      return sleepInTurns(ms, signal);
    };
    const error = await run(
      scenario,
      data,
      scenarioSource(scenario),
      { online: () => "before" },
      { sleep },
    ).catch((thrown: unknown) => thrown);
    expect(isTidemarkError(error, "STORE_STALLED")).toBe(true);
    expect(pauses).toContain(60_000);
    expect(Math.max(...pauses.filter((ms) => ms < 60_000))).toBe(10_000);
  });
});

test("an error that no waiting heals ends the run at once, with its own code", async () => {
  const scenario = longLog(firstSeed);
  const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
  const log = live(scenario);
  log.publish(scenario.truth.length);
  let calls = 0;
  const fault = (): Fault => {
    if (calls++ > 5)
      throw new TidemarkError<string>("STORE_READ_ONLY", "memory: cannot be written; never");
    return "none";
  };
  await expect(
    run(scenario, data, log.source, { history: fault }, { rows: 1, mismatch: "ignore" }),
  ).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
});

test("an acknowledged position is in both stores, whichever stalls", async () => {
  for (let seed = firstSeed; seed < firstSeed + 10; seed++) {
    const random = new Random(seed);
    const scenario = generateScenario(seed);
    const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
    const acknowledged = new Map<string, number>();
    const source: ChangeSource = {
      ...paced(scenarioSource(scenario, otherDelivery(scenario, random)), random),
      async ack(positions) {
        const { online, history } = await offsets(scenario, data);
        for (const { partition, offset } of positions) {
          expect(offset).toBeGreaterThan(acknowledged.get(partition) ?? -1);
          acknowledged.set(partition, offset);
          for (const there of [online, history])
            expect(
              Number(
                there
                  .find((text) => text.includes(` ${partition} `))
                  ?.split(" ")
                  .at(-1),
              ),
            ).toBeGreaterThanOrEqual(offset);
        }
      },
    };
    await run(
      scenario,
      data,
      source,
      { online: randomFaults(random.fork()), history: randomFaults(random.fork()) },
      { queueLimit: { changes: 9, bytes: Infinity }, maxBlockTime: 500, maxStallTime: Infinity },
    );
    expect(new Set(acknowledged)).toEqual(
      new Set(
        new Map(
          atLine(scenario, scenario.truth.length)
            .map((text) => text.split(" "))
            .map(([, partition, offset]) => [partition!, Number(offset)]),
        ),
      ),
    );
  }
});

test("an unavailable store holds a bounded number of changes in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const scenario = longLog(firstSeed);
  const truth = scenario.truth.filter(({ source }) => source === scenario.truth[0]!.source);
  const data = { online: memoryOnlineData(), offline: memoryOfflineData() };
  const given: WeakRef<Change>[] = [];
  const queueLimit = { changes: Infinity, bytes: 20_000 };
  let alive = 0;
  const source: ChangeSource = {
    name: "long log",
    async *changes({ independent, signal }) {
      if (independent === true) throw new Error("it is down");
      for (let offset = 0; offset < 4_000; offset++) {
        const change: Change = {
          ...truth[0]!,
          partition: 0,
          offset,
          kind: "none",
          values: null,
          oldKey: null,
          unavailable: [],
          invalidColumns: [],
          undecodable: null,
          order: BigInt(offset),
        };
        given.push(new WeakRef(change));
        yield { changes: [change], positions: [{ partition: `${change.topic}:0`, offset }] };
      }
      // the target of a new WeakRef lives until the event loop turns
      await eventLoopTurn();
      collect();
      alive = given.filter((one) => one.deref() !== undefined).length;
      while (signal?.aborted !== true) await eventLoopTurn();
    },
  };
  const stop = new AbortController();
  const ended = run(
    scenario,
    data,
    source,
    { history: () => (given.length > 5 ? "before" : "none") },
    { queueLimit, rows: 3, signal: stop.signal, mismatch: "ignore" },
  ).catch((error: unknown) => error);
  await until(() => alive > 0);
  stop.abort(new Error("enough"));
  await ended;
  expect(given.length).toBe(4_000);
  // each has 200 bytes, so a hundred are a queue
  expect(alive).toBeLessThan(150);
});
