/**
 * Property tests of the registry.
 * Fingerprints are equal exactly where definitions are, and a plan says how a store then serves.
 */
import { isTidemarkError, openStore, type StoreOptions } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  oracleOf,
  Random,
  scenarioDefinitions,
  scenarioSource,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { onlineReader } from "../../src/online/online-reader.ts";
import { sameAnswer } from "@tidemark/testkit/oracle/oracle";
import { sameInReference, referenceOf } from "./reference-definitions.ts";
import { mutated, mutations, reordered, type Definitions } from "./mutations.ts";

/** So many seeds make a difference of every kind. A run of fewer goes on until it has them. */
const ENOUGH_SEEDS = 60;
const { first: firstSeed, runs: seeds } = seedsFromEnvironment({
  runs: ENOUGH_SEEDS,
  least: ENOUGH_SEEDS,
});

const keyJson = (keys: unknown): string =>
  JSON.stringify(keys, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
const fingerprints = (definitions: Definitions): ReadonlyMap<string, string> =>
  new Map(
    [...definedObjects(collectDefinitions(scenarioDefinitions(definitions)))].map(
      ([key, { fingerprint }]) => [key, fingerprint],
    ),
  );

test("two definitions have one fingerprint exactly if the reference finds them equal", () => {
  const found = { equal: 0, different: 0 };
  const different = new Set<string>();
  /** The kinds of mutations that made no difference yet. */
  const missing = (): readonly string[] =>
    mutations.filter(
      (what) => what !== "nothing" && ![...different].some((one) => one.startsWith(`${what} of`)),
    );
  for (let n = 0; n < seeds || (n < ENOUGH_SEEDS && missing().length > 0); n++) {
    const seed = firstSeed + n;
    const random = new Random(seed);
    const scenario = generateScenario(seed);
    for (const what of mutations) {
      const other = reordered(mutated(scenario, what, random), random);
      const [a, b] = [fingerprints(scenario), fingerprints(other)];
      const [twinA, twinB] = [referenceOf(scenario), referenceOf(other)];
      expect([[...a.keys()], [...b.keys()]], `seed ${seed}, ${what}`).toEqual([
        [...twinA.keys()].toSorted(),
        [...twinB.keys()].toSorted(),
      ]);
      for (const key of new Set([...a.keys(), ...b.keys()])) {
        const equal = sameInReference(twinA, twinB, key);
        expect(
          a.get(key) === b.get(key),
          `seed ${seed}, ${what}, ${key}: ` +
            `${equal ? "the twin finds them equal" : "the twin finds a difference"}`,
        ).toBe(equal);
        found[equal ? "equal" : "different"]++;
        if (!equal) different.add(`${what} of ${key.split(" ")[0]!}`);
      }
    }
  }
  console.log(`registry: ${JSON.stringify(found)}, ${different.size} kinds of difference`);
  expect(found.equal).toBeGreaterThan(seeds * 100);
  expect(found.different).toBeGreaterThan(seeds * 5);
  expect(missing()).toEqual([]);
  expect([...different].some((one) => one.startsWith("nothing"))).toBe(false);
});

/**
 * Fewer definitions than the scenario has: fewer views and features, shorter windows.
 * A store opened with them may or may not hold enough for the whole.
 */
function reduced(scenario: Scenario, random: Random): Definitions {
  const views = scenario.views
    .filter(() => random.chance(0.75))
    .map((view) => {
      const kept = view.features.filter(() => random.chance(0.6));
      const shorter = random.chance(0.5);
      const features = (kept.length === 0 ? [view.features[0]!] : kept).map((feature) =>
        typeof feature.window === "number" && shorter && random.chance(0.5)
          ? {
              ...feature,
              window: Math.max(1_000_000, Math.floor(feature.window / 4_000_000) * 1_000_000),
            }
          : feature,
      );
      return { ...view, features };
    });
  return {
    sources: scenario.sources,
    entities: scenario.entities,
    views,
    selected: views.flatMap((view) =>
      view.features.map((feature) => ({ view, feature, as: feature.name })),
    ),
  };
}

test(
  "a feature planned as served is right, and one planned as backfill is NEEDS_BACKFILL",
  { timeout: 600_000 },
  async () => {
    const total = { now: 0, backfill: 0, empty: 0, rebuild: 0, unknown: 0, answers: 0, changed: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const random = new Random(seed);
      const scenario = generateScenario(seed);
      const before = reduced(scenario, random);
      const commits = scenario.truth.flatMap(({ committed }) =>
        committed === null ? [] : [committed],
      );
      const last = Math.max(0, ...commits);
      const now = Math.ceil(last / 1000) * 1000;
      const retain = random.chance(0.5)
        ? "forever"
        : (`${random.pick([1, 3600, 86_400])}s` as "1s");
      const keeping = { retention: retain, logRetention: "forever" } as const;
      const options: Omit<StoreOptions, "definitions" | "online"> = {
        offline: memoryOfflineStore(),
        namespace: "test",
        clock: () => new Date(now / 1000),
        onDefinitionMismatch: "ignore",
      };
      const online = memoryOnlineStore();
      const old = await openStore({
        ...options,
        online: { store: online, ...keeping },
        definitions:
          before.selected.length === 0
            ? Object.fromEntries(
                Object.entries(scenarioDefinitions(before)).filter(([name]) => name !== "all"),
              )
            : scenarioDefinitions(before),
      });
      await old.apply();
      await old.run(scenarioSource(scenario), { mismatch: 1 });

      const oracle = oracleOf(scenario);
      const horizon = retain === "forever" ? -Infinity : now - Number.parseInt(retain, 10) * 1e6;
      const requests = [
        ...scenario.requests.filter(({ time }) => time >= horizon),
        ...scenario.requests.map(({ keys }) => ({
          keys,
          time: now + random.pick([0, 1, 1_000_000]),
        })),
      ];
      const ask = async (
        store: typeof online,
        wanted: ReadonlyMap<string, string>,
      ): Promise<void> => {
        for (const one of scenario.selected) {
          const feature = `${one.view.name}.${one.feature.name}`;
          const serving = wanted.get(feature)!;
          const reader = onlineReader({
            store,
            namespace: "test",
            views: scenario.views,
            // a plan speaks of what is stored, also of a source that no run was level with
            rules: { serveWhileFilling: true, isPushLevel: () => true },
            onOverflow: () => undefined,
          });
          for (const { keys, time } of serving === "now" ? requests : requests.slice(0, 1)) {
            const answer = reader.read({ selection: [one], keys: [keys], t: time });
            if (serving === "backfill") {
              expect(
                await answer.then(
                  () => "answered",
                  (error: unknown) => isTidemarkError(error, "NEEDS_BACKFILL"),
                ),
                `seed ${seed}, ${feature}`,
              ).toBe(true);
              continue;
            }
            const [found] = await answer;
            const [expected] = oracle.answer([one], { keys, time }, "corrected");
            const event = found!.times[0]!;
            const shown = {
              value: found!.values[0]!,
              status: found!.statuses[0]!,
              eventTime: Number.isNaN(event) ? null : event,
            };
            // The view's longest window decides whether an entity is known (law 7: status of a
            // window feature). A store that does not hold that window yet may answer NOT_FOUND too
            // early, with the same value.
            const early =
              shown.status === "NOT_FOUND" &&
              scenario.selected.some(
                ({ view, feature: { name } }) =>
                  view.name === one.view.name && wanted.get(`${view.name}.${name}`) === "backfill",
              );
            if (early && sameAnswer(shown, { ...expected!, status: "NOT_FOUND", eventTime: null }))
              continue;
            expect(
              sameAnswer(shown, expected!),
              `seed ${seed}, ${feature} of ${keyJson(keys)} at ${time}: ` +
                `${String(shown.value)} ${shown.status}, ` +
                `not ${String(expected!.value)} ${expected!.status}`,
            ).toBe(true);
            total.answers++;
          }
          total[serving as "now"]++;
        }
      };
      const store = await openStore({
        ...options,
        online: { store: online, ...keeping },
        definitions: scenarioDefinitions(scenario),
      });
      const plan = await store.plan();
      expect(await store.plan(), "a plan changes nothing").toEqual(plan);
      const unserved = new Map([
        ...plan.changes.flatMap(({ kind, name, serving }) =>
          kind === "feature" && serving !== null ? [[name, serving.kind] as const] : [],
        ),
        ...plan.waiting.map(({ feature, serving }) => [feature, serving.kind] as const),
      ]);
      total.changed += plan.changes.length;
      const features = scenario.selected.map(({ view, feature }) => `${view.name}.${feature.name}`);
      await ask(online, new Map(features.map((name) => [name, unserved.get(name) ?? "now"])));

      // After a backfill from the history, all features are served.
      const filled = memoryOnlineStore();
      const whole = await openStore({
        ...options,
        online: { store: filled, ...keeping },
        definitions: scenarioDefinitions(scenario),
      });
      await whole.backfill();
      const after = await whole.plan();
      expect(
        [
          ...after.changes.flatMap(({ serving }) => (serving === null ? [] : [serving.kind])),
          ...after.waiting.map(({ serving }) => serving.kind),
        ].filter((is) => is !== "now" && is !== "empty"),
        `seed ${seed}`,
      ).toEqual([]);
      await ask(
        filled,
        new Map(
          features.map((name) => [
            name,
            after.changes.find((change) => change.kind === "feature" && change.name === name)
              ?.serving?.kind ?? "now",
          ]),
        ),
      );
      await whole.apply({ allowDestructive: true });
      expect((await whole.plan()).changes).toEqual([]);
    }
    console.log(`registry: ${seeds} seeds, ${JSON.stringify(total)}`);
    for (const what of ["now", "backfill", "answers", "changed"] as const)
      expect(total[what], what).toBeGreaterThan(seeds);
  },
);
