/** Stores in memory that hold a scenario. */
import { memoryOfflineStore, memoryOnlineStore } from "../../../packages/core/src/testing/index.ts";
import { Random } from "../generate/random.ts";
import { otherDelivery, type Scenario } from "../generate/scenario.ts";
import { smallLayout } from "../generate/small-layout.ts";
import { feedScenario, type PathStores } from "./consistency.ts";

/**
 * Feeds a scenario to new stores: in small commits and another order of delivery. The history is
 * compacted before the last changes come, so that it has a tail.
 */
export async function fedInMemory(scenario: Scenario): Promise<PathStores> {
  const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
  await feedScenario(scenario, stores, {
    layoutLimits: smallLayout(scenario.seed),
    commitRows: 20,
    delivery: otherDelivery(scenario, new Random(scenario.seed)),
    compactAfter: 0.6,
  });
  return stores;
}
