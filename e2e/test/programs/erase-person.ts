/**
 * Erases a person from the stores of a folder while a run goes on. The program kills itself at the
 * n-th visit of a given point, and prints how often it visited each, and the receipt.
 */
import type { DeltaOfflineStore } from "@tidemark/delta";
import { openPersonal, REQUEST, runTopic } from "../../src/personal-stores.ts";
import { type RealStores, realStores, topicPath } from "../../src/real-stores.ts";

interface Settings {
  readonly folder: string;
  readonly kill: { readonly point: string; readonly occurrence: number } | null;
}

const { folder, kill } = JSON.parse(process.argv[2]!) as Settings;
const visits: Record<string, number> = {};

function visit(point: string): void {
  visits[point] = (visits[point] ?? 0) + 1;
  if (kill?.point === point && visits[point] === kill.occurrence)
    process.kill(process.pid, "SIGKILL");
}

/** Stores that visit their fail points. Those of a table have its kind, such as `changes`. */
function visiting(): RealStores {
  let kind = "";
  const { online, offline } = realStores(folder, {
    sqlite: (name) => {
      visit(`sqlite ${name}`);
    },
    delta: (name) => {
      visit(name.startsWith("checkpoint") ? name : `${kind} ${name}`);
    },
    objects: visit,
  });
  const of = (table: string): void => {
    kind = table.split("/").at(-1)!;
  };
  const tracked: Pick<DeltaOfflineStore, "append" | "replaceRows" | "forgetReplaced"> = {
    append(table, ...rest) {
      of(table.name);
      return offline.append(table, ...rest);
    },
    replaceRows(table, ...rest) {
      of(table);
      return offline.replaceRows(table, ...rest);
    },
    forgetReplaced(table, ...rest) {
      of(table);
      return offline.forgetReplaced(table, ...rest);
    },
  };
  return { online, offline: { ...offline, ...tracked } };
}

const erasing = await openPersonal(folder, visiting());
const running = await openPersonal(folder);
const [receipt] = await Promise.all([
  erasing.store.erase({ ...REQUEST, now: true }),
  runTopic(running.store, topicPath(folder)),
]);
await erasing.store.close();
await running.store.close();
process.stdout.write(`${JSON.stringify({ visits, receipt })}\n`);
