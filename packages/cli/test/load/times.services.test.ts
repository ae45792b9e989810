/**
 * `tidemark load` reads times by one rule (law 10): the same text is the same instant in the
 * database, as event time and as label.
 */
import { renameSync } from "node:fs";
import { expect, test } from "vitest";
import { pythonReaders, realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { LoadProject } from "../support/load-project.ts";

const job = (rows: string, more = ""): string =>
  `payments: { database: ({ secrets }) => secrets.database, table: "public.payments", rows: ` +
  `${rows}, ${more} }`;
const file = (end: string): string => job(`{ file: "rows-{date}.${end}" }`);
const BERLIN = "Europe/Berlin";
const TABLE = `CREATE TABLE public.payments (id bigint PRIMARY KEY, at timestamptz, local timestamp,
  day date, clock time, times timestamptz[])`;
const berlin = (text: string): Promise<LoadProject> =>
  LoadProject.over(text, { table: TABLE, zone: BERLIN });
const load = (project: LoadProject, ...more: string[]) =>
  project.run("load", "--date", "2025-10-26", ...more);
const utc = async (project: LoadProject): Promise<unknown[]> =>
  (await project.rows("at AT TIME ZONE 'UTC' AS at")).map((row) => row["at"]);

suiteNeeding(realPipeline(), "times of a load", () => {
  test("CSV, JSON lines, functions and queries give the same instants", async () => {
    const TIMES = [
      ["2025-10-26 02:30:00", "2025-10-26 00:30:00"], // comes twice: the first
      ["2025-03-30 02:30:00", "2025-03-30 01:30:00"], // is skipped: moves forward
      ["2025-06-08 14:00", "2025-06-08 12:00:00"],
      ["2025-06-08 14:00:00+0200", "2025-06-08 12:00:00"],
      ["2025-06-08T12:00:00.123456999Z", "2025-06-08 12:00:00.123456"],
      ["2025-06-08", "2025-06-07 22:00:00"],
      ["9999-12-31 00:00:00", "9999-12-30 23:00:00"],
      ["infinity", "infinity"],
    ] as const;
    const project = await berlin(file("csv"));
    const csv = `id,at\n${TIMES.map(([text], i) => `${i},${text}\n`).join("")}`;
    const jsonl = TIMES.map(([text], i) => `{"id": ${i}, "at": "${text}"}\n`).join("");
    project.write("rows-2025-10-26.csv", csv);
    project.write("rows-2025-10-26.jsonl", jsonl);
    await project.pool.query("CREATE TABLE public.texts (id bigint, at text)");
    for (const [i, [text]] of TIMES.entries())
      await project.pool.query("INSERT INTO public.texts VALUES ($1, $2)", [i, text]);
    for (const rows of [
      '{ file: "rows-{date}.csv" }',
      '{ file: "rows-{date}.jsonl" }',
      `() => ${JSON.stringify(TIMES.map(([at], id) => ({ id, at })))}`,
      '{ query: "SELECT id, at FROM public.texts", from: ({ secrets }) => secrets.database }',
    ])
      for (const more of ["", 'whenPresent: "replace"']) {
        await project.pool.query("TRUNCATE public.payments");
        await project.pool.query("DROP TABLE IF EXISTS public.tidemark_loaded");
        project.configure(job(rows, more), "", BERLIN);
        expect(await load(project), rows).toMatchObject({ code: 0 });
        expect(await utc(project), rows).toEqual(TIMES.map(([, instant]) => instant));
      }
  });

  test("a query's column without a zone is read in the zone", async () => {
    const project = await berlin(file("parquet"));
    await project.pool.query("CREATE TABLE public.clocks (id bigint, at timestamp)");
    await project.pool.query(
      "INSERT INTO public.clocks VALUES (1, '2025-06-08 14:00'), (2, '2025-10-26 02:30')",
    );
    project.configure(
      job('{ query: "SELECT id, at FROM public.clocks", from: ({ secrets }) => secrets.database }'),
      "",
      BERLIN,
    );
    expect(await load(project)).toMatchObject({ code: 0 });
    expect(await utc(project)).toEqual(["2025-06-08 12:00:00", "2025-10-26 00:30:00"]);
  });

  test("columns without a zone keep the local text, and an offset is never dropped", async () => {
    const project = await berlin(file("jsonl"));
    project.write(
      "rows-2025-10-26.jsonl",
      '{"id": 1, "local": "2025-10-26 02:30:00", "day": "2025-10-26", "clock": "09:30"}\n' +
        '{"id": 2, "local": "2025-10-26", "day": "2025-10-26 00:00:00", "clock": "09:30:00.5"}\n',
    );
    expect(await load(project)).toMatchObject({ code: 0 });
    expect(await project.rows("local, day, clock")).toEqual([
      { local: "2025-10-26 02:30:00", day: "2025-10-26", clock: "09:30:00" },
      { local: "2025-10-26 00:00:00", day: "2025-10-26", clock: "09:30:00.5" },
    ]);
    for (const [member, said] of [
      ['"local": "2025-06-08T14:00:00+02:00"', /local has a zone and the column has none/],
      ['"day": "2025-06-08T23:30:00+02:00"', /day is a time, and the column holds days/],
      ['"day": "08/06/2025"', /day is no day of the calendar; write it as 2026-01-31/],
      ['"clock": "2025-06-08T09:30:00Z"', /clock is no time of day alone/],
      ['"clock": "09:30+02"', /clock is no time of day alone/],
      ['"at": 1749384000000', /at is a bare number without a unit; .*timeUnit: "ms"/],
      ['"at": "1749384000000"', /at is a bare number without a unit/],
      ['"at": "08/06/2025 14:00"', /at is no time, because its day and its month/],
      ['"at": "tomorrow"', /at is no time; write it as/],
      ['"at": "2025-06-08 14:00 CET"', /its zone is an abbreviation/],
    ] as const) {
      await project.pool.query("TRUNCATE public.payments, public.tidemark_loaded");
      project.write("rows-2025-10-26.jsonl", `{"id": 1, ${member}}\n`);
      const ran = await load(project);
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(said) as string });
      expect(ran.stderr).toContain("LOAD_ROW_INVALID: rows-2025-10-26.jsonl:1: ");
      expect(ran.stderr, "no value of the row").not.toMatch(/1749384|08.06|tomorrow|14:00/);
      expect(await project.count()).toBe(0);
    }
  });

  test("an instant enters a column without a zone by the zone that a source declares", async () => {
    const project = await LoadProject.over(file("jsonl"), { table: TABLE, zone: BERLIN });
    const source = (zone: string): string =>
      `import { int64, source, timestamp } from "@tidemark/core";
      const payments = source("payments_of_test", { table: "public.payments", columns: {
        id: int64("id"), local: timestamp("local"${zone}) }, primaryKey: ["id"],
        eventTime: "local" });`;
    for (const [zone, local] of [
      ["", "2025-10-26 00:30:00"],
      [', { zone: "UTC" }', "2025-10-26 00:30:00"],
      [', { zone: "Europe/Berlin" }', "2025-10-26 02:30:00"],
    ] as const) {
      project.configure(file("jsonl"), source(zone), BERLIN);
      project.write(
        "tidemark.config.ts",
        project
          .read("tidemark.config.ts")
          .replace("definitions, zone", "definitions: { ...definitions, payments }, zone"),
      );
      project.write("rows-2025-10-26.jsonl", '{"id": 1, "local": "2025-10-26T00:30:00Z"}\n');
      await project.pool.query("TRUNCATE public.payments");
      await project.pool.query("DROP TABLE IF EXISTS public.tidemark_loaded");
      expect(await load(project), zone).toMatchObject({ code: 0 });
      expect(await project.rows("local")).toEqual([{ local }]);
    }
    project.write("rows-2025-10-26.jsonl", '{"id": 2, "local": "2025-10-26T01:30:00Z"}\n');
    await project.pool.query("TRUNCATE public.tidemark_loaded");
    expect(await load(project)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/local is the second of two times/) as string,
    });
  });

  test("bare numbers need the job's timeUnit or --time-unit", async () => {
    const project = await berlin(job('{ file: "rows-{date}.csv" }', 'timeUnit: "ms"'));
    project.write("rows-2025-10-26.csv", "id,at\n1,1749384000001\n");
    expect(await load(project)).toMatchObject({ code: 0 });
    expect(await utc(project)).toEqual(["2025-06-08 12:00:00.001"]);
    await project.pool.query("TRUNCATE public.payments, public.tidemark_loaded");
    expect(await load(project, "--time-unit", "us")).toMatchObject({ code: 0 });
    expect(await utc(project)).toEqual(["1970-01-21 05:56:24.000001"]);
  });

  test("a list of times is read by the same rule", async () => {
    const project = await berlin(file("csv"));
    project.write(
      "rows-2025-10-26.csv",
      'id,times\n1,"{2025-10-26 02:30:00,NULL,""2025-06-08T12:00:00Z""}"\n2,{}\n',
    );
    expect(await load(project)).toMatchObject({ code: 0 });
    await project.pool.query("SET TimeZone = 'UTC'");
    const { rows } = await project.pool.query<{ times: string }>(
      "SELECT array(SELECT t AT TIME ZONE 'UTC' FROM unnest(times) t)::text AS times " +
        "FROM public.payments ORDER BY id",
    );
    expect(rows.map(({ times }) => times)).toEqual([
      '{"2025-10-26 00:30:00",NULL,"2025-06-08 12:00:00"}',
      "{}",
    ]);
  });
});

const python = pythonReaders();
suiteNeeding(
  { missing: realPipeline().missing ?? python.missing },
  "times of a Parquet file of pandas in a load",
  () => {
    test("without a zone are read in the zone, and with one are as they are", async () => {
      const project = await berlin(file("parquet"));
      const script = `
import datetime, pyarrow as pa, pyarrow.parquet as pq
naive = [datetime.datetime(2025, 6, 8, 14), datetime.datetime(2025, 10, 26, 2, 30)]
utc = [time.replace(tzinfo=datetime.timezone.utc) for time in naive]
for name, times, unit in [("ms", naive, pa.timestamp("ms")), ("ns", naive, pa.timestamp("ns")),
                          ("utc", utc, pa.timestamp("us", "UTC"))]:
    pq.write_table(pa.table({"id": [1, 2], "at": pa.array(times, unit),
                             "local": pa.array(naive, pa.timestamp("us"))}), name + ".parquet")
`;
      await startPython(python.path, ["-c", script], { cwd: project.directory }).succeeded();
      for (const [name, instants] of [
        ["ms", ["2025-06-08 12:00:00", "2025-10-26 00:30:00"]],
        ["ns", ["2025-06-08 12:00:00", "2025-10-26 00:30:00"]],
        ["utc", ["2025-06-08 14:00:00", "2025-10-26 02:30:00"]],
      ] as const) {
        await project.pool.query("TRUNCATE public.payments");
        await project.pool.query("DROP TABLE IF EXISTS public.tidemark_loaded");
        renameSync(project.path(`${name}.parquet`), project.path("rows-2025-10-26.parquet"));
        expect(await load(project), name).toMatchObject({ code: 0 });
        expect(await utc(project), name).toEqual(instants);
        expect(await project.rows("local")).toEqual([
          { local: "2025-06-08 14:00:00" },
          { local: "2025-10-26 02:30:00" },
        ]);
      }
    });
  },
);
