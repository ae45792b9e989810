/** A project with a history in ./lake, of the recording `multi`. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore, type Store } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { bankProject } from "./bank.ts";
import type { Project } from "./project.ts";

export const CONFIG = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
});
`;

export interface HistoryProject {
  readonly project: Project;
  /** The module features.ts. */
  readonly definitions: Readonly<Record<string, never>>;
  /** Opens the history; close it. */
  store(): Promise<Store>;
}

export async function historyProject(): Promise<HistoryProject> {
  const project = bankProject();
  project.write("tidemark.config.ts", CONFIG);
  const definitions = (await import(pathToFileURL(project.path("features.ts")).href)) as Readonly<
    Record<string, never>
  >;
  const store = (): Promise<Store> =>
    openStore({
      definitions,
      offline: deltaOfflineStore(localObjects(join(project.directory, "lake"))),
    });
  const feeding = await store();
  await feeding.run(recordedTopic(project.path("topic.jsonl")));
  await feeding.close();
  return { project, definitions, store };
}
