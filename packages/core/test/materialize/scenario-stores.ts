/** Stores over a generated scenario, to materialize its views. */
import { localEngine } from "../../src/engine/local-engine.ts";
import { materializeViews, type MaterializeLimits } from "../../src/materialize/materialize.ts";
import type { MaterializeOptions } from "../../src/materialize/types.ts";
import type { OfflineStore, OnlineStore } from "../../src/spi.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/store-types.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { formatDate } from "../../src/time/parse-time.ts";
import type { Random } from "@tidemark/testkit/generate/random";
import { scenarioDefinitions } from "@tidemark/testkit/generate/scenario-definitions";
import { generateScenario, type Scenario } from "@tidemark/testkit/generate/scenario";

const DAY = 86_400_000_000;
const NOW = 9_000_000_000_000_000;

export interface TestStores {
  readonly scenario: Scenario;
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
  readonly store: Store;
  materialize(
    options: MaterializeOptions,
    limits?: Partial<MaterializeLimits>,
  ): ReturnType<typeof materializeViews>;
}

export async function openStores(
  seed: number,
  online: OnlineStore = memoryOnlineStore(),
  offline: OfflineStore = memoryOfflineStore(),
): Promise<TestStores> {
  const scenario = generateScenario(seed, {
    traits: { derived: seed % 2 === 0 },
    everyAggregation: true,
  });
  const clock = () => new Date(NOW / 1000);
  const store = await openStore({
    definitions: scenarioDefinitions(scenario),
    online: { store: online, retention: "forever" },
    offline: { store: offline, commit: { rows: 13 }, buckets: 2 },
    clock,
  });
  const views = new Map(scenario.views.map((view) => [view.name, view]));
  const materialize = (options: MaterializeOptions, limits?: Partial<MaterializeLimits>) =>
    materializeViews(options, {
      views,
      derivedViews: new Map(),
      offline,
      online,
      namespace: "default",
      engine: localEngine(),
      clock: () => NOW,
      limits,
    });
  return { scenario, online, offline, store, materialize };
}

/** Days around the times of the scenario. */
export function daysOf(scenario: Scenario, random: Random, count: number): string[] {
  const days = [
    ...new Set(
      scenario.requests.flatMap(({ time }) =>
        [-1, 0, 1, 7].map((ahead) => Math.floor(time / DAY) + ahead),
      ),
    ),
  ].filter((day) => (day + 1) * DAY < NOW && (day + 1) * DAY > -NOW);
  return Array.from({ length: Math.min(count, days.length) }, () =>
    formatDate(days.splice(random.int(days.length), 1)[0]!),
  ).sort();
}
