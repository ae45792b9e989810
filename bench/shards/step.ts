/**
 * Runs one step of a job of shards, as the commands do, in a process of its own: `job`, `shard` or
 * `finish`. `whole` computes the training set at once, and `compact` merges the history. Prints
 * seconds, processor time and peak memory as JSON; the start of the process counts.
 */
import { collectDefinitions, openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { computeShard } from "../../packages/cli/src/shards/compute-shard.ts";
import { finishJob } from "../../packages/cli/src/shards/finish-job.ts";
import { readJob } from "../../packages/cli/src/shards/shard-job.ts";
import { writeShardJob } from "../../packages/cli/src/shards/write-shard-job.ts";
import { benchViews } from "../training-sets/views.ts";
import { writeTrainingSet } from "../training-sets/write-training-set.ts";

const [lake, job, step, ...args] = process.argv.slice(2) as [string, string, string, ...string[]];
const shared = {
  definitions: collectDefinitions(benchViews),
  definitionsFile: import.meta.filename,
  signal: new AbortController().signal,
};
const knowledge = "as-corrected";
if (step === "compact" || step === "whole") {
  const offline = deltaOfflineStore(localObjects(lake));
  const store = await openStore({ definitions: benchViews, offline });
  const [entities, out] = args as [string, string];
  if (step === "compact") await store.compact();
  else await writeTrainingSet(store, { view: "weekly_activity", entities, out, knowledge });
  await store.close();
} else if (step === "job") {
  const [entities, out, shards] = args as [string, string, string];
  const offline = deltaOfflineStore(localObjects(lake));
  const store = await openStore({ definitions: benchViews, offline });
  await writeShardJob({
    ...shared,
    store,
    offline,
    features: { service: "weekly_activity" },
    entities,
    knowledge,
    beforeHistory: "empty",
    zone: null,
    timeUnit: null,
    shards: Number(shards),
    out,
    force: false,
    job,
    onWarning: (message) => {
      console.error(message);
    },
  });
  await store.close();
} else if (step === "shard") {
  const offline = deltaOfflineStore(localObjects(lake));
  const file = await readJob(job);
  await computeShard(file, Number(args[0]), { ...shared, offline, onRows: () => undefined });
  await offline.close();
} else await finishJob(await readJob(job), { ...shared, onRows: () => undefined });
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds: performance.now() / 1000,
    cpu: (user + system) / 1e6,
    // maxRSS is in KiB
    peakMiB: process.resourceUsage().maxRSS / 1024,
  }),
);
