/** Tests law 6: as known is what serving without lag saw. */
import { openStore } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  scenarioDefinitions,
  scenarioSource,
  scenarioWith,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 40 });

test(
  "a store fed the changes with commit < t answers at t as the history as known",
  { timeout: 600_000 },
  async () => {
    let compared = 0;
    let corrected = 0;
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      // if commit times go back, known-from is raised; a dimension that holds from before its
      // snapshot was not served then
      const scenario = scenarioWith(
        generateScenario(seed, {
          traits: { clockGoesBack: false },
          requests: 12,
          everyAggregation: true,
        }),
        ({ source, lookups = [] }) =>
          [source, ...lookups.map(({ dimension }) => dimension)].every(
            ({ eventTime }) => eventTime.kind === "column" || eventTime.since === null,
          ),
      );
      const definitions = scenarioDefinitions(scenario);
      const history = await openStore({
        definitions,
        offline: { store: memoryOfflineStore(), buckets: 2 },
      });
      await history.run(scenarioSource(scenario), { mismatch: 1 });
      expect(await storeDifferences(history, scenario, scenario.requests, "as known")).toEqual([]);
      for (const request of scenario.requests) {
        const store = await openStore({
          definitions,
          online: { store: memoryOnlineStore(), retention: "forever" },
          offline: memoryOfflineStore(),
        });
        const before = scenario.truth.flatMap(({ committed }, line) =>
          committed === null || committed < request.time ? [line] : [],
        );
        await store.run(scenarioSource(scenario, [before]), { mismatch: 1 });
        expect(
          await storeDifferences(store, scenario, [request], "online", { mode: "known" }),
        ).toEqual([]);
        expect(
          await storeDifferences(store, scenario, [request], "as corrected", { mode: "known" }),
        ).toEqual([]);
        compared += 2 * scenario.selected.length;
        corrected += (await storeDifferences(store, scenario, [request], "online")).length;
      }
    }
    console.log(
      `serving: ${seeds} seeds, ${compared} comparisons; ${corrected} answers were corrected later`,
    );
    expect(corrected).toBeGreaterThan(seeds);
  },
);
