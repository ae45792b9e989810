import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";

const config = `
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
});
`;

test("drift against days and a fixed profile, with an exit code for thresholds", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);
  const first = ["--from", "2025-03-01", "--to", "2025-03-02"];
  const second = ["drift", "transactions", "--from", "2025-03-02"];

  const days = await project.run(...second, "--reference", "2025-03-01..2025-03-02", "--json");
  const report = JSON.parse(days.stdout);
  expect(report.columns.map(({ column }: { column: string }) => column)).toEqual([
    "user_id",
    "vendor",
    "channel",
    "amount",
  ]);
  expect([days.code, report.drifted > 0, report.table]).toEqual([3, true, "transactions/drift"]);

  expect((await project.run("profile", "transactions", ...first, "--out", "p.json")).code).toBe(0);
  const fixed = await project.run(...second, "--reference", "p.json", "--json");
  expect(JSON.parse(fixed.stdout).columns).toEqual(report.columns);

  const loose = ["--threshold", "psi=50", "--threshold", "ks=1", "--column", "amount"];
  const text = await project.run(...second, "--reference", "p.json", ...loose);
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(
    /^source transactions, 2025-03-02 to …, against profile transactions: 12 rows against 18\n/,
  );
  expect(text.stdout).toMatch(/\ncolumn +psi +ks +jensenShannon +wasserstein +nullRate\namount /);
  expect(text.stdout).toMatch(/\n0 of 1 columns drifted \(beyond psi 50, ks 1\); table /);

  const wrong = await project.run(...second, "--reference", "p.json", "--threshold", "psi");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("as in psi=0.2")]);
  const missing = await project.run(...second, "--reference", "q.json");
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("DRIFT_INVALID")]);
});
