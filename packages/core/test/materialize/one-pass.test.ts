/**
 * A run of many days against a run for each day. The later commits of a run read only the rows
 * after those of the earlier ones, so the store of this test gives no row outside the range.
 */
import { expect, test } from "vitest";
import type { ViewSpec } from "../../src/specs.ts";
import type { OfflineStore } from "../../src/spi.ts";
import { Random } from "@tidemark/testkit/generate/random";
import { otherDelivery } from "@tidemark/testkit/generate/scenario";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { scenarioSource } from "@tidemark/testkit/oracle/consistency";
import { shown, tableRows } from "./expected.ts";
import { daysOf, openStores } from "./scenario-stores.ts";
import { strictStore } from "./strict-store.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 25 });

async function tableTexts(
  offline: OfflineStore,
  view: ViewSpec,
  dates: readonly string[],
): Promise<readonly string[]> {
  const rows = await tableRows(offline, view);
  return dates.flatMap((date) =>
    [...(rows.get(date) ?? [])].map(([key, row]) => `${date} ${key} ${shown(row)}`).sort(),
  );
}

test(
  "a run of many days gives the rows of a run for each day, in any memory and beside new changes",
  { timeout: 300_000 },
  async () => {
    const met = { rows: 0, ranges: 0, changed: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const random = new Random(seed * 11 + 3);
      const strict = strictStore();
      const { scenario, store, materialize } = await openStores(seed, undefined, strict.store);
      const order = otherDelivery(scenario, random);
      const before = random.chance(0.4) ? Math.ceil(order.length / 2) : order.length;
      await store.run(scenarioSource(scenario, order.slice(0, before)), { mismatch: 1 });
      const dates = daysOf(scenario, random, 6);
      for (const view of scenario.views) {
        const sources = (view.parts ?? [view]).map(({ source }) => source.name);
        const states = await Promise.all(
          sources.map((name) => strict.store.state(`${name}/changes`)),
        );
        if (states.includes(null)) continue;
        const isChanged = before < order.length && random.chance(0.5);
        if (isChanged)
          strict.met.nextCommit = () => store.run(scenarioSource(scenario, order), { mismatch: 1 });
        const days = random.pick([1, 2]);
        const limits = { days, memoryLimit: random.pick([1, 700, 5000, 2 ** 30]) };
        const ranges = strict.met.ranges;
        await materialize({ views: [view.name], dates, online: random.chance(0.5) }, limits);
        met.ranges += strict.met.ranges - ranges;
        // the first commit was before the new changes
        const compared = isChanged ? dates.slice(days) : dates;
        const together = await tableTexts(strict.store, view, compared);
        for (const date of dates.toReversed())
          await materialize({ views: [view.name], dates: [date], online: false });
        const alone = await tableTexts(strict.store, view, compared);
        expect(together, `seed ${seed}, ${view.name}, ${JSON.stringify(limits)}`).toEqual(alone);
        met.rows += together.length;
        if (isChanged) met.changed++;
      }
    }
    console.log(`materialize of many days: ${seeds} seeds, ${JSON.stringify(met)}`);
    expect(met.rows).toBeGreaterThan(seeds * 10);
    expect(met.ranges).toBeGreaterThan(seeds);
    expect(met.changed).toBeGreaterThan(seeds / 8);
  },
);
