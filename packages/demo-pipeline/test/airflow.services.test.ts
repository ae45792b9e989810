/**
 * Runs the bank's DAGs in a real Airflow, with the real command, PostgreSQL, Debezium, Kafka, a
 * Delta lake and SQLite. The results of the nights are compared with PostgreSQL's rows.
 */
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import type { SparkEngineOptions } from "@tidemark/engine-spark";
import { startPipeline, type Pipeline } from "@tidemark/testkit/services";
import { sparkJars } from "@tidemark/testkit/services/toolchain";
import { registerConnector } from "@tidemark/source-debezium";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { type Child, startProgram } from "@tidemark/testkit/child-process";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  airflow,
  pythonReaders,
  realPipeline,
  sparkReader,
  suiteNeeding,
} from "@tidemark/testkit/needs";
import * as features from "../src/features.ts";
import { createBank } from "../src/postgres-bank.ts";
import { transactionRows, weeklyFromRows, type TableRow } from "../src/postgres-rows.ts";
import { breakableProxy, type BreakableProxy } from "./support/breakable-proxy.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const dags = join(root, "docker", "airflow", "dags");
const { path: program, missing } = airflow();
const ZONE = "Asia/Ho_Chi_Minh";
const USERS = 30;
const COMMAND =
  `${process.execPath} --conditions=@tidemark/source --disable-warning=ExperimentalWarning ` +
  `${join(root, "packages/cli/src/bin.ts")}`;

/** Runs Airflow in its own home, separate from every other Airflow of this machine. */
class Airflow {
  readonly home = mkdtempSync(join(tmpdir(), "tidemark-airflow-"));
  readonly env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.env = {
      ...process.env,
      AIRFLOW_HOME: this.home,
      AIRFLOW__CORE__DAGS_FOLDER: dags,
      AIRFLOW__CORE__LOAD_EXAMPLES: "False",
      PATH: [dirname(program), process.env["PATH"]].join(delimiter),
      PYTHONDONTWRITEBYTECODE: "1",
      NO_COLOR: "1",
      BANK_FIRST_NIGHT: "2026-02-01",
      BANK_RETRY_SECONDS: "1",
      BANK_WAIT_POKE_SECONDS: "2",
      ...env,
    };
  }

  start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    return startProgram(command, args, { cwd: this.home, env: { ...this.env, ...env } });
  }

  async run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
    return (await this.start(program, args, env).succeeded()).output;
  }

  /**
   * Runs `airflow dags test`: every task of that night's run with its retries, as the scheduler
   * would.
   */
  night(dag: "bank_daily" | "bank_weekly_features", date: string, env?: NodeJS.ProcessEnv): Child {
    return this.start(
      program,
      ["dags", "test", dag, `${date}T${dag === "bank_daily" ? "22" : "23"}:00:00+00:00`],
      env,
    );
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Returns the commands that a try of a task called. */
const called = (output: string): readonly string[] =>
  output.split("\n").flatMap((line) => /\$ tidemark (.*?) +\[airflow/.exec(line)?.[1] ?? []);

/** Converts counts, which are int64 in the table. */
const counts = (row: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name.startsWith("num_") ? BigInt(value as number) : value,
    ]),
  );

const lastLine = (output: string): string => output.trimEnd().split("\n").at(-1)!;

test("the image is of the Airflow that these tests run", () => {
  const [, image] = /^FROM apache\/airflow:(\S+)$/m.exec(
    readFileSync(join(root, "docker/airflow/Dockerfile"), "utf8"),
  )!;
  const [, pinned] = /^apache-airflow==(\S+)$/m.exec(
    readFileSync(join(root, "scripts/airflow-requirements.txt"), "utf8"),
  )!;
  expect(image).toBe(pinned);
  expect(readFileSync(join(root, "docker/compose.yaml"), "utf8")).toContain(
    `image: tidemark-airflow:${pinned}`,
  );
});

suiteNeeding({ missing }, "the bank's DAGs, as Airflow reads them", () => {
  const own = new Airflow();
  afterAll(() => {
    own.remove();
  });

  const script = (body: string, ...args: readonly string[]): Promise<unknown> =>
    own
      .start(join(dirname(program), "python"), [
        "-c",
        `import json, sys; sys.path.insert(0, ${JSON.stringify(dags)})\n${body}`,
        ...args,
      ])
      .ended.then(({ code, output }) => {
        if (code !== 0) throw new Error(output);
        return JSON.parse(lastLine(output)) as unknown;
      });

  test("both DAGs exist with hours, retries and limits; the second waits", async () => {
    const told = await script(`
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(${JSON.stringify(dags)})
def dag(d):
    return {"expression": d.timetable.expression, "zone": str(d.timetable.timezone),
        "catchup": d.catchup, "runs": d.max_active_runs,
        "tasks": {t.task_id: {"after": sorted(t.upstream_task_ids), "retries": t.retries,
            "backoff": bool(t.retry_exponential_backoff),
            "bounded": t.execution_timeout is not None} for t in d.tasks}}
wait = bag.dags["bank_weekly_features"].get_task("daily_is_in")
print(json.dumps({"errors": bag.import_errors, "dags": {n: dag(d) for n, d in bag.dags.items()},
    "wait": [wait.external_dag_id, wait.external_task_ids, wait.execution_delta.total_seconds(),
        wait.mode, wait.allowed_states, wait.failed_states, wait.timeout]}))`);
    const task = { retries: 4, backoff: true };
    expect(told).toEqual({
      errors: {},
      dags: {
        bank_daily: {
          expression: "0 22 * * *",
          zone: "UTC",
          catchup: true,
          runs: 1,
          tasks: {
            load: { ...task, after: [], bounded: true },
            stream: { ...task, after: ["load"], bounded: true },
          },
        },
        bank_weekly_features: {
          expression: "0 23 * * *",
          zone: "UTC",
          catchup: true,
          runs: 7,
          tasks: {
            daily_is_in: { ...task, after: [], bounded: false },
            features: { ...task, after: ["daily_is_in"], bounded: true },
          },
        },
      },
      wait: ["bank_daily", null, 3600, "reschedule", ["success"], [], 23 * 3600],
    });
  });

  test("the bank's day is the last finished day in Ho Chi Minh City, at every turn", async () => {
    const moments = [
      "2026-02-28T22:00Z",
      "2028-02-28T22:00Z",
      "2028-02-29T23:00Z",
      "2026-12-31T22:00Z",
      "2027-01-01T23:00Z",
      "2026-06-30T22:00Z",
      "2026-11-01T22:00Z",
      "2026-03-01T16:59:59Z",
      "2026-03-01T17:00Z",
      "2026-03-02T00:00Z",
    ];
    // an independent computation: Intl's calendar of the zone, second by second back to the day
    // before
    const newest = (moment: string): string => {
      const day = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, dateStyle: "short" });
      const now = Date.parse(moment.replace(/T(..:..)Z/, "T$1:00Z"));
      let before = now;
      while (day.format(before) === day.format(now)) before -= 1000;
      return day.format(before);
    };
    const told = await script(
      `
from types import SimpleNamespace
from datetime import datetime
from tidemark_operator import bank_day
at = [datetime.fromisoformat(one.replace("Z", "+00:00")) for one in sys.argv[1:]]
def day(end, after):
    return bank_day(SimpleNamespace(data_interval_end=end, run_after=after))
print(json.dumps([[day(one, None) for one in at], [day(None, one) for one in at]]))`,
      ...moments,
    );
    const days = moments.map(newest);
    expect(days.slice(0, 4)).toEqual(["2026-02-28", "2028-02-28", "2028-02-29", "2026-12-31"]);
    expect(told).toEqual([days, days]);
  });

  test("unrecoverable errors fail for good; transient errors fail the try", async () => {
    const told = (await script(
      `
import os
from tidemark_operator import TidemarkOperator
def ends(env, arguments):
    os.environ.update(env)
    task = TidemarkOperator(task_id="one", arguments=arguments)
    try:
        return ["done", TidemarkOperator.execute.__wrapped__(task, {})]
    except Exception as error:
        return [type(error).__name__, str(error)]
real, config = sys.argv[1:]
print(json.dumps([
    ends({"TIDEMARK": real, "TIDEMARK_CONFIG": config}, ["load", "--dat", "2026-02-28"]),
    ends({"TIDEMARK_CONFIG": "nowhere.ts"}, ["load"]),
    ends({"TIDEMARK_CONFIG": config, "POSTGRES_PASSWORD": "x", "POSTGRES_PORT": "1"},
        ["load", "--date", "2026-02-28"]),
    ends({"TIDEMARK": "/no/such/command"}, ["load"]),
]))`,
      COMMAND,
      join(root, "packages/demo-pipeline/tidemark.config.ts"),
    )) as [string, string][];
    expect(told.map(([is]) => is)).toEqual([
      "AirflowFailException",
      "AirflowFailException",
      "AirflowException",
      "AirflowFailException",
    ]);
    expect(told[0]![1]).toContain("ended with 2");
    expect(told[1]![1]).toContain("CONFIG_NOT_FOUND");
    expect(told[2]![1]).toContain("DATABASE_UNREACHABLE");
    expect(told[3]![1]).toContain("name the command in TIDEMARK");
  });
});

suiteNeeding({ missing: missing ?? realPipeline().missing }, "the bank's nights in Airflow", () => {
  let pipeline: Pipeline;
  let way: BreakableProxy;
  let database: pg.Pool;
  let own: Airflow;
  const lake = (): ReturnType<typeof deltaOfflineStore> =>
    deltaOfflineStore(localObjects(join(own.home, "lake")));

  beforeAll(async () => {
    pipeline = await startPipeline();
    const { postgres, inside, connect, kafka } = pipeline;
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query("CREATE DATABASE bank");
    await admin.end();
    database = new pg.Pool({ connectionString: postgres.url.replace(/[^/]*$/, "bank") });
    database.on("error", () => undefined);
    await createBank(database);
    await registerConnector({
      url: connect.url,
      name: "bank",
      database: {
        ...inside.postgres,
        user: postgres.user,
        password: postgres.password,
        name: "bank",
      },
      tables: ["public.transaction_data", "public.customer_data"],
      timeLimit: "2m",
    });
    way = await breakableProxy(postgres);
    own = new Airflow({
      TIDEMARK: COMMAND,
      TIDEMARK_CONFIG: join(root, "packages/demo-pipeline/tidemark.config.ts"),
      POSTGRES_HOST: "127.0.0.1",
      POSTGRES_PORT: String(way.port),
      POSTGRES_DB: "bank",
      POSTGRES_USER: postgres.user,
      POSTGRES_PASSWORD: postgres.password,
      KAFKA_BROKERS: kafka.brokers.join(","),
      BANK_USERS: String(USERS),
      BANK_TRANSACTIONS_PER_DAY: "120",
    });
    Object.assign(own.env, {
      BANK_LAKE: join(own.home, "lake"),
      BANK_ONLINE: join(own.home, "online.db"),
    });
    await own.run(["db", "migrate"]);
  }, 600_000);
  afterAll(async () => {
    await way?.close();
    await database?.end();
    await pipeline?.stop();
    own?.remove();
  });

  const rowsThere = async (): Promise<readonly TableRow[]> =>
    (await transactionRows(database)).toSorted((a, b) => (a.key < b.key ? -1 : 1));

  /** Reads the day's partition of the features table, by user. */
  async function materialized(date: string): Promise<ReadonlyMap<string, Record<string, unknown>>> {
    const found = new Map<string, Record<string, unknown>>();
    const table = "weekly_activity/features";
    if ((await lake().state(table, {})) === null) return found;
    for await (const batch of lake().scan(table, {
      columns: ["user_id", "date", "event_timestamp", ...Object.keys(weeklyFromRows([], 0))],
    })) {
      for (let i = 0; i < batch.length; i++) {
        const row = Object.fromEntries(
          batch.vectors.map((vector, c) => [batch.columns[c]!.name, valueAt(vector, i)]),
        );
        if (row["date"] !== date) continue;
        expect(
          found.has(String(row["user_id"])),
          `two rows of ${String(row["user_id"])} on ${date}`,
        ).toBe(false);
        found.set(String(row["user_id"]), row);
      }
    }
    return found;
  }

  /** Checks that the table, the online store and PostgreSQL's rows agree on the day, to the bit. */
  async function expectFeaturesOf(date: string): Promise<void> {
    const end = Date.parse(`${date}T17:00:00Z`); // midnight in Ho Chi Minh City
    const byUser = new Map<string, TableRow[]>();
    for (const row of await rowsThere())
      byUser.set(String(row.values[0]), [...(byUser.get(String(row.values[0])) ?? []), row]);
    const rows = await materialized(date);
    expect(rows.size).toBeGreaterThan(USERS / 2);
    const online = await openStore({
      definitions: features,
      namespace: "bank",
      online: sqliteOnlineStore(join(own.home, "online.db")),
    });
    try {
      for (const [user_id, own] of byUser) {
        const expected = weeklyFromRows(own, end);
        const row = rows.get(user_id);
        if (row === undefined)
          expect(expected["num_transactions_l1w"], `${user_id} on ${date}`).toBe(0);
        else
          expect(row, `${user_id} on ${date}`).toEqual({
            user_id,
            date,
            event_timestamp: end * 1000,
            ...counts(expected),
          });
        const [served] = await online.getMaterialized({
          view: features.weekly,
          entities: [{ user_id }],
        });
        expect(served === null, `${user_id} online`).toBe(row === undefined);
        if (served !== null && served !== undefined)
          expect(served).toEqual({ event_timestamp: new Date(end), ...expected });
      }
      for (const user of rows.keys()) expect(byUser.has(user)).toBe(true);
    } finally {
      await online.close();
    }
  }

  test(
    "a night: the day arrives, and the week's features equal those of PostgreSQL's rows",
    { timeout: 400_000 },
    async () => {
      const daily = await own.night("bank_daily", "2026-02-27").ended;
      expect(daily.code, daily.output).toBe(0);
      expect(called(daily.output)).toEqual([
        "load --job bank --date 2026-02-27",
        "run --changes bank --until caught-up",
      ]);
      const weekly = await own.night("bank_weekly_features", "2026-02-27").ended;
      expect(weekly.code, weekly.output).toBe(0);
      expect(called(weekly.output)).toEqual([
        "materialize --view weekly_activity --date 2026-02-27",
      ]);
      expect((await rowsThere()).length).toBeGreaterThan(100);
      await expectFeaturesOf("2026-02-27");
    },
  );

  test(
    "a poisoned day fails and leaves nothing; the weekly run waits until it is mended",
    { timeout: 400_000 },
    async () => {
      const before = await rowsThere();
      await database.query(`CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE 'poisoned'; END $$;
      CREATE TRIGGER poison BEFORE INSERT ON public.transaction_data EXECUTE FUNCTION poison()`);
      const failed = await own.night("bank_daily", "2026-02-28", { BANK_RETRIES: "1" }).ended;
      expect(failed.code, failed.output).toBe(1);
      expect(called(failed.output)).toEqual([
        "load --job bank --date 2026-02-28",
        "load --job bank --date 2026-02-28",
      ]);
      expect(failed.output).toContain("a trigger or a function of the database refused it");
      expect(await rowsThere()).toEqual(before);

      const weekly = own.night("bank_weekly_features", "2026-02-28");
      await weekly.printed("Rescheduling task", { seconds: 300 });
      expect((await materialized("2026-02-28")).size).toBe(0);
      await database.query("DROP TRIGGER poison ON public.transaction_data");
      const mended = await own.night("bank_daily", "2026-02-28").ended;
      expect(mended.code, mended.output).toBe(0);
      const after = await weekly.ended;
      expect(after.code, after.output).toBe(0);
      expect(called(after.output)).toEqual([
        "materialize --view weekly_activity --date 2026-02-28",
      ]);
      expect((await rowsThere()).length).toBeGreaterThan(before.length + 80);
      await expectFeaturesOf("2026-02-28");
    },
  );

  test(
    "a database outage of one try delays the day; a repeated night changes nothing",
    { timeout: 400_000 },
    async () => {
      way.refuse();
      const daily = own.night("bank_daily", "2026-03-01");
      await daily.printed("new_state=up_for_retry", { seconds: 300 });
      way.allow();
      const ended = await daily.ended;
      expect(ended.code, ended.output).toBe(0);
      expect(called(ended.output).filter((one) => one.startsWith("load")).length).toBeGreaterThan(
        1,
      );
      const rows = await rowsThere();
      const weekly = await own.night("bank_weekly_features", "2026-03-01").ended;
      expect(weekly.code, weekly.output).toBe(0);
      await expectFeaturesOf("2026-03-01");

      for (const again of await Promise.all([
        own.night("bank_daily", "2026-03-01").ended,
        own.night("bank_weekly_features", "2026-03-01").ended,
      ]))
        expect(again.code, again.output).toBe(0);
      expect(await rowsThere()).toEqual(rows);
      await expectFeaturesOf("2026-03-01");
    },
  );

  test.skipIf(sparkReader().missing !== null)(
    "the features of a night computed on Spark",
    { timeout: 400_000 },
    async () => {
      const python = pythonReaders().path;
      const submit = join(own.home, "submit.sh");
      const submitted = join(own.home, "submitted");
      writeFileSync(
        submit,
        `#!/bin/sh\ntouch ${submitted}\nexec ${join(dirname(python), "spark-submit")} "$@"\n`,
        { mode: 0o755 },
      );
      const jars = readdirSync(sparkJars).filter((name) => name.endsWith(".jar"));
      const options: Partial<SparkEngineOptions> = {
        submit,
        master: "local[2]",
        node: process.execPath,
        partitions: 2,
        env: { PYSPARK_PYTHON: python },
        conf: {
          "spark.jars": jars.map((jar) => join(sparkJars, jar)).join(","),
          "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
          "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
          "spark.databricks.delta.snapshotPartitions": "1",
          "spark.sql.shuffle.partitions": "2",
          "spark.driver.bindAddress": "127.0.0.1",
          "spark.driver.host": "127.0.0.1",
          "spark.ui.enabled": "false",
        },
      };
      const weekly = await own.night("bank_weekly_features", "2026-03-01", {
        BANK_ENGINE: "spark",
        BANK_SPARK: JSON.stringify(options),
        BANK_STAGING: join(own.home, "staging"),
      }).ended;
      expect(weekly.code, weekly.output).toBe(0);
      expect(called(weekly.output)).toEqual([
        "materialize --view weekly_activity --date 2026-03-01 --engine spark",
      ]);
      expect(existsSync(submitted)).toBe(true);
      await expectFeaturesOf("2026-03-01");
    },
  );
});
