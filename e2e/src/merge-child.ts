/**
 * Merges the history in a folder and joins its files, as `tidemark optimize` does. The program
 * prints each point that it passes, and kills itself at the n-th pass of a given one.
 */
import { openStore } from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import { scenarioDefinitions, UNMERGED_LAYOUT } from "@tidemark/testkit";
import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { crashScenario } from "./crash-scenario.ts";
import { realStores } from "./real-stores.ts";

/** The settings of the program, passed as JSON. */
export interface MergeRun {
  readonly folder: string;
  readonly seed: number;
  readonly changes: number;
  /** How often the history is merged. */
  readonly times: number;
  readonly kill: { readonly point: string; readonly occurrence: number } | null;
}

if (import.meta.main) {
  const run = JSON.parse(process.argv[2]!) as MergeRun;
  const scenario = crashScenario(run, { requests: 0 });
  let table = "";
  let passed = 0;
  const pass = (name: string): void => {
    const point = `${table} ${name}`;
    writeSync(1, `${point}\n`);
    if (run.kill?.point === point && ++passed === run.kill.occurrence)
      process.kill(process.pid, "SIGKILL");
  };
  const { offline } = realStores(run.folder, { delta: pass, objects: pass });
  const named = (name: string): string => name.split("/").at(-1)!;
  const tracked: OfflineStore = {
    ...offline,
    append(spec, ...rest) {
      table = named(spec.name);
      return offline.append(spec, ...rest);
    },
    rewrite(spec, ...rest) {
      table = named(spec.name);
      return offline.rewrite(spec, ...rest);
    },
  };
  const store = await openStore({
    definitions: scenarioDefinitions(scenario),
    offline: { store: tracked, layoutLimits: UNMERGED_LAYOUT },
    onDefinitionMismatch: "ignore",
  });
  for (let time = 0; time < run.times; time++) {
    if (time > 0) await setTimeout(20);
    await store.compact();
    for (const { name } of scenario.sources)
      for (const kind of ["changes", "versions"]) {
        if ((await offline.state(`${name}/${kind}`)) === null) continue;
        table = `optimize ${kind}`;
        await offline.optimize(`${name}/${kind}`);
      }
  }
  await store.close();
}
