import { expect, test } from "vitest";
import { bankProject, definitions } from "../support/bank.ts";

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

const qualities = `
import { fresh, gt, holds, quality, unique, volume } from "@tidemark/core";
export const rows = quality("rows", {
  on: transactions,
  expect: { ids: unique(transactions.id), large: holds(gt(transactions.amount, LEAST)) },
});
export const days = quality("days", {
  on: transactions,
  severity: "warning",
  expect: { on_time: fresh("1s"), some: volume("1d", { atMost: 1000000 }) },
});
export const entities = quality("entities", {
  on: weekly,
  severity: "warning",
  expect: { counted: holds(gt(weekly.number, -1)) },
});
`;

test("quality reports over a Delta history, as text and JSON, and exits by severity", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  project.write("features.ts", definitions + qualities.replace("LEAST", "-1e9"));
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);

  const asOf = ["--as-of", "2099-01-01T00:00:00Z"];
  const whole = await project.run("quality", ...asOf, "--json");
  const report = JSON.parse(whole.stdout);
  expect(report.asOf).toBe("2099-01-01T00:00:00.000000Z");
  expect(
    report.results.map(({ quality, expectation, holds }: Record<string, unknown>) => [
      quality,
      expectation,
      holds,
    ]),
  ).toEqual([
    ["days", "on_time", false],
    ["days", "some", true],
    ["entities", "counted", true],
    ["rows", "ids", true],
    ["rows", "large", true],
  ]);
  expect(report.failed).toEqual({ error: 0, warning: 1 });
  expect(whole.code).toBe(0);

  const text = await project.run("quality", ...asOf, "--name", "days");
  expect(text.stdout).toMatch(
    /^warning days\.on_time, source transactions: the newest row at most 1s old; the newest is \d+/,
  );
  expect(text.stdout).toMatch(/\n2 expectations as of 2099-[^;]*; 1 of them does not hold: 0 of /);

  project.write("features.ts", definitions + qualities.replace("LEAST", "1e9"));
  const failed = await project.run("quality", ...asOf, "--name", "rows");
  expect(failed.code).toBe(3);
  expect(failed.stdout).toMatch(/\nerror {3}rows\.large,[^\n]*share 0\n {10}such as id \d+\n/);

  const unknown = await project.run("quality", "--name", "row");
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/QUALITY_UNKNOWN: no quality is called "row"/),
  ]);
});

test("--publish keeps the result for the metrics of a server", async () => {
  const project = bankProject();
  const online =
    'online: () => sqliteOnlineStore("online.db"),\n  offline: () => deltaOfflineStore(';
  project.write(
    "tidemark.config.ts",
    `import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";${config.replace(
      "offline: () => deltaOfflineStore(",
      online,
    )}`,
  );
  project.write("features.ts", definitions + qualities.replace("LEAST", "1e9"));
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);
  expect((await project.run("quality", "--publish", "--quiet")).code).toBe(3);
  const reference = ["--reference", "2025-03-01..2025-03-02"];
  const drift = await project.run("drift", "transactions", ...reference, "--publish");
  expect([drift.code, drift.stderr]).toEqual([expect.toBeOneOf([0, 3]), ""]);
  const { child, ended } = project.start(["serve", "--port", "0", "--json"]);
  const { address } = JSON.parse(await child.line()) as { readonly address: string };
  const text = await (await fetch(`${address}/metrics`)).text();
  child.kill("SIGTERM");
  await ended;
  expect(text).toContain(
    'tidemark_expectation_holds{quality="rows",expectation="large",severity="error"} 0\n',
  );
  expect(text).toContain(
    'tidemark_expectation_holds{quality="rows",expectation="ids",severity="error"} 1\n',
  );
  expect(text).toMatch(
    /^tidemark_drift_exceeded\{of="source transactions",column="amount"\} [01]$/m,
  );
});
