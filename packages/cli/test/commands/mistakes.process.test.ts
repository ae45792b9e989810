/** Tests what `run` and `status` say of mistakes in names and types. */
import { expect, test } from "vitest";
import { bankProject, definitions } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const config = (run = ""): string => `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
  ${run}
});
`;

/** A recording of 150 rows, one a minute. */
function recording(): string {
  const rows = Array.from({ length: 150 }, (_, i) => {
    const time = new Date(Date.UTC(2025, 2, 1) + i * 60_000).toISOString();
    const source = { connector: "postgresql", name: "bank", db: "bank", schema: "public" };
    const value = {
      before: null,
      after: {
        id: i,
        "User ID": `user_${i % 7}`,
        Vendor: "a",
        Sources: "b",
        Amount: 1,
        Time: time,
      },
      source: {
        ...source,
        table: "transaction_data",
        ts_ms: Date.parse(time) + 1_000,
        lsn: 100 + i,
      },
      op: "c",
    };
    const place = { topic: "bank.public.transaction_data", partition: 0, offset: i };
    return {
      ...place,
      timestamp: 1,
      key: `{"id":${i}}`,
      value: JSON.stringify(value),
      headers: {},
    };
  });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function projectOf(features: string, run = ""): Project {
  const project = bankProject();
  project.write("topic.jsonl", recording());
  project.write("features.ts", features);
  project.write("tidemark.config.ts", config(run));
  return project;
}

const run = (project: Project, ...more: string[]) =>
  project.run("run", "--until", "caught-up", "--quiet", ...more);

test("a mistyped table is told, and its source is not ready", async () => {
  const project = projectOf(
    definitions.replace("public.transaction_data", "public.transactoin_data"),
  );
  const { code, stdout } = await run(project);
  expect(code).toBe(0);
  const likely =
    'a source declares table "public.transactoin_data"; did you mean "public.transaction_data"? ' +
    'Then declare table: "public.transaction_data", with renamedFrom: "public.transactoin_data" ' +
    "if the table was renamed\n";
  for (const text of ["150 messages of bank.public.transaction_data belong to no source", likely])
    expect(stdout).toContain(text);
  const status = await project.run("status");
  expect(status.code).toBe(3);
  expect(status.stdout).toContain(
    "not ready, NOT_READY: no message is of its table public.transactoin_data, and 150 messages " +
      "of bank.public.transaction_data belong to no source: correct the table and run again",
  );
  const ignored = await run(project, "--mismatch", "ignore");
  expect(ignored.code).toBe(0);
  expect(await project.run("status")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("wrong definition? no message is of its table"),
  });
});

test("a corrected table needs one run, and no backfill", async () => {
  const project = projectOf(
    definitions.replace("public.transaction_data", "public.transactoin_data"),
  );
  await run(project);
  project.write("features.ts", definitions);
  expect((await run(project)).code).toBe(0);
  const { code, stdout } = await project.run("status");
  expect(code).toBe(0);
  expect(stdout).not.toContain("belong to no source");
});

test("the configuration sets the share of rows that may be unusable", async () => {
  const wrong = definitions
    .replace('string("User ID")', 'int64("User ID")')
    .replace("user_id: string()", "user_id: int64()");
  const refused = projectOf(wrong);
  expect(await run(refused)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("SOURCE_MISMATCH"),
  });
  const { stdout } = await refused.run("status");
  expect(stdout).toContain('wrong definition? 100 of 100 rows, column "user_id" (NOT_AN_INTEGER)');
  expect(stdout).toContain('its value is "user_0"');
  const taken = projectOf(wrong, 'run: { mismatch: "ignore" },');
  expect((await run(taken)).code).toBe(0);
  expect(
    await run(projectOf(wrong, 'run: { mismatch: "ignore" },'), "--mismatch", "0.5"),
  ).toMatchObject({ code: 1, stderr: expect.stringContaining("SOURCE_MISMATCH") });
});
