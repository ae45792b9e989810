/**
 * Resnapshots the sources of a folder's stores until the process is killed or done. It continues
 * what another process began.
 */
import { openStore } from "@tidemark/core";
import { Random, scenarioDefinitions } from "@tidemark/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { logWithGap, changesOf, type LogContinuation } from "../../src/resnapshot-scenario.ts";
import { keepingStores, realStores } from "../../src/real-stores.ts";

const [folder, seed, aftermath] = [
  process.argv[2]!,
  Number(process.argv[3]),
  process.argv[4] as LogContinuation,
];
const log = logWithGap(seed, aftermath, { traits: { changes: 40 } })!;
const store = await openStore({
  definitions: scenarioDefinitions(log.scenario),
  ...keepingStores(realStores(folder), { commit: { rows: 5 }, buckets: 2 }),
});
console.log("ready");
await sleep(1);
for (const { source, generation, resnapshotting } of await store.status()) {
  if (generation === 0 || resnapshotting)
    await store.resnapshot(source, changesOf("after", log.after, new Random(process.pid), 4));
}
await store.close();
process.exit(0);
