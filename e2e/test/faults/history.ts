/** A fault's project with a history in ./lake, and what other tools do to its tables. */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { CommandResult, Project } from "../../../packages/cli/test/support/project.ts";
import { faultProject, parseLines } from "./fault.ts";

const CONFIG = `
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { bank: () => recordedTopic("topic.jsonl") },
});
`;

/** A project whose history holds the first messages of the topic; all of them if it is left out. */
export async function historyOfFault(number: string, messages?: number): Promise<Project> {
  const project = faultProject(number);
  project.write("tidemark.config.ts", CONFIG);
  const topic = project.read("topic.jsonl");
  project.write("topic.jsonl", topic.split("\n").slice(0, messages).join("\n"));
  const { code, stderr } = await project.run("run");
  expect(code, stderr).toBe(0);
  project.write("topic.jsonl", topic);
  return project;
}

/** Runs `tidemark training-set` on the fault's entity file, and reads what was written. */
export async function trainingSet(
  project: Project,
  entities: string,
  service: string,
  ...more: string[]
): Promise<CommandResult & { readonly rows: readonly unknown[] | null }> {
  const out = `${service}.jsonl`;
  const files = ["--entities", entities, "--out", out, "--force"];
  const result = await project.run("training-set", "--service", service, ...files, ...more);
  const written = project.files().includes(out);
  return { ...result, rows: written ? parseLines(project.read(out)) : null };
}

interface Action {
  readonly add?: { readonly path: string };
  readonly remove?: { readonly path: string };
}

/** The number of entries in a table's log. */
export function entriesOf(project: Project, table: string): number {
  return logNames(logOf(project, table)).length;
}

const logOf = (project: Project, table: string): string =>
  join(project.directory, "lake", table, "_delta_log");
const logNames = (log: string): string[] =>
  readdirSync(log)
    .filter((name) => /^\d+\.json$/.test(name))
    .toSorted();

/** Restores a Delta table to a version, as RESTORE does: the `txn` actions stay as they are. */
export function restoreTable(project: Project, table: string, version: number): void {
  const log = logOf(project, table);
  const names = logNames(log);
  const added = new Map<string, Action["add"]>();
  const live = (to: number): Set<string> => {
    const files = new Set<string>();
    for (const name of names.slice(0, to))
      for (const line of readFileSync(join(log, name), "utf8").trim().split("\n")) {
        const { add, remove } = JSON.parse(line) as Action;
        if (add !== undefined) added.set(add.path, add);
        if (add !== undefined) files.add(add.path);
        if (remove !== undefined) files.delete(remove.path);
      }
    return files;
  };
  const now = live(names.length);
  const then = live(version + 1);
  const operationParameters = { version: String(version) };
  const actions: readonly unknown[] = [
    { commitInfo: { timestamp: Date.now(), operation: "RESTORE", operationParameters } },
    ...[...then]
      .filter((path) => !now.has(path))
      .map((path) => ({ add: { ...added.get(path), dataChange: true } })),
    ...[...now]
      .filter((path) => !then.has(path))
      .map((path) => ({ remove: { path, deletionTimestamp: Date.now(), dataChange: true } })),
  ];
  const next = join(log, `${String(names.length).padStart(20, "0")}.json`);
  appendFileSync(next, actions.map((action) => `${JSON.stringify(action)}\n`).join(""));
}
