/**
 * A service written as an object is the service of a list whose features are renamed: one
 * fingerprint, and the same values under the object's names, online and in training sets.
 */
import { collectDefinitions, featureService, micros, openStore } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  Random,
  requestKeys,
  scenarioDefinitions,
  scenarioSource,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { makeFeature } from "../../src/define/feature.ts";
import type { AnySelection, Selection } from "../../src/define/selection.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { everything, last, profile, weekly } from "../support/shop.ts";

type AnyService = Selection<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>;

const fingerprintOf = (service: unknown): string =>
  definedObjects(collectDefinitions({ service })).get("service named")!.fingerprint;

test("the object, the list with aliases and another order have one fingerprint", () => {
  const object = featureService("named", { home: profile.city, spent: weekly.spent_7d });
  const list = featureService("named", [profile.city.as("home"), weekly.spent_7d.as("spent")]);
  const turned = featureService("named", { spent: weekly.spent_7d, home: profile.city });
  const aliased = featureService("named", {
    home: profile.city.as("away"),
    spent: weekly.spent_7d.as("lost"),
  });
  for (const other of [list, turned, aliased])
    expect(fingerprintOf(other)).toBe(fingerprintOf(object));
  const others = [
    featureService("named", { city: profile.city, spent: weekly.spent_7d }),
    featureService("named", { spent: profile.city, home: weekly.spent_7d }),
    featureService("named", { home: profile.city }),
  ];
  for (const other of others) expect(fingerprintOf(other)).not.toBe(fingerprintOf(object));
});

test("a service answers its features in the order of the object's members", () => {
  const service = featureService("named", { spent: weekly.spent_7d, home: profile.city });
  const features = collectDefinitions({ service }).services.get("named")!.features;
  expect(features.map(({ view, feature, as }) => `${view.name}.${feature.name} as ${as}`)).toEqual([
    "weekly.spent_7d as spent",
    "profile.city as home",
  ]);
  // a service in a list keeps the names, and a view given alone its own
  expect(
    collectDefinitions({ outer: featureService("outer", [service, last]) })
      .services.get("outer")!
      .features.map(({ as }) => as),
  ).toEqual(["spent", "home", "last_vendor", "last_amount"]);
  expect(collectDefinitions({ everything }).services.get("everything")!.features).toHaveLength(10);
});

const { first, runs } = seedsFromEnvironment({ runs: 20, least: 10 });
test.each(Array.from({ length: runs }, (_, i) => first + i))(
  "seed %i: values under new names are those under the old ones, online and in training sets",
  async (seed) => {
    const scenario = generateScenario(seed, { requests: 12 });
    const { all, ...sources } = scenarioDefinitions(scenario);
    const renamed = new Random(seed)
      .shuffled(scenario.selected)
      .map((selected, i) => ({
        old: selected.as,
        name: `renamed_${i}`,
        member: makeFeature(selected) as AnySelection,
      }));
    const named = featureService(
      "named",
      Object.fromEntries(renamed.map(({ name, member }) => [name, member])) as never,
    ) as unknown as AnyService;
    const store = await openStore({
      definitions: { ...sources, all, named },
      online: { store: memoryOnlineStore(), retention: "forever" },
      offline: memoryOfflineStore(),
      clock: () => new Date(0),
    });
    await store.run(scenarioSource(scenario), { mismatch: 1 });
    const rows = scenario.requests.map((request) => ({
      ...requestKeys(scenario, request),
      event_timestamp: micros(request.time),
    }));
    const training = await (
      await store.getHistoricalFeatures({ features: named, entities: rows, metadata: true })
    ).rows();
    for (const [i, request] of scenario.requests.entries()) {
      const question = {
        entity: requestKeys(scenario, request),
        asOf: micros(request.time),
        metadata: true,
      } as const;
      const { row } = await store.getOnlineFeatures({ features: named, ...question });
      expect(Object.keys(row)).toEqual(renamed.map(({ name }) => name));
      const { row: old } = await store.getOnlineFeatures({
        features: all as AnyService,
        ...question,
      });
      for (const { old: oldName, name } of renamed) {
        expect(row[name]).toStrictEqual(old[oldName]);
        expect((training[i] as Readonly<Record<string, unknown>>)[name]).toStrictEqual(row[name]);
      }
    }
    await store.close();
  },
);
