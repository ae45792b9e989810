/**
 * Tests the repair of a log that lost changes (law 5: the loss is a named error). A new generation
 * begins from a new snapshot, and every path answers as the oracle.
 */
import { isTidemarkError, openStore, type Store } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import {
  oracleOf,
  Random,
  scenarioDefinitions,
  type CompletedSnapshot,
  type OracleMode,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import type { Change } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { killAfter, startChildProgram } from "../src/child-programs.ts";
import {
  SimulatedCrash,
  failingOffline,
  failingOnline,
  type WriteCount,
} from "../src/failing-stores.ts";
import {
  logWithGap,
  changesOf,
  logsWithSnapshotEnd,
  type LogContinuation,
  type LogWithGap,
} from "../src/resnapshot-scenario.ts";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";
import { storeDifferences, type AnswerPath } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 40 });
const CLOCK = 4_200_000_000_000;
const PATHS: readonly AnswerPath[] = ["online", "as corrected", "as known"];
/**
 * A small log: a process that dies at each of its writes has few writes, and the killed program has
 * the same.
 */
const SMALL = { traits: { changes: 40 } };
const CONTINUATIONS: readonly LogContinuation[] = ["retained", "recreated", "restored"];
/** A run with few seeds takes one continuation where each is slow. */
const someContinuations =
  seeds < 40 ? [CONTINUATIONS[firstSeed % CONTINUATIONS.length]!] : CONTINUATIONS;
/** The number of kills of each program. */
const mostKills = Math.min(6, Math.ceil(seeds / 6));

type Stores = Parameters<typeof keepingStores>[0];

function open({ scenario }: LogWithGap, stores: Stores): Promise<Store> {
  return openStore({
    definitions: scenarioDefinitions(scenario),
    ...keepingStores(stores, { commit: { rows: 9 }, buckets: 2 }),
    clock: () => new Date(CLOCK),
  });
}

async function expectOracle(
  store: Store,
  { scenario, continuation }: LogWithGap,
  truth: readonly Change[],
  ended: readonly CompletedSnapshot[],
): Promise<void> {
  const found: string[] = [];
  for (const asked of PATHS)
    found.push(
      ...(await storeDifferences(store, scenario, scenario.requests, asked, { truth, ended })),
    );
  expect(found.slice(0, 3).map((text) => `${continuation}: ${text}`)).toEqual([]);
}

interface ResnapshotResult {
  readonly truth: readonly Change[];
  readonly ended: readonly CompletedSnapshot[];
}

/**
 * Resnapshots the sources one after the other. A snapshot may have no row that is marked as its
 * last: of an empty table, or in unwrapped messages. Then the snapshot ends with a log that holds
 * nothing from before, or, unwrapped, at the next change.
 */
async function resnapshotAll(
  store: Store,
  log: LogWithGap,
  random: Random,
): Promise<ResnapshotResult> {
  const ended: CompletedSnapshot[] = [];
  const truth = [...log.before];
  for (const { name } of log.scenario.sources) {
    const mine = log.after.filter((change) => change.source === name);
    const snapshot = log.snapshots.get(name);
    // the retained log may hold an older snapshot, and everything since
    if (snapshot === undefined && log.continuation === "retained") continue;
    truth.push(...mine);
    const changes = changesOf(name, log.after, random);
    const refused: unknown = await store.resnapshot(name, changes, { mismatch: 1 }).then(
      ({ generation }) => generation,
      (error: unknown) => error,
    );
    if (refused === 1) ended.push(snapshot!);
    else {
      if (!isTidemarkError(refused, "SNAPSHOT_INCOMPLETE")) throw refused;
      expect(log.withSnapshotEnd).not.toContain(name);
      if (log.continuation === "retained") continue;
      const rows = mine.filter(({ snapshot, kind }) => snapshot && kind === "upsert");
      const committed =
        rows.length === 0 ? CLOCK * 1000 : Math.max(...rows.map((change) => change.committed!));
      expect(
        (await store.resnapshot(name, changes, { ending: "source", mismatch: 1 })).generation,
      ).toBe(1);
      ended.push({
        source: name,
        generation: 1,
        start: 0n,
        end: rows.reduce((end, { order }) => (order !== null && order > end ? order : end), 0n),
        committed,
      });
    }
  }
  return { truth, ended };
}

/** Yields the seeds that have a gap, with each kind of continuation. */
function* logs(from: number, count: number, aftermaths = CONTINUATIONS): Iterable<LogWithGap> {
  for (let seed = from; seed < from + count; seed++) {
    for (const aftermath of aftermaths) {
      const log = logWithGap(seed, aftermath);
      if (log !== null) yield log;
    }
  }
}

/** Counts the oracle's answers that differ between two states of knowledge. */
function changed(
  log: LogWithGap,
  mode: OracleMode,
  a: ResnapshotResult,
  b: ResnapshotResult,
  until = Infinity,
): number {
  const { scenario } = log;
  const [one, other] = [a, b].map(({ truth, ended }) =>
    oracleOf({ ...scenario, truth }, null, ended),
  );
  const wanted = scenario.requests.filter(({ time }) => time <= until);
  return wanted.filter(
    (request) =>
      text(one!.answer(scenario.selected, request, mode)) !==
      text(other!.answer(scenario.selected, request, mode)),
  ).length;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "bigint" ? `${one}n` : Object.is(one, -0) ? "-0" : one,
  );
}

test(
  "a gap, a new snapshot and its log give the oracle's bits in each continuation",
  { timeout: 900_000 },
  async () => {
    const met = { logs: 0, ended: 0, answersThatNeedTheEnd: 0 };
    for (const log of logs(firstSeed, seeds)) {
      const random = new Random(log.scenario.seed);
      const store = await open(log, { online: memoryOnlineStore(), offline: memoryOfflineStore() });
      await store.run(changesOf("before", log.before, random), { mismatch: 1 });
      await expectOracle(store, log, log.before, []);
      const crashAfterWrite = await resnapshotAll(store, log, random);
      await expectOracle(store, log, crashAfterWrite.truth, crashAfterWrite.ended);
      await store.close();
      met.logs++;
      met.ended += crashAfterWrite.ended.length;
      met.answersThatNeedTheEnd += changed(log, "corrected", crashAfterWrite, {
        ...crashAfterWrite,
        ended: [],
      });
    }
    console.log(`resnapshot: ${JSON.stringify(met)}`);
    expect(met.ended).toBeGreaterThan(seeds / 2);
    // few seeds may have no such answer
    expect(met.answersThatNeedTheEnd).toBeGreaterThan(seeds < 40 ? -1 : 0);
  },
);

test("the oracle with generations equals one of the new log, and before it of the old log", () => {
  const met = { logs: 0, requests: 0, known: 0 };
  for (const log of logs(firstSeed, Math.max(seeds, 40), ["recreated", "restored"])) {
    const { scenario } = log;
    if (
      scenario.sources.some(
        ({ name, eventTime }) => !log.snapshots.has(name) || eventTime.kind === "committed",
      )
    )
      continue;
    const ended = [...log.snapshots.values()];
    const all = { truth: [...log.before, ...log.after], ended };
    const time = Math.min(...ended.map(({ committed }) => committed));
    expect(
      changed(log, "corrected", all, {
        truth: log.after.map((change) => ({ ...change, generation: 0 })),
        ended: [],
      }),
      `seed ${scenario.seed}`,
    ).toBe(0);
    // a clock that went back may have given a change of the new log an earlier time
    if (log.after.some(({ committed, kind }) => kind !== "none" && committed! < time)) continue;
    expect(
      changed(log, "known", all, { truth: log.before, ended: [] }, time),
      `seed ${scenario.seed}`,
    ).toBe(0);
    met.logs++;
    met.requests += scenario.requests.length;
    met.known += scenario.requests.filter((request) => request.time <= time).length;
  }
  console.log(`resnapshot: ${JSON.stringify(met)}`);
  expect(met.known).toBeGreaterThan(0);
});

test(
  "an incomplete snapshot is merged with the old rows, which are still served",
  { timeout: 900_000 },
  async () => {
    let met = 0;
    const least = firstSeed + Math.ceil(seeds / 3);
    for (const log of logs(firstSeed, Infinity, ["recreated", "restored"])) {
      if (met > 0 && log.scenario.seed >= least) break;
      const { scenario } = log;
      const source = scenario.sources.find(({ name }) => log.withSnapshotEnd.has(name));
      if (source === undefined) continue;
      const mine = log.after.filter((change) => change.source === source.name);
      const last = mine.findIndex(({ snapshotMarker }) => snapshotMarker === "last");
      const random = new Random(scenario.seed);
      const some = mine.slice(0, random.between(0, last));
      const store = await open(log, { online: memoryOnlineStore(), offline: memoryOfflineStore() });
      await store.run(changesOf("before", log.before, random), { mismatch: 1 });
      const refused: unknown = await store
        .resnapshot(source.name, changesOf("some", some, random), { mismatch: 1 })
        .then(
          () => null,
          (error: unknown) => error,
        );
      // a change after the snapshot's rows, of another partition, may have been read before its
      // last row
      if (!isTidemarkError(refused, "SNAPSHOT_INCOMPLETE")) continue;
      await expectOracle(store, log, [...log.before, ...some], []);
      expect(await store.status()).toContainEqual(
        expect.objectContaining({ source: source.name, generation: 1, resnapshotting: true }),
      );
      // a run also continues it until its end: the first meets the last row, the second has read
      // everything that existed
      for (const again of [mine, mine])
        await store.run(changesOf("rest", again, random), { mismatch: 1 });
      expect(await store.status()).toContainEqual(
        expect.objectContaining({ source: source.name, generation: 1, resnapshotting: false }),
      );
      await expectOracle(store, log, [...log.before, ...mine], [log.snapshots.get(source.name)!]);
      await store.close();
      met++;
    }
  },
);

test(
  "a process that dies at any write of a resnapshot leaves a state to go on with",
  { timeout: 900_000 },
  async () => {
    const met = { logs: 0, deaths: 0 };
    // the log also holds an older snapshot, and a process may die after reading that one and before
    // the new one
    const twoSnapshots = logsWithSnapshotEnd(225_412_592, 1, "retained", SMALL);
    for (const log of [
      ...twoSnapshots,
      ...someContinuations.flatMap((aftermath, i) =>
        logsWithSnapshotEnd(firstSeed + 1000 * i, 1, aftermath, SMALL),
      ),
    ]) {
      met.logs++;
      const truth = [...log.before, ...log.after];
      const before = { online: memoryOnlineData(), offline: memoryOfflineData() };
      const store = await open(log, {
        online: memoryOnlineStore(before.online),
        offline: memoryOfflineStore(before.offline),
      });
      await store.run(changesOf("before", log.before, new Random(log.scenario.seed)), {
        mismatch: 1,
      });
      for (let crashAt = 0, died = true; died; crashAt++) {
        died = false;
        for (const crashAfterWrite of [false, true]) {
          const data = structuredClone(before);
          const attempt = async (count: WriteCount): Promise<void> => {
            const random = new Random(log.scenario.seed);
            const one = await open(log, {
              online: failingOnline(memoryOnlineStore(data.online), count),
              offline: failingOffline(memoryOfflineStore(data.offline), count),
            });
            for (const { source, generation, resnapshotting } of await one.status())
              if (generation === 0 || resnapshotting)
                await one.resnapshot(source, changesOf("after", log.after, random, 40), {
                  mismatch: 1,
                });
          };
          const death: unknown = await attempt({ writes: 0, crashAt, crashAfterWrite }).then(
            () => null,
            (error: unknown) => error,
          );
          if (death !== null) {
            if (!(death instanceof SimulatedCrash)) throw death;
            died = true;
            met.deaths++;
            await attempt({ writes: 0, crashAt: null, crashAfterWrite });
          }
          const end = await open(log, {
            online: memoryOnlineStore(data.online),
            offline: memoryOfflineStore(data.offline),
          });
          expect(
            (await end.status()).map(
              ({ generation, resnapshotting }) => `${generation} ${String(resnapshotting)}`,
            ),
          ).toEqual(log.scenario.sources.map(() => "1 false"));
          await expectOracle(end, log, truth, [...log.snapshots.values()]);
        }
      }
    }
    console.log(`resnapshot: ${JSON.stringify(met)}`);
    expect(met.deaths).toBeGreaterThan(20);
  },
);

test(
  "a process that is killed again and again during a resnapshot of files ends as one that was not",
  { timeout: 900_000 },
  async () => {
    const random = new Random(firstSeed);
    let killed = 0;
    for (const [i, aftermath] of CONTINUATIONS.entries()) {
      const [log] = logsWithSnapshotEnd(firstSeed + 1000 * i, 1, aftermath, SMALL) as [LogWithGap];
      await inFolder(async (folder) => {
        const store = await open(log, realStores(folder));
        await store.run(changesOf("before", log.before, random), { mismatch: 1 });
        await store.close();
        for (let done = false, tries = 0; !done; tries++) {
          const args = [folder, String(log.scenario.seed), aftermath];
          const child = startChildProgram("run-resnapshot.ts", args);
          await child.line();
          const ms = tries < mostKills ? random.between(1, 120) : 300_000;
          done = (await killAfter(child, ms)) === "done";
          if (!done) killed++;
        }
        const end = await open(log, realStores(folder));
        expect(
          (await end.status()).map(
            ({ generation, resnapshotting }) => `${generation} ${String(resnapshotting)}`,
          ),
        ).toEqual(log.scenario.sources.map(() => "1 false"));
        await expectOracle(end, log, [...log.before, ...log.after], [...log.snapshots.values()]);
        await end.close();
      });
    }
    console.log(`resnapshot: killed ${killed} times`);
    expect(killed).toBeGreaterThanOrEqual(mostKills);
  },
);
