/**
 * Applies other definitions over the stores of a folder, rewrites the versions and fills the online
 * store in place, while a run under the former definitions goes on. Without a registry, a
 * compaction rewrites the versions. The program kills itself at the n-th visit of a given point. It
 * prints the changes whose versions it took from a killed rewrite, and its visits of each point.
 */
import { openStore, type RewriteProgress } from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import { writeSync } from "node:fs";
import { recordedTopic } from "@tidemark/source-debezium";
import { NEW_COLUMNS, OLD_COLUMNS } from "../../src/order-log.ts";
import { type OrderColumns, orderVersion } from "../../src/order-versions.ts";
import { keepingStores, realStores, topicPath } from "../../src/real-stores.ts";
import { UNMERGED_LAYOUT } from "@tidemark/testkit";

interface Settings {
  readonly folder: string;
  readonly registry: boolean;
  /** Bytes of changes that a rewrite holds in memory. */
  readonly rewriteBytes: number | undefined;
  readonly kill: { readonly point: string; readonly occurrence: number } | null;
}

const { folder, registry, rewriteBytes, kill } = JSON.parse(process.argv[2]!) as Settings;
const visits: Record<string, number> = {};

function visit(point: string): void {
  visits[point] = (visits[point] ?? 0) + 1;
  if (kill?.point === point && visits[point] === kill.occurrence)
    process.kill(process.pid, "SIGKILL");
}

const open = (columns: OrderColumns) => {
  let table = "";
  const { online, offline } = realStores(folder, {
    sqlite: (name) => {
      visit(`sqlite ${name}`);
    },
    delta: (name) => {
      visit(name.startsWith("checkpoint") ? name : `${table} ${name}`);
    },
    objects: visit,
  });
  /** Remembers the table of a fail point. */
  const tracked: OfflineStore = {
    ...offline,
    append: (spec, ...rest) => {
      table = spec.name.split("/").at(-1)!;
      return offline.append(spec, ...rest);
    },
    rewrite: (spec, ...rest) => {
      table = spec.name.split("/").at(-1)!;
      return offline.rewrite(spec, ...rest);
    },
    staging: {
      ...offline.staging!,
      write: (spec, ...rest) => {
        table = "staging";
        return offline.staging!.write(spec, ...rest);
      },
    },
    ...(registry ? {} : { registry: undefined }),
  };
  return openStore({
    definitions: orderVersion(columns).definitions,
    ...keepingStores(
      { online, offline: tracked },
      { commit: { rows: 30 }, buckets: 2, rewriteBytes, layoutLimits: UNMERGED_LAYOUT },
    ),
    onDefinitionMismatch: "ignore",
  });
};

const [former, next] = await Promise.all([open(OLD_COLUMNS), open(NEW_COLUMNS)]);
let told = 0;
const onProgress = ({ reused }: RewriteProgress): void => {
  if (reused === told) return;
  told = reused;
  writeSync(1, `reused ${reused}\n`);
};
const change = async (): Promise<void> => {
  if (registry) await next.apply({ allowDestructive: true, onProgress });
  else await next.compact({ onProgress });
  await next.backfill({ batchRows: 25 });
};
await Promise.all([former.run(recordedTopic(topicPath(folder), { batchChanges: 12 })), change()]);
await next.compact();
await former.close();
await next.close();
process.stdout.write(`visits ${JSON.stringify(visits)}\n`);
