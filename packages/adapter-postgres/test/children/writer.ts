/**
 * Counts in a store until the process is killed or has done its steps: `writer.ts URL PARTITION
 * STEPS CELLS [FAILPOINT:AT]`. It prints `step N` after each commit.
 */
import { writeSync } from "node:fs";
import { postgresOnlineStore } from "../../src/index.ts";
import { countOn, offsetOf } from "../support/counters.ts";

const [url, partition, steps, cells, fail] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const [failAt, failStep] = fail === undefined ? [] : fail.split(":");
let offset = -1;
const store = postgresOnlineStore({
  connectionString: url,
  failpoint: (name) => {
    if (name === failAt && offset + 1 === Number(failStep)) process.kill(process.pid, "SIGKILL");
  },
});
await store.open({ namespace: "test" });
offset = await offsetOf(store, partition);
writeSync(1, `open ${offset}\n`);
while (offset + 1 < Number(steps)) {
  if ((await countOn(store, Number(cells), partition, offset)) === "conflict") continue;
  offset++;
  writeSync(1, `step ${offset}\n`);
}
await store.close();
