/** Opens the stores that users have, in a folder. */
import type { OfflineOptions, StoreOptions } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import type { PathStores, Scenario } from "@tidemark/testkit";
import {
  deltaOfflineStore,
  localObjects,
  type DeltaOfflineStore,
  type ObjectStore,
} from "@tidemark/delta";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Failpoints {
  readonly sqlite?: ((name: string) => void) | undefined;
  readonly delta?: ((name: string) => void) | undefined;
  readonly objects?: ((name: string) => void) | undefined;
}

export interface RealStores extends PathStores {
  readonly offline: DeltaOfflineStore;
}

/** `objects` holds the lake if it is not in the folder. */
export function realStores(
  folder: string,
  failpoints: Failpoints = {},
  objects: ObjectStore = localObjects(lakePath(folder), { failpoint: failpoints.objects }),
): RealStores {
  return {
    online: sqliteOnlineStore(databasePath(folder), { failpoint: failpoints.sqlite }),
    offline: deltaOfflineStore(objects, { failpoint: failpoints.delta, checkpointEvery: 4 }),
  };
}

/**
 * Store options over these stores. The online store keeps everything, and the history is written
 * with these options.
 */
export function keepingStores(
  { online, offline }: PathStores,
  history: Omit<OfflineOptions, "store"> = {},
): Pick<StoreOptions, "online" | "offline"> {
  return {
    online: { store: online, retention: "forever" },
    offline: { store: offline, ...history },
  };
}

export function databasePath(folder: string): string {
  return join(folder, "online.db");
}

export function lakePath(folder: string): string {
  return join(folder, "lake");
}

export function topicPath(folder: string): string {
  return join(folder, "topic.jsonl");
}

export function writeTopic(folder: string, scenario: Scenario): string {
  const path = topicPath(folder);
  writeFileSync(path, `${scenario.lines.join("\n")}\n`);
  return path;
}

/** Calls `use` with a folder that is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
