/**
 * Pushes to SQLite and Delta, one push after the other, and prints which were taken. The process
 * kills itself at the n-th visit of a given point.
 */
import { openStore } from "@tidemark/core";
import { Random, scenarioDefinitions } from "@tidemark/testkit";
import { writeSync } from "node:fs";
import { makePush, pushScenario, sendPush, logRows } from "./push-scenario.ts";
import { realStores } from "./real-stores.ts";

export interface PushChildRun {
  readonly folder: string;
  readonly seed: number;
  readonly worker: number;
  /** The range of pushes: from this one, and before that one. */
  readonly from: number;
  readonly to: number;
  readonly kill: { readonly point: string; readonly occurrence: number } | null;
}

/** Makes the n-th push of a worker, which is the same at each call. */
export function pushOfChild(seed: number, worker: number, n: number) {
  return makePush(
    pushScenario(seed),
    logRows(seed),
    new Random(seed + worker * 1_000_003 + n * 7919),
    `${worker}/${n}`,
  ).push;
}

if (import.meta.main) {
  const run = JSON.parse(process.argv[2]!) as PushChildRun;
  let passes = 0;
  const pass = (point: string): void => {
    if (run.kill?.point === point && ++passes === run.kill.occurrence)
      process.kill(process.pid, "SIGKILL");
  };
  const { online, offline } = realStores(run.folder, {
    sqlite: (name) => {
      pass(`sqlite ${name}`);
    },
    delta: (name) => {
      pass(`delta ${name}`);
    },
  });
  const store = await openStore({
    definitions: scenarioDefinitions(pushScenario(run.seed)),
    online: { store: online, retention: "forever", logRetention: "forever" },
    offline,
  });
  for (let n = run.from; n < run.to; n++) {
    const result = await sendPush(store, pushOfChild(run.seed, run.worker, n), new Random(n));
    writeSync(1, `${JSON.stringify({ n, result })}\n`);
  }
  await store.close();
}
