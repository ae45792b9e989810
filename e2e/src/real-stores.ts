/** Opens the stores that users have, in a folder. */
import type { OfflineOptions, StoreOptions } from "@tidemark/core";
import { postgresOnlineStore } from "@tidemark/adapter-postgres";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import type { ChangeSource, OnlineStore } from "@tidemark/core/spi";
import { recordedTopic } from "@tidemark/source-debezium";
import { feed, type PathStores, type Scenario } from "@tidemark/testkit";
import {
  deltaOfflineStore,
  localObjects,
  type DeltaOfflineStore,
  type ObjectStore,
} from "@tidemark/delta";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Failpoints {
  /** Those of the online store, which is SQLite unless `ONLINE_URL` names another. */
  readonly sqlite?: ((name: string) => void) | undefined;
  readonly delta?: ((name: string) => void) | undefined;
  readonly objects?: ((name: string) => void) | undefined;
}

export interface RealStores extends PathStores {
  readonly offline: DeltaOfflineStore;
}

/**
 * The environment variable with the address of a PostgreSQL. If it is set, the online store of a
 * folder is a schema there, in this process and in those that it starts.
 */
export const ONLINE_URL = "TIDEMARK_TEST_ONLINE_URL";

/** The online store of a folder. */
export function onlineStoreOf(
  folder: string,
  options: { readonly readOnly?: boolean; readonly failpoint?: Failpoints["sqlite"] } = {},
): OnlineStore {
  const connectionString = process.env[ONLINE_URL];
  if (connectionString === undefined) return sqliteOnlineStore(databasePath(folder), options);
  return postgresOnlineStore({ connectionString, schema: schemaOf(folder), ...options });
}

/** The schema that has the online store of a folder. */
export function schemaOf(folder: string): string {
  return `t${createHash("sha256").update(folder).digest("hex").slice(0, 32)}`;
}

/** `objects` holds the lake if it is not in the folder. */
export function realStores(
  folder: string,
  failpoints: Failpoints = {},
  objects: ObjectStore = localObjects(lakePath(folder), { failpoint: failpoints.objects }),
): RealStores {
  return {
    online: onlineStoreOf(folder, { failpoint: failpoints.sqlite }),
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

/** The messages of a scenario as a topic, whose unreadable ones are kept. */
export function scenarioTopic(folder: string, scenario: Scenario): ChangeSource {
  return recordedTopic(writeTopic(folder, scenario), {
    onWarning: () => undefined,
    unreadable: "keep",
  });
}

/** Feeds a scenario to the stores of a folder. */
export async function feedFolder(scenario: Scenario, folder: string): Promise<void> {
  const stores = realStores(folder);
  await feed(scenario, stores, {}, scenarioTopic(folder, scenario));
  await stores.online.close();
  await stores.offline.close();
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
