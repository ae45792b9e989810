/** Compares seeds until one differs, with the core whose sources lie in the folder given: `hunt.ts FOLDER FIRST-SEED SEEDS`. Prints how many seeds it took; 0: none differed. */
import type * as Testing from "@tidemark/core/testing";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, first, seeds] = process.argv.slice(2);
const core = (await import(pathToFileURL(join(folder!, "testing/index.ts")).href)) as typeof Testing;
const { comparePaths, generateScenario, memoryOfflineStore, memoryOnlineStore, otherDelivery, Random } = core;

let found = 0;
for (let n = 0; n < Number(seeds) && found === 0; n++) {
  const seed = Number(first) + n;
  const scenario = generateScenario(seed);
  const delivery = otherDelivery(scenario, new Random(seed));
  try {
    const differences = await comparePaths(scenario, { online: memoryOnlineStore(), offline: memoryOfflineStore() }, { buckets: 2, commitRows: 20, delivery, compactAfter: 0.6 });
    if (differences.length > 0) found = n + 1;
  } catch {
    found = n + 1; // a path that stops is noticed as well
  }
}
console.log(String(found));
