/**
 * Reads answers on every path repeatedly beside a process that is killed. At SIGTERM the program
 * prints what it saw. It ends at once if an answer belongs to no prefix of the log.
 */
import { isTidemarkError } from "@tidemark/core";
import { pathReaders } from "@tidemark/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { prefixesOf } from "./crash-prefixes.ts";
import { crashScenario, type CrashReading } from "./crash-scenario.ts";
import { onlineStoreOf, realStores } from "./real-stores.ts";

const settings = JSON.parse(process.argv[2]!) as CrashReading;
const scenario = crashScenario(settings, settings);
const rows = scenario.requests.map((_, row) => row);
const prefixes = prefixesOf(scenario);
let stopping = false;
process.on("SIGTERM", () => {
  stopping = true;
});

const stores = {
  online: onlineStoreOf(settings.folder, { readOnly: true }),
  offline: realStores(settings.folder).offline,
};
console.log("ready");
let waits = 0;
for (;;) {
  try {
    await stores.online.open({ namespace: "test" });
    break;
  } catch (error) {
    // the writer has not made the store yet
    if (!isTidemarkError(error, "ONLINE_STORE_MISSING")) throw error;
    waits++;
    await sleep(5);
  }
}
// the answers of a prefix of the log are compared, also of the first one
const readers = pathReaders(scenario, stores, undefined, { serveWhileFilling: true });
let reads = 0;
for (let last = false; !last;) {
  last = stopping; // one more read after the writer's end
  for (const row of rows) prefixes.check("online", "corrected", [row], await readers.online(row));
  prefixes.check("as corrected", "corrected", rows, await readers.history("as-corrected"));
  prefixes.check("as known", "known", rows, await readers.history("as-known"));
  reads += rows.length + 2;
  await sleep(0);
}
prefixes.checkAllSeen();
console.log(JSON.stringify({ reads, waits, seen: Object.fromEntries(prefixes.seen()) }));
