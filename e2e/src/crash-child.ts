/**
 * Runs a recorded topic into SQLite and Delta in many small commits, with compaction on the way,
 * and is killed. The program prints a line after each commit, and kills itself at the n-th visit of
 * a given point. A restarted program goes on until all changes are stored.
 */
import { feed, smallLayout } from "@tidemark/testkit";
import type { ChangeBatch, ChangeSource, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { recordedTopic } from "@tidemark/source-debezium";
import { writeSync } from "node:fs";
import { crashScenario, type CrashRun } from "./crash-scenario.ts";
import { realStores, topicPath } from "./real-stores.ts";

const run = JSON.parse(process.argv[2]!) as CrashRun;
const scenario = crashScenario(run, { requests: 0 });
let timesReached = 0;
let table = "";

function reachPoint(point: string): void {
  if (run.kill?.point === point && ++timesReached === run.kill.occurrence)
    process.kill(process.pid, "SIGKILL");
}

const { online, offline } = realStores(run.folder, {
  sqlite(name) {
    if (name === "after-commit") writeSync(1, "online\n");
    reachPoint(`sqlite ${name}`);
  },
  delta(name) {
    if (name === "after-commit") writeSync(1, `${table}\n`);
    reachPoint(name.startsWith("checkpoint") ? name : `${table} ${name}`);
  },
  objects: reachPoint,
});

const tornOnline: OnlineStore =
  run.torn !== "online position first"
    ? online
    : {
        ...online,
        write: async (step) =>
          (await online.write({ ...step, cells: [] })) === "conflict"
            ? "conflict"
            : online.write({ ...step, positions: [], metadata: [] }),
      };

/** Remembers the table of a fail point: changes or versions. */
const trackedOffline: OfflineStore = {
  ...offline,
  async append(spec, rows, options) {
    table = spec.name.split("/").at(-1)!;
    if (run.torn === "history position last" && rows.length > 0) {
      await offline.append(spec, rows, { ...options, positions: [], metadata: [] });
      return offline.append(spec, [], options);
    }
    return offline.append(spec, rows, options);
  },
  rewrite: (spec, rows, options) => {
    table = spec.name.split("/").at(-1)!;
    return offline.rewrite(spec, rows, options);
  },
};

/** Takes this many batches of the topic and then ends, so that the history is compacted. */
function takeBatches(changes: ChangeSource, batches: number): ChangeSource & { taken: number } {
  return {
    name: changes.name,
    taken: 0,
    async *changes(options): AsyncIterable<ChangeBatch> {
      for await (const batch of changes.changes(options)) {
        yield batch;
        if (++this.taken === batches) return;
      }
    },
  };
}

writeSync(1, "ready\n");
for (;;) {
  const topic = takeBatches(
    recordedTopic(topicPath(run.folder), {
      unreadable: "keep",
      batchChanges: run.batchChanges,
      onWarning: () => undefined,
    }),
    run.compactEvery,
  );
  await feed(
    scenario,
    { online: tornOnline, offline: trackedOffline },
    { layoutLimits: smallLayout(run.seed), commitRows: run.commitRows },
    topic,
  );
  if (topic.taken === 0) break;
}
await online.close();
await offline.close();
