import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bankProject, finalRows } from "../support/bank.ts";

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

test("profile shows what the database held, of a source, a view and a file", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);
  const rows = finalRows("multi.transaction_data.final.csv");
  const amounts = rows.map((row) => Number(row["Amount"])).sort((a, b) => a - b);
  const days = new Map<string, number>();
  for (const row of rows) {
    const day = row["Time"]!.slice(0, 10);
    days.set(day, (days.get(day) ?? 0) + 1);
  }

  const whole = await project.run("profile", "transactions", "--json", "--out", "then.json");
  expect([whole.code, whole.stderr]).toEqual([0, ""]);
  const report = JSON.parse(whole.stdout);
  expect(report.days.map((one: { day: string; rows: number }) => [one.day, one.rows])).toEqual(
    [...days].sort(),
  );
  const amount = report.all.columns.find(({ column }: { column: string }) => column === "amount");
  expect(amount).toMatchObject({
    rows: rows.length,
    min: amounts[0],
    max: amounts.at(-1),
    distinct: new Set(amounts).size,
    isExact: true,
  });
  const sum = amounts.reduce((a, b) => a + b);
  expect(amount.mean).toBeCloseTo(sum / rows.length, 12);
  expect(JSON.parse(readFileSync(project.path("then.json"), "utf8"))).toMatchObject({
    format: "tidemark-profile-1",
    name: "transactions",
  });

  const text = await project.run("profile", "transactions", "--by-day", "--column", "vendor");
  expect(text.stdout).toMatch(
    /^source transactions: 30 rows of 2 days, 2025-03-01 to 2025-03-02; 0 days were counted now; /,
  );
  expect(text.stdout).toMatch(
    /\n2025-03-01: 18 rows\ncolumn +nulls +distinct +min [^\n]*\nvendor /,
  );
  expect(text.stdout).toMatch(/\nvendor: Grocery 38\.9 %, Sport 33\.3 %, Hospital 27\.8 %\n/);

  const materialized = ["materialize", "--date", "2025-03-01", "--no-online"];
  expect((await project.run(...materialized)).code).toBe(0);
  const view = await project.run("profile", "weekly_activity", "--json");
  expect(JSON.parse(view.stdout)).toMatchObject({
    of: { kind: "view" },
    table: "weekly_activity/feature_profiles",
    days: [{ day: "2025-03-01", rows: 7 }],
  });

  const features = readdirSync(project.path("lake/weekly_activity/features"), {
    recursive: true,
    encoding: "utf8",
  }).find((name) => name.endsWith(".parquet"))!;
  const file = await project.run("profile", `lake/weekly_activity/features/${features}`, "--json");
  expect(JSON.parse(file.stdout)).toMatchObject({ of: { kind: "rows" }, all: { rows: 7 } });

  const unknown = await project.run("profile", "transaction");
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    expect.stringMatching(/"transaction" is no source, view, service or file; did you mean/),
  ]);
});
