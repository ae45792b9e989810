/** The mapped tasks of docs/shards.md run in a real Airflow, and give the file of one process. */
import { mkdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram } from "@tidemark/testkit/child-process";
import { airflow, suiteNeeding } from "@tidemark/testkit/needs";
import { readParquet } from "@tidemark/delta";
import { valueAt } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { historyProject } from "../support/history-project.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const { path: program, missing } = airflow();

async function valuesOf(file: string): Promise<readonly unknown[]> {
  const rows: unknown[] = [];
  for await (const { length, vectors } of await readParquet(file))
    for (let i = 0; i < length; i++) rows.push(vectors.map((vector) => valueAt(vector, i)));
  return rows;
}

suiteNeeding({ missing }, "the shards of the page in Airflow", () => {
  test("all mapped tasks run, and then the finish", { timeout: 600_000 }, async () => {
    const { project } = await historyProject();
    for (const name of ["dags", "jobs", "airflow"]) mkdirSync(project.path(name));
    const label = (user: number, day: number): string =>
      JSON.stringify({
        user_id: `user_00000${user}`,
        event_timestamp: `2025-03-0${day}T00:00:00Z`,
      });
    const labels = [5, 2, 9].flatMap((day) => [3, 1, 6, 2, 9].map((user) => label(user, day)));
    project.write("jobs/labels.jsonl", `${labels.join("\n")}\n`);
    const page = readFileSync(join(root, "docs/shards.md"), "utf8");
    const [, code] = /```python\n(.*?)```/s.exec(page)!;
    const own = code!
      .replaceAll("/jobs/", `${project.path("jobs")}/`)
      .replace("labels.parquet", "labels.jsonl")
      .replace("SHARDS, JOB = 16,", "SHARDS, JOB = 3,");
    const dag = [
      "from datetime import datetime, timezone",
      "from airflow.sdk import DAG",
      "from tidemark_operator import TidemarkOperator",
      'with DAG("shards", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)):',
      ...own.split("\n").map((line) => `    ${line}`),
    ];
    project.write("dags/shards.py", `${dag.join("\n")}\n`);
    const operator = join(root, "docker/airflow/dags/tidemark_operator.py");
    project.write("dags/tidemark_operator.py", readFileSync(operator));
    const command = [
      process.execPath,
      "--conditions=@tidemark/source",
      "--disable-warning=ExperimentalWarning",
      join(root, "packages/cli/src/bin.ts"),
    ];
    const env = {
      AIRFLOW_HOME: project.path("airflow"),
      AIRFLOW__CORE__DAGS_FOLDER: project.path("dags"),
      AIRFLOW__CORE__LOAD_EXAMPLES: "False",
      PATH: [dirname(program), process.env["PATH"]].join(delimiter),
      PYTHONDONTWRITEBYTECODE: "1",
      NO_COLOR: "1",
      TIDEMARK: command.join(" "),
      TIDEMARK_CONFIG: project.path("tidemark.config.ts"),
      TIDEMARK_DIRECTORY: project.directory,
    };
    const run = (...args: readonly string[]) =>
      startProgram(program, args, { cwd: project.directory, env }).ended;
    expect(await run("db", "migrate")).toMatchObject({ code: 0 });
    const { output } = await run("dags", "test", "shards", "2026-02-28T22:00:00+00:00");
    const called = [...output.matchAll(/\$ tidemark (shard|finish|training-set) /g)];
    expect(
      called.map(([, name]) => name),
      output.slice(-3000),
    ).toEqual(["training-set", "shard", "shard", "shard", "finish"]);
    const whole = ["--service", "fraud_v1", "--entities", "jobs/labels.jsonl"];
    expect(await project.run("training-set", ...whole, "--out", "whole.parquet")).toMatchObject({
      code: 0,
    });
    const rows = await valuesOf(project.path("jobs/2026-02-28.parquet"));
    expect(rows).toEqual(await valuesOf(project.path("whole.parquet")));
    expect(rows).toHaveLength(labels.length);
  });
});
