/** The walks of docs/recovery.md, with the real command. */
import { cpSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { describe, expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { CommandResult, Project } from "../support/project.ts";

const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic(process.env.TOPIC ?? "topic.jsonl") },
});
`;

/** A project whose stores have taken the first part of the recording. */
async function begunProject(): Promise<Project> {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const lines = project.read("topic.jsonl").trimEnd().split("\n");
  const partitionOf = (line: string): number =>
    (JSON.parse(line) as { readonly partition: number }).partition;
  const [part, end]: [string[], string[]] = [[], []];
  for (const partition of new Set(lines.map(partitionOf))) {
    const own = lines.filter((line) => partitionOf(line) === partition);
    const half = Math.ceil(own.length / 2);
    part.push(...own.slice(0, half));
    end.push(...own.slice(half));
  }
  project.write("part.jsonl", `${part.join("\n")}\n`);
  project.write("end.jsonl", `${end.join("\n")}\n`);
  await succeed(project, ["run", "--until", "caught-up"], "part.jsonl");
  return project;
}

async function call(
  project: Project,
  args: readonly string[],
  topic = "topic.jsonl",
): Promise<CommandResult> {
  return project.start(args, { env: { TOPIC: topic } }).ended;
}

async function succeed(
  project: Project,
  args: readonly string[],
  topic?: string,
): Promise<CommandResult> {
  const result = await call(project, args, topic);
  expect(result.code, `${args.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0);
  return result;
}

/** The command fails with the code. */
async function refused(
  project: Project,
  args: readonly string[],
  code: string,
  topic?: string,
): Promise<string> {
  const result = await call(project, [...args, "--json"], topic);
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout).toContain(code);
  return result.stdout;
}

/** Every answer of the project's stores. */
async function answers(project: Project): Promise<string> {
  const { fraud, ...others } = (await import(
    pathToFileURL(project.path("features.ts")).href
  )) as Readonly<Record<string, never>>;
  const store = await openStore({
    definitions: { fraud, ...others },
    online: { store: sqliteOnlineStore(project.path("online.db")), retention: "forever" },
    offline: deltaOfflineStore(localObjects(project.path("lake"))),
  });
  try {
    const users = Array.from({ length: 9 }, (_, i) => ({ user_id: `user_00000${i}` }));
    const days = ["2025-03-02T00:00:00Z", "2025-03-05T00:00:00Z", "2025-03-09T12:00:00Z"];
    const online = [];
    for (const asOf of days)
      online.push(
        await store.getOnlineFeatures({ features: fraud!, entities: users as never, asOf }),
      );
    const entities = users.flatMap((user) =>
      days.map((event_timestamp) => ({ ...user, event_timestamp })),
    );
    const past = [];
    for (const knowledge of ["as-corrected", "as-known"] as const)
      past.push(
        await (
          await store.getHistoricalFeatures({
            features: fraud!,
            entities: entities as never,
            knowledge,
          })
        ).rows(),
      );
    return JSON.stringify([online, past], (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  } finally {
    await store.close();
  }
}

/** The answers of stores that were never lost. */
async function whole(): Promise<string> {
  const project = await begunProject();
  await succeed(project, ["run", "--until", "caught-up"]);
  return answers(project);
}

function remove(project: Project, ...names: readonly string[]): void {
  for (const name of names) rmSync(project.path(name), { recursive: true, force: true });
}

const ONLINE = ["online.db", "online.db-wal", "online.db-shm"];
const RUN = ["run", "--until", "caught-up"];

describe("recovery", () => {
  test("the online store is lost", async () => {
    const project = await begunProject();
    remove(project, ...ONLINE);
    await succeed(project, ["backfill"]);
    await succeed(project, RUN);
    expect(await answers(project)).toBe(await whole());
  });

  test("the online store and the beginning of the log are lost", async () => {
    const project = await begunProject();
    remove(project, ...ONLINE);
    expect(await refused(project, RUN, "LOG_LOST", "end.jsonl")).toContain("store.backfill()");
    await succeed(project, ["backfill"]);
    await succeed(project, RUN, "end.jsonl");
    expect(await answers(project)).toBe(await whole());
  });

  test("the lake is lost, and the log holds everything", async () => {
    const project = await begunProject();
    remove(project, "lake");
    await refused(project, ["status"], "HISTORY_MISSING");
    await refused(project, RUN, "HISTORY_MISSING");
    await refused(project, ["backfill"], "HISTORY_MISSING");
    await refused(project, ["backup", "--to", "backup"], "HISTORY_MISSING");
    expect(project.files()).not.toContain("backup");
    expect(project.files()).not.toContain("lake");
    await succeed(project, [...RUN, "--new-history"]);
    await succeed(project, ["status"]);
    expect(await answers(project)).toBe(await whole());
  });

  test("the lake is lost, and the log has lost its beginning", async () => {
    const project = await begunProject();
    remove(project, "lake");
    await refused(project, [...RUN, "--new-history"], "LOG_LOST", "end.jsonl");
  });

  test("an unmounted lake that is mounted again", async () => {
    const project = await begunProject();
    cpSync(project.path("lake"), project.path("unmounted"), { recursive: true });
    remove(project, "lake");
    await refused(project, RUN, "HISTORY_MISSING");
    cpSync(project.path("unmounted"), project.path("lake"), { recursive: true });
    await succeed(project, RUN);
    expect(await answers(project)).toBe(await whole());
  });

  test("an older lake beside a newer online store", async () => {
    const project = await begunProject();
    cpSync(project.path("lake"), project.path("older"), { recursive: true });
    await succeed(project, RUN);
    remove(project, "lake");
    cpSync(project.path("older"), project.path("lake"), { recursive: true });
    await refused(project, ["status"], "HISTORY_OLDER");
    await succeed(project, RUN);
    await succeed(project, ["status"]);
    expect(await answers(project)).toBe(await whole());
  });

  test("an older online store beside a newer lake", async () => {
    const project = await begunProject();
    cpSync(project.path("online.db"), project.path("older.db"));
    await succeed(project, RUN);
    remove(project, ...ONLINE);
    cpSync(project.path("older.db"), project.path("online.db"));
    await refused(project, ["status"], "ONLINE_STORE_OLDER");
    await expect(answers(project)).rejects.toThrow("is an older copy");
    await succeed(project, ["backfill"]);
    await succeed(project, ["status"]);
    expect(await answers(project)).toBe(await whole());
  });

  test("the stores of two environments", async () => {
    const [project, other] = [await begunProject(), await begunProject()];
    remove(project, "lake");
    cpSync(other.path("lake"), project.path("lake"), { recursive: true });
    await refused(project, ["status"], "HISTORY_OF_OTHER_STORE");
    await refused(project, RUN, "HISTORY_OF_OTHER_STORE");
    remove(project, ...ONLINE);
    await succeed(project, ["backfill"]);
    await succeed(project, RUN);
    expect(await answers(project)).toBe(await whole());
  });

  test("both stores are lost, and a backup with copies is there", async () => {
    const project = await begunProject();
    await succeed(project, ["apply"]);
    const made = await succeed(project, ["backup", "--to", "backup", "--history", "copy"]);
    expect(made.stdout).toMatch(/files with \d+ bytes in backup/);
    await succeed(project, RUN);
    await refused(project, ["restore", "backup"], "ONLINE_STORE_NOT_EMPTY");
    const blocked = await succeed(project, ["restore", "backup", "--check"]);
    expect(blocked.stdout).toContain("a restore is refused now: ONLINE_STORE_NOT_EMPTY");
    remove(project, ...ONLINE, "lake");
    const checked = await succeed(project, ["restore", "backup", "--check"]);
    expect(checked.stdout).toContain("nothing was written");
    expect(project.files()).not.toContain("online.db");
    await succeed(project, ["restore", "backup"]);
    await succeed(project, RUN);
    await succeed(project, ["status"]);
    expect((await succeed(project, ["history"])).stdout).toContain("1");
    expect(await answers(project)).toBe(await whole());
  });

  test("the online store is put back from a backup whose history is pinned", async () => {
    const project = await begunProject();
    await succeed(project, ["backup", "--to", "backup"]);
    await succeed(project, RUN);
    remove(project, ...ONLINE);
    await succeed(project, ["restore", "backup"]);
    await succeed(project, ["backfill"]);
    await succeed(project, RUN, "end.jsonl");
    expect(await answers(project)).toBe(await whole());
  });

  test("a damaged lake is replaced by the copies of a backup", async () => {
    const project = await begunProject();
    await succeed(project, ["backup", "--to", "backup", "--history", "copy"]);
    await succeed(project, RUN);
    remove(project, "lake/transactions/changes/_delta_log/00000000000000000000.json");
    await succeed(project, ["restore", "backup", "--replace", "--replace-history"]);
    await succeed(project, RUN);
    expect(await answers(project)).toBe(await whole());
  });
});
