/** Tests `tidemark explain`. The texts are core's, which has its own tests. */
import { startNode } from "@tidemark/testkit/child-process";
import { describe, expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const config = `
import { defineConfig } from "@tidemark/cli";
import * as definitions from "./features.ts";
export default defineConfig({ definitions });
`;

test("the plan of a service, a view and some features, from the definitions alone", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const some = await project.run("explain", "weekly_activity:number,weekly_activity:total");
  expect(some).toMatchObject({ code: 0, stderr: "" });
  expect(some.stdout.split("\n")).toEqual([
    "answers number int64, total float64",
    "needs user_id string",
    "derive",
    "  number = number",
    "  total = total",
    "  window by user_id, found in 7d",
    "    number = count() over 7d",
    "    total = sum(amount) over 7d",
    "    scan transactions: amount",
    "",
  ]);
  const service = await project.run("explain", "fraud_v1");
  expect(service.stdout).toContain("vendors = countDistinct(vendor) over 7d");
  expect((await project.run("explain", "weekly_activity")).stdout).toBe(service.stdout);
  const json = await project.run("explain", "fraud_v1", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: "fraud_v1",
    plan: { node: "derive", input: { node: "window", input: { source: "transactions" } } },
    needs: [{ name: "user_id", type: "string" }],
  });
});

test("a name that the definitions lack, and no name, are refused", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  expect(await project.run("explain", "fraud_v2")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SERVICE_UNKNOWN.*did you mean "fraud_v1"/) as string,
  });
  expect(await project.run("explain", "weekly_activity:numbr")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("FEATURE_UNKNOWN") as string,
  });
  expect(await project.run("explain")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("say which name: tidemark explain NAME") as string,
  });
});

const stores = `
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
});
`;

async function filledProject(): Promise<Project> {
  const project = bankProject();
  project.write("tidemark.config.ts", stores);
  expect(await project.run("run", "--until", "caught-up")).toMatchObject({ code: 0 });
  return project;
}

describe("the answer of one entity", () => {
  const asked = [
    "explain",
    "weekly_activity:total",
    "--entity",
    "user_id=user_000006",
    "--as-of",
    "2025-03-05T00:00:00Z",
  ];

  test("from the history, from the online store, as text, JSON and a test", async () => {
    const project = await filledProject();
    const text = await project.run(...asked);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(
      /^weekly_activity\.total of user_id "user_000006", as of 2025-03-05T/,
    );
    expect(text.stdout).toContain("the rows below give this answer again, bit for bit");
    expect(text.stdout).toMatch(/multi\.public\.transaction_data \d:\d+, order \d+/);

    const json = await project.run(...asked, "--json");
    const explanation = JSON.parse(json.stdout);
    expect(explanation).toMatchObject({
      from: "history",
      knowledge: "as-known",
      isReproduced: true,
    });

    const online = await project.run(...asked, "--from", "online", "--json");
    expect(JSON.parse(online.stdout)).toMatchObject({ from: "online", isReproduced: true });
    const corrected = await project.run(...asked, "--knowledge", "as-corrected", "--json");
    expect(JSON.parse(corrected.stdout).value).toBe(JSON.parse(online.stdout).value);

    const printed = await project.run(...asked, "--test");
    project.write("explained.test.ts", printed.stdout);
    const run = await startNode("explained.test.ts", [], { cwd: project.directory }).ended;
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("pass 1") as string]);
  });

  test("a wrong command line is refused with what helps", async () => {
    const project = bankProject();
    project.write("tidemark.config.ts", stores);
    const [command, feature, , ...rest] = asked;
    for (const [args, code, message] of [
      [
        [command, "fraud_v1", "--entity", "user_id=a"],
        2,
        /fraud_v1 has 7; write one, such as weekly/,
      ],
      [
        [command, feature, "--entity", "user=a"],
        2,
        /--entity: write KEY=VALUE, with user_id as KEY/,
      ],
      [[command, feature, "--entity", "user_id=a", "--entity", "user_id=b"], 2, /given twice/],
      [[command, feature, ...rest.slice(1)], 2, /--as-of is about the answer of one entity/],
      [[...asked, "--knowledge", "known"], 1, /OPTION_INVALID.*"as-known" or "as-corrected"/],
      [[...asked, "--max-rows", "many"], 1, /OPTION_INVALID.*maxRows is NaN/],
    ] as const) {
      const ended = await project.run(...args.map(String));
      expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message) as string]);
    }
  });
});
