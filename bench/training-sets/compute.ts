/**
 * Computes a training set from a file of labels to a Parquet file, as `tidemark training-set` does,
 * in a process of its own. Prints seconds, processor time and peak memory as JSON.
 */
import { openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { benchViews } from "./views.ts";
import { writeTrainingSet } from "./write-training-set.ts";
import { fitYoungGeneration } from "../../packages/cli/src/training-set/young-generation.ts";

const [lake, entities, out, view, knowledge, limit, workers] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  "as-corrected" | "as-known",
  string?,
  string?,
];
const memoryLimit = limit === undefined ? undefined : Number(limit) * 2 ** 20;
fitYoungGeneration(memoryLimit);
const began = performance.now();
const used = process.cpuUsage();
const store = await openStore({
  definitions: benchViews,
  offline: deltaOfflineStore(localObjects(lake)),
});
const { rows } = await writeTrainingSet(store, {
  view,
  entities,
  out,
  knowledge,
  memoryLimit,
  workers: workers === undefined ? undefined : Number(workers),
});
await store.close();
const { user, system } = process.cpuUsage(used);
console.log(
  JSON.stringify({
    rows,
    seconds: (performance.now() - began) / 1000,
    cpu: (user + system) / 1e6,
    // maxRSS is in KiB
    peakMiB: process.resourceUsage().maxRSS / 1024,
  }),
);
