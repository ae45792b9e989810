/** Tests the audit lines of commands that change stores: who, what, and how it ended. */
import { existsSync, statSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

function bank(more = ""): Project {
  const project = bankProject();
  project.write(
    "tidemark.config.ts",
    `
import { defineConfig, env } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  namespace: "bank",
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { bank: () => recordedTopic("topic.jsonl") },
  secrets: { word: env("TIDEMARK_TEST_WORD") },
  ${more}
});
`,
  );
  return project;
}

test("commands write who, what and how it ended; those that only read write nothing", async () => {
  const project = bank();
  const user = `${userInfo().username}@${hostname()}`;
  const audited = async (...args: string[]): Promise<unknown> => (await project.run(...args)).audit;
  expect(await audited("plan")).toEqual([]);
  expect(await audited("apply", "--by", "release 7", "--quiet")).toEqual([
    {
      level: 30,
      time: expect.any(Number) as number,
      pid: expect.any(Number) as number,
      audit: true,
      action: "apply",
      outcome: "done",
      user,
      namespace: "bank",
      by: "release 7",
      allowDestructive: false,
      version: 1,
      changes: expect.arrayContaining([expect.stringMatching(/^added view /)]) as string[],
      msg: "audit",
    },
  ]);
  expect((await project.run("run", "--changes", "bank")).code).toBe(0);
  expect(await audited("materialize", "--date", "2025-03-05")).toMatchObject([
    { action: "materialize", outcome: "done", user, days: 1 },
  ]);
  expect(await audited("materialize", "--date", "2999-01-01")).toMatchObject([
    { action: "materialize", outcome: "failed", code: "DATE_INVALID" },
  ]);
  expect(await audited("backfill")).toMatchObject([{ action: "backfill", outcome: "done" }]);
  expect(await audited("optimize")).toMatchObject([{ action: "optimize", outcome: "done" }]);
  expect(await audited("vacuum", "--dry-run")).toMatchObject([
    { action: "vacuum", outcome: "done", dryRun: true, filesRemoved: 0 },
  ]);
  expect(await audited("retry", "--changes", "bank")).toMatchObject([
    { action: "retry", outcome: "done", changes: "bank", taken: 0 },
  ]);
  expect(await audited("resnapshot", "nowhere")).toMatchObject([
    { action: "resnapshot", outcome: "failed", code: "SOURCE_UNKNOWN", source: "nowhere" },
  ]);
  expect(await audited("load", "--date", "2025-03-05")).toMatchObject([
    { action: "load", outcome: "failed", code: "CONFIG_INVALID" },
  ]);
  expect(await audited("apply", "--allow-destructve")).toEqual([]);
  expect(await audited("status")).toEqual([]);

  const shown = await project.run("audit", "--json");
  const { namespace, audits } = JSON.parse(shown.stdout) as {
    namespace: string;
    audits: readonly Readonly<Record<string, unknown>>[];
  };
  expect(namespace).toBe("bank");
  expect(audits.map(({ action, outcome, code, by }) => [action, outcome, code, by])).toEqual([
    ["retry", "done", null, user],
    ["backfill", "done", null, user],
    ["materialize", "refused", "DATE_INVALID", user],
    ["materialize", "done", null, user],
    ["apply", "done", null, "release 7"],
  ]);
  const refused = audits[2]!["at"] as string;
  const lines = (await project.run("audit", "--from", refused, "--limit", "3")).stdout.split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[2]).toMatch(/^\S+Z materialize .*refused \(DATE_INVALID\) by \S+: \d+\.\d s$/);
  expect((await project.run("audit", "--action", "apply")).stdout).toMatch(
    /^\S+Z apply done by release 7: version 1, \d+ changes, \d+\.\d s\n$/,
  );
  expect((await project.run("audit", "--action", "erase")).stdout).toBe(
    'namespace "bank": the audit table has no such action\n',
  );
  expect(await project.run("audit", "--action", "aply")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--action aply is none; did you mean "apply"?') as string,
  });
});

test("the lines go to the file of the configuration, which its owner alone reads", async () => {
  const project = bank('audit: { file: "audit.jsonl" },');
  const { code, stderr, audit } = await project.run("apply");
  expect([code, stderr, audit]).toEqual([0, "", []]);
  await project.run("apply");
  const lines = project.read("audit.jsonl").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { action: "apply", version: 1 },
    { action: "apply", version: 1, changes: [] },
  ]);
  expect(statSync(project.path("audit.jsonl")).mode & 0o777).toBe(0o600);
});

test("a file that cannot be written is refused before the command does anything", async () => {
  const project = bank('audit: { file: "nowhere/audit.jsonl" },');
  expect(await project.run("apply")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /CONFIG_NOT_OPENED: .*audit\.file: nowhere\/audit\.jsonl cannot be written \(ENOENT\)/,
    ) as string,
  });
  expect(existsSync(project.path("lake"))).toBe(false);
});

test("audit: { table: false } writes the log without the table", async () => {
  const project = bank("audit: { table: false },");
  expect((await project.run("apply")).audit).toMatchObject([{ action: "apply", version: 1 }]);
  expect((await project.run("audit", "--json")).stdout).toBe('{"namespace":"bank","audits":[]}\n');
  expect(existsSync(project.path("lake/audit"))).toBe(false);
});

test("audit: false turns the audit log off; another form is refused", async () => {
  expect((await bank("audit: false,").run("apply")).audit).toEqual([]);
  expect((await bank('audit: { path: "x" },').run("apply")).stderr).toContain(
    'audit must be true, false or { file: "path", table: false }',
  );
});
