/**
 * Law 11: while a backfill brings a store from one definition to another, with writes and kills in
 * between, every answer is the oracle's or a named refusal. At the end the store answers as one
 * that was filled under the new definition from the beginning.
 */
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { generateScenario, type Scenario } from "@tidemark/testkit/generate/scenario";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { createOracle } from "@tidemark/testkit/oracle/oracle";
import { sameAnswer } from "@tidemark/testkit/oracle/oracle";
import type {
  Change,
  OfflineStore,
  OnlineStore,
  ResultColumns,
  SelectedBaseFeature,
  ViewSpec,
} from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { isTidemarkError } from "../../src/errors.ts";
import { runChanges } from "../../src/ingest/runner.ts";
import { backfillBuild } from "../../src/online/build-backfill.ts";
import { backfillOnline } from "../../src/online/backfill.ts";
import { onlineMaintenance } from "../../src/online/maintenance.ts";
import { onlineReader } from "../../src/online/online-reader.ts";
import { generationRun } from "../../src/resnapshot/generation-run.ts";
import { valuesLogger } from "../../src/row-formats/values-format.ts";

/** The progress of a build that nobody looks at. */
const SILENT = { onWritten: () => undefined, onWaiting: () => undefined };

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 60, least: 20 });
const forever = { retain: Infinity, logRetention: Infinity };
const namespace = "test";

/** Definitions of a scenario: its views with other features, and other columns. */
interface Definitions {
  readonly views: readonly ViewSpec[];
  readonly selected: readonly SelectedBaseFeature[];
}

/** The scenario's definitions with fewer features, and event sources without unread columns. */
function narrowed(scenario: Scenario, random: Random): Definitions {
  const views = scenario.views.flatMap((view): ViewSpec[] => {
    const features = view.features.filter(() => random.chance(0.6));
    return features.length === 0 ? [] : [{ ...view, features }];
  });
  const selected = views.flatMap((view) =>
    view.features.map((feature) => ({ view, feature, as: `${view.name}__${feature.name}` })),
  );
  return { views, selected };
}

interface World {
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
}

/** Runs the first messages of the log into both stores, under the definitions. */
async function run(
  scenario: Scenario,
  { views }: Definitions,
  stores: World,
  upTo: number,
  random: Random,
): Promise<void> {
  const options = {
    ...stores,
    namespace,
    views,
    clock: () => 0,
    retention: forever,
    history: { commit: { rows: random.pick([1, 5, 40]) }, buckets: 2 },
  };
  const loggers = new Map(scenario.sources.map((one) => [one.name, valuesLogger(one)]));
  const logged = (change: Change): Change =>
    change.kind === "truncate" || change.kind === "none"
      ? change
      : { ...change, logged: loggers.get(change.source)!(change) };
  const size = random.between(3, 15);
  const from = {
    name: "scenario",
    bounded: true,
    async *changes({ after }: { after: readonly { partition: string; offset: number }[] }) {
      const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
      for (let at = 0; at < upTo; at += size) {
        const batch = scenario.truth.slice(at, Math.min(upTo, at + size)).filter((change) => {
          const partition = `${change.topic}:${change.partition}`;
          return change.offset > (reached.get(partition) ?? -1);
        });
        const positions = new Map(
          batch.map((change) => [`${change.topic}:${change.partition}`, change.offset]),
        );
        yield {
          changes: batch.map(logged),
          positions: [...positions].map(([partition, offset]) => ({ partition, offset })),
        };
      }
    },
  };
  const generations = await generationRun(from, scenario.sources, options, undefined);
  await runChanges(generations.changes, scenario.sources, generations.stores, {
    mismatch: "ignore",
  } as never);
}

/** Makes each call fail with this chance, and pauses before some. */
function failing(store: OnlineStore, random: Random, chance: number): OnlineStore {
  const called = async <T>(call: () => Promise<T>): Promise<T> => {
    if (random.chance(0.3))
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    if (random.chance(chance)) throw new Error("killed");
    const result = await call();
    if (random.chance(chance)) throw new Error("killed");
    return result;
  };
  return {
    ...store,
    read: (keys) => called(() => store.read(keys)),
    write: (step) => called(() => store.write(step)),
    positions: (source) => called(() => store.positions(source)),
    metadata: (source) => called(() => store.metadata(source)),
    deleteCells: (options) => called(() => store.deleteCells(options)),
  };
}

async function backfill(
  scenario: Scenario,
  { views }: Definitions,
  { online, offline }: World,
  random: Random,
  isBesideRun: boolean,
): Promise<readonly (string | null)[]> {
  const settings = { online, offline, namespace, views, clock: () => 0, retention: forever };
  const maintenance = onlineMaintenance({ ...settings, store: online, sources: scenario.sources });
  const limits = {
    rangeRows: random.pick([7, 1000]),
    rangeBytes: 1e9,
    batchRows: random.pick([1, 5, 1000]),
  };
  if (isBesideRun) {
    const reasons: (string | null)[] = [];
    for (const source of scenario.sources)
      reasons.push(
        (await backfillBuild(source, { ...settings, maintenance, limits }, SILENT))?.reason ?? null,
      );
    return reasons;
  }
  const { sources } = await backfillOnline(scenario.sources, { ...settings, maintenance, limits });
  return sources.map(({ reason }) => reason);
}

test(
  "a store that goes from one definition to another answers as the oracle at every moment",
  { timeout: 300_000 },
  async () => {
    const total = { answers: 0, refused: 0, kills: 0, builds: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const scenario = generateScenario(seed, { traits: { clockGoesBack: false } });
      const random = new Random(seed);
      const whole: Definitions = { views: scenario.views, selected: scenario.selected };
      const [older, newer] = random.chance(0.8)
        ? [narrowed(scenario, random), whole]
        : [narrowed(scenario, random), narrowed(scenario, random)];
      const data = memoryOnlineData();
      const offline = memoryOfflineStore();
      const opened = async (): Promise<OnlineStore> => {
        const store = memoryOnlineStore(data);
        await store.open({ namespace });
        return store;
      };
      const lines = scenario.truth.length;
      let fed = random.between(1, lines);
      await run(scenario, older, { online: await opened(), offline }, fed, random);

      const check = async ({ views, selected }: Definitions, mayRefuse: boolean): Promise<void> => {
        const reader = onlineReader({
          store: await opened(),
          namespace,
          views,
          onOverflow: () => undefined,
        });
        const oracle = createOracle({
          sources: scenario.sources,
          changes: scenario.truth.slice(0, fed),
          fault: null,
          completed: [],
        });
        for (const request of scenario.requests.slice(0, 5)) {
          for (const one of selected) {
            const question = { selection: [one], keys: [request.keys], t: request.time };
            const answer = await reader.read(question).catch((error: unknown) => error);
            if (mayRefuse && isTidemarkError(answer, "NEEDS_BACKFILL")) {
              total.refused++;
              continue;
            }
            if (answer instanceof Error) throw answer;
            const { values, statuses, times } = (answer as readonly ResultColumns[])[0]!;
            const [expected] = oracle.answer([one], request, "corrected");
            const found = {
              value: values[0]!,
              status: statuses[0]!,
              eventTime: Number.isNaN(times[0]!) ? null : times[0]!,
            };
            expect(
              sameAnswer(found, expected!),
              `seed ${seed}, ${one.as}: ${String(found.value)} for ${String(expected!.value)}`,
            ).toBe(true);
            total.answers++;
          }
        }
      };
      await check(older, false);
      await check(newer, true);
      for (let done = false; !done;) {
        const chance = random.pick([0, 0.01, 0.05]);
        const next = random.chance(0.5) ? fed : random.between(fed, lines);
        const fill = async (): Promise<boolean> => {
          const store = failing(await opened(), random, chance);
          return backfill(scenario, newer, { online: store, offline }, random, next > fed).then(
            (reasons) => {
              total.builds += reasons.filter((reason) => reason !== null).length;
              return true;
            },
            (error: unknown) => {
              if ((error as Error).message !== "killed") throw error;
              total.kills++;
              return false;
            },
          );
        };
        const writing =
          next === fed
            ? Promise.resolve()
            : run(
                scenario,
                random.chance(0.5) ? older : newer,
                { online: failing(await opened(), random, 0), offline },
                next,
                random,
              );
        const backfills = random.chance(0.3) ? Promise.all([fill(), fill()]) : fill();
        const [, ended] = await Promise.all([writing, backfills]);
        fed = next;
        done = Array.isArray(ended) ? ended.includes(true) : ended;
        await check(older, true);
        await check(newer, !done);
      }
      await run(scenario, older, { online: await opened(), offline }, lines, random);
      fed = lines;
      await check(newer, false);
      await check(older, true);
    }
    console.log(`builds: ${seeds} seeds, ${JSON.stringify(total)}`);
    expect(total.refused).toBeGreaterThan(seeds);
    expect(total.answers).toBeGreaterThan(seeds * 20);
    expect(total.kills).toBeGreaterThan(seeds / 4);
    expect(total.builds).toBeGreaterThan(seeds / 4);
  },
);
