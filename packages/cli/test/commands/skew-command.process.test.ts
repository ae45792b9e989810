/** `tidemark serve` logs what it answers, and `tidemark skew` computes it again. */
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";

const config = `
import { defineConfig } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
  servingLog: {},
});
`;

test("a server's answers have no skew, and a changed definition is told", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  expect((await project.run("skew")).stderr).toMatch(/SERVING_LOG_MISSING/);
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);

  const { child, ended } = project.start(["serve", "--port", "0", "--json"]);
  const { address } = JSON.parse(await child.line()) as { address: string };
  const ask = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${address}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status, await answer.text()).toBe(200);
  };
  const users = ["user_000006", "user_000007", "nobody"];
  const entities = users.map((user_id) => ({ user_id }));
  await ask("/v1/services/fraud_v1/features", { entities });
  await ask("/v1/features", { features: ["weekly_activity:mean"], entities });
  await ask("/get-online-features", { feature_service: "fraud_v1", entities: { user_id: users } });
  const metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).toMatch(/^tidemark_serving_log_queued_rows \d+$/m);
  expect(metrics).toMatch(/^tidemark_serving_log_lost_rows_total\{reason="queue_full"\} 0$/m);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);

  const whole = await project.run("skew", "--json");
  const report = JSON.parse(whole.stdout);
  expect(report).toMatchObject({
    answers: 9,
    compared: 2 * 3 * 7 + 3,
    wrong: { values: 0, bits: 0 },
    late: { values: 0, bits: 0 },
    notInHistory: 0,
    examples: [],
  });
  expect(whole.code).toBe(0);
  const service = await project.run(
    "skew",
    "--service",
    "fraud_v1",
    "--feature",
    "weekly_activity:mean",
  );
  expect(service.stdout).toMatch(
    /^6 answers from \S+ to \S+: 6 values computed again, 0 values \(0 bits\) wrong\n$/,
  );

  // the rows as of then count otherwise under another definition
  const { definitions } = await import("../support/bank.ts");
  project.write("features.ts", definitions.replace('count().over("7d")', 'count().over("6d")'));
  const changed = await project.run("skew", "--quiet");
  expect(changed.stdout).toMatch(/^weekly_activity:number {2}6 of another definition\n9 answers/);
  expect(changed.code).toBe(0);
});

test("wrong options are refused", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  for (const [args, code] of [
    [["--examples", "many"], 2],
    [["--from", "yesterday"], 1],
  ] as const)
    expect((await project.run("skew", ...args)).code, args.join(" ")).toBe(code);
  project.write("tidemark.config.ts", config.replace("servingLog: {}", "servingLog: { rate: 1 }"));
  const refused = await project.run("run", "--until", "caught-up");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/OPTION_UNKNOWN/)]);
});
