import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { readParquet } from "@tidemark/delta";
import { valueAt } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { bankProject, definitions } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake"), { checkpointEvery: 2 }),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
});
`;

const USER = "user_000006";
const OF_USER = ["--entity", "user", "--key", `user_id=${USER}`];

/** The files of the stores that hold the text. Values in Parquet files are read. */
async function filesWith(project: Project, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of ["online.db", "online.db-wal"])
    if (existsSync(project.path(name)) && readFileSync(project.path(name)).includes(text))
      found.push(name);
  for (const name of readdirSync(project.path("lake"), { recursive: true, encoding: "utf8" })) {
    const path = project.path(`lake/${name}`);
    if (/\.json$|_last_checkpoint$/.test(name) && readFileSync(path, "utf8").includes(text))
      found.push(name);
    if (!name.endsWith(".parquet") || name.includes("_delta_log")) continue;
    for await (const { vectors, length } of await readParquet(path)) {
      for (const vector of vectors)
        for (let i = 0; i < length; i++)
          if (String(valueAt(vector, i)).includes(text)) found.push(name);
    }
  }
  return [...new Set(found)];
}

test("a customer is erased from every file, and a replay brings nothing back", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const run = async (...args: readonly string[]) => project.start(args).ended;
  expect((await run("run", "--until", "caught-up")).code).toBe(0);
  expect((await run("materialize", "--date", "2025-03-05", "--zone", "UTC")).code).toBe(0);
  expect((await filesWith(project, USER)).length).toBeGreaterThan(3);

  const check = await run("erase", ...OF_USER, "--check");
  expect([check.code, check.stdout]).toEqual([
    3,
    expect.stringMatching(/the stores hold rows of this user\n$/),
  ]);
  const erased = await run("erase", ...OF_USER, "--now", "--receipt", "receipt.json");
  expect([erased.code, erased.stderr]).toEqual([0, ""]);
  const receipt = JSON.parse(project.read("receipt.json")) as Record<string, unknown>;
  expect(receipt).toMatchObject({ entity: "user", oldVersionsUntil: null, isPurged: true });
  expect(erased.audit).toMatchObject([
    { action: "erase", outcome: "done", entity: "user", receipt: receipt["id"] },
  ]);
  for (const text of [project.read("receipt.json"), erased.stdout, JSON.stringify(erased.audit)])
    expect(text).not.toContain(USER);
  expect(await filesWith(project, USER)).toEqual([]);
  expect((await filesWith(project, "user_000001")).length).toBeGreaterThan(2);
  expect((await run("erase", ...OF_USER, "--check")).code).toBe(0);
  expect((await run("erase", "--receipts")).stdout).toContain(`receipt ${String(receipt["id"])}`);

  // a new online store is filled from the topic
  for (const name of ["online.db", "online.db-wal", "online.db-shm"])
    rmSync(project.path(name), { force: true });
  expect((await run("run", "--until", "caught-up")).code).toBe(0);
  expect(await filesWith(project, USER)).toEqual([]);
  expect(await filesWith(project, "user_000001")).toContain("online.db");
});

test("many customers are erased together, with one receipt", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const run = async (...args: readonly string[]) => project.start(args).ended;
  expect((await run("run", "--until", "caught-up")).code).toBe(0);
  project.write("keys.csv", "user_id\nuser_000006\nuser_000001\nnobody\n");
  const many = ["erase", "--entity", "user", "--keys-file", "keys.csv"];
  expect((await run(...many, "--check")).stdout).toMatch(
    /the stores hold rows of these 3 keys of user\n$/,
  );
  const erased = await run(...many, "--now", "--receipt", "receipt.json");
  expect([erased.code, erased.stderr]).toEqual([0, ""]);
  const receipt = JSON.parse(project.read("receipt.json")) as Record<string, unknown>;
  expect(receipt["keyHashes"]).toHaveLength(3);
  expect(erased.audit).toMatchObject([{ entity: "user", keys: 3, receipt: receipt["id"] }]);
  for (const user of ["user_000006", "user_000001"])
    expect(await filesWith(project, user)).toEqual([]);
  expect((await filesWith(project, "user_000002")).length).toBeGreaterThan(2);
  expect((await run(...many, "--check")).code).toBe(0);

  for (const [content, code, text] of [
    ["user_id,name\nuser_000002,Ann\n", 1, "keys.csv:1: the columns must be the keys of user"],
    ["user_id\n", 1, "ENTITIES_INVALID"],
    ['user_id\na\n"\n', 1, "ENTITIES_INVALID"],
  ] as const) {
    project.write("keys.csv", content);
    const refused = await run(...many);
    expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(text)]);
  }
  const both = await run(...many, "--key", "user_id=1");
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("either --key or")]);
});

test("a source that drops undeclared columns keeps none of them", async () => {
  for (const [option, kept] of [
    ["", true],
    ['undeclared: "drop",', false],
  ] as const) {
    const project = bankProject();
    project.write("tidemark.config.ts", config);
    project.write(
      "features.ts",
      definitions.replace('primaryKey: ["id"],', `primaryKey: ["id"], ${option}`),
    );
    expect((await project.start(["run", "--until", "caught-up"]).ended).code).toBe(0);
    expect((await filesWith(project, '"User ID":')).length).toBeGreaterThan(0);
    expect((await filesWith(project, '"Transaction ID":')).length > 0, option).toBe(kept);
  }
});

test("a wrong key and an unknown entity are named", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const run = async (...args: readonly string[]) => project.start(args).ended;
  const other = await run("erase", "--entity", "usr", "--key", "user_id=1");
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("ENTITY_UNKNOWN")]);
  const wrong = await run("erase", "--entity", "user", "--key", "id=1");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("user_id")]);
  const none = await run("erase", "--entity", "user");
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringContaining("--key user_id=VALUE is missing"),
  ]);
});
