/**
 * `tidemark training-set`: the rows of the entity file, in their order, with what the store says of
 * each.
 */
import { linkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { toJson, type Value } from "@tidemark/core";
import {
  batchOf,
  formatTime,
  parseTime,
  valueAt,
  type Batch,
  type ColumnSpec,
} from "@tidemark/core/spi";
import { readParquet, writeParquet } from "@tidemark/delta";
import { expect, test } from "vitest";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { historyProject, type HistoryProject } from "../support/history-project.ts";

const START = parseTime("2025-03-01T00:00:00Z", null)!;
const HOUR = 3_600_000_000;

/** Labels of every user and of nobody, some twice, at odd microseconds; in no order of time. */
const LABELS = Array.from({ length: 400 }, (_, i) => ({
  label: i % 3 === 0 ? null : 9007199254740993n + BigInt(i),
  user_id: i % 17 === 0 ? 'nobody, "at" all' : `user_00000${i % 9}`,
  time: START + ((i * 37) % 300) * HOUR + (i % 2),
  note: i % 5 === 0 ? null : `n${i}`,
}));
const column = (
  name: string,
  type: ColumnSpec["type"],
  more: Partial<ColumnSpec> = {},
): ColumnSpec => ({ name, database: name, type, nullable: true, ...more });
const COLUMNS = [
  column("label", "int64"),
  column("user_id", "string"),
  column("event_timestamp", "timestamp", { zone: "UTC" }),
  column("note", "string"),
];
const ENTITIES = batchOf(
  COLUMNS,
  LABELS.map(({ label, user_id, time, note }) => [label, user_id, time, note]),
);
const quoted = (text: string | null): string =>
  text === null ? "" : `"${text.replaceAll('"', '""')}"`;
const CSV = `label,user_id,event_timestamp,note\n${LABELS.map(
  ({ label, user_id, time, note }) =>
    `${label ?? ""},${quoted(user_id)},${formatTime(time)},${quoted(note)}\n`,
).join("")}`;
const JSONL = LABELS.map(
  ({ label, user_id, time, note }) =>
    `{"label": ${label ?? "null"}, "user_id": ${JSON.stringify(user_id)}, "event_timestamp": ` +
    `"${formatTime(time)}"${note === null ? "" : `, "note": "${note}"`}}\n`,
).join("");

const valuesOf = async (
  file: string,
): Promise<{ readonly names: readonly string[]; readonly rows: Value[][] }> => {
  const content = await readParquet(file);
  const rows: Value[][] = [];
  for await (const batch of content) rows.push(...rowsOf(batch));
  return { names: content.columns.map(({ name }) => name), rows };
};
const rowsOf = (batch: Batch): Value[][] =>
  Array.from({ length: batch.length }, (_, i) => batch.vectors.map((vector) => valueAt(vector, i)));

let history: HistoryProject;
const shared = async (): Promise<HistoryProject> => {
  history = await historyProject();
  await writeParquet(history.project.path("labels.parquet"), {
    columns: COLUMNS,
    batches: [ENTITIES],
  });
  history.project.write("labels.csv", CSV);
  history.project.write("labels.jsonl", JSONL);
  return history;
};
const ask = (...args: string[]) =>
  history.project.run("training-set", "--service", "fraud_v1", ...args);

test(
  "row for row what the store answers, from Parquet, CSV and JSON lines, as corrected and as " +
    "known, into Parquet and JSON lines",
  async () => {
    const { project, store, definitions } = await shared();
    const opened = await store();
    for (const knowledge of ["as-corrected", "as-known"] as const) {
      const training = await opened.getHistoricalFeatures({
        features: definitions["fraud"]!,
        entities: {
          columns: COLUMNS,
          async *batches() {
            yield ENTITIES;
          },
        } as never,
        knowledge,
      });
      const expected: Value[][] = [];
      for await (const batch of training.batches()) expected.push(...rowsOf(batch));
      const names = training.columns.map(({ name }) => name);
      expect(expected.length).toBe(400);
      // it was recorded long after its events: as known, nothing was known at the labels' times
      const different = new Set(expected.map((row) => String(row[4]))).size;
      if (knowledge === "as-known") expect(different).toBe(1);
      else expect(different, "the features differ among the rows").toBeGreaterThan(3);
      for (const entities of ["labels.parquet", "labels.jsonl", "labels.csv"]) {
        const ran = await ask(
          "--entities",
          entities,
          "--out",
          "training.parquet",
          "--force",
          "--json",
          ...(knowledge === "as-known" ? ["--knowledge", "as-known"] : []),
        );
        expect(ran.code, ran.stderr).toBe(0);
        expect(JSON.parse(ran.stdout)).toMatchObject({
          out: "training.parquet",
          knowledge,
          rows: 400,
          coverage: { transactions: { knownSince: expect.stringMatching(/^20.*Z$/) as string } },
        });
        const found = await valuesOf(project.path("training.parquet"));
        expect(found.names).toEqual(names);
        // in CSV, what rides along is text
        expect(found.rows, entities).toEqual(
          entities.endsWith("csv")
            ? expected.map(([label, ...rest]) => [label === null ? null : String(label), ...rest])
            : expected,
        );
      }
      expect(
        (
          await ask(
            "--entities",
            "labels.parquet",
            "--out",
            "training.jsonl",
            "--force",
            ...(knowledge === "as-known" ? ["--knowledge", "as-known"] : []),
          )
        ).code,
      ).toBe(0);
      const lines = project.read("training.jsonl").trim().split("\n");
      expect(lines.length).toBe(400);
      for (const [i, line] of lines.entries()) {
        expect(line).toContain(`"label":${LABELS[i]!.label ?? "null"},`); // every digit
        expect(Object.values(JSON.parse(line) as object).slice(4)).toEqual(
          expected[i]!.slice(4).map((value, f) =>
            value === null
              ? null
              : training.columns[4 + f]!.type === "timestamp"
                ? formatTime(value as number)
                : typeof value === "bigint"
                  ? Number(value)
                  : value,
          ),
        );
      }
    }
    await opened.close();
    expect(
      project.files().filter((name) => name.startsWith(".")),
      "nothing is left beside",
    ).toEqual([]);
  },
);

test("features one by one, in their order; a whole view by its name", async () => {
  const { project } = await shared();
  const run = (...args: string[]) =>
    project.run(
      "training-set",
      "--entities",
      "labels.csv",
      "--out",
      "t.parquet",
      "--force",
      ...args,
    );
  expect((await run("--features", "weekly_activity:vendors, weekly_activity:number")).code).toBe(0);
  expect((await valuesOf(project.path("t.parquet"))).names.slice(4)).toEqual(["vendors", "number"]);
  expect((await run("--features", "weekly_activity")).code).toBe(0);
  expect((await valuesOf(project.path("t.parquet"))).names.slice(4)).toEqual([
    "number",
    "total",
    "ids",
    "last",
    "vendors",
    "first",
    "mean",
  ]);
  expect(await run("--features", "weekly_activity:numbr")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/FEATURE_UNKNOWN.*did you mean "number"\?/) as string,
  });
  expect(await run("--features", "weekly:number")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/VIEW_UNKNOWN.*weekly_activity/) as string,
  });
  expect(await run("--service", "fraud_v2")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SERVICE_UNKNOWN.*did you mean "fraud_v1"\?/) as string,
  });
});

test("times of pandas without a zone need --zone", async () => {
  const { project } = await shared();
  project.write(
    "naive.csv",
    "user_id,event_timestamp\nuser_000001,2025-03-09 02:30:00\nuser_000001,2025-11-02 " +
      "01:30:00.000001\n",
  );
  expect(await ask("--entities", "naive.csv", "--out", "t.parquet")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /TIME_INVALID: naive\.csv:2: event_timestamp: .*without a zone.*--zone/,
    ) as string,
  });
  expect(
    (await ask("--entities", "naive.csv", "--out", "t.parquet", "--zone", "America/New_York")).code,
  ).toBe(0);
  // the hour that is skipped, and the one that comes twice: law 10
  expect(
    (await valuesOf(project.path("t.parquet"))).rows.map((row) => formatTime(row[1] as number)),
  ).toEqual(["2025-03-09T07:30:00.000000Z", "2025-11-02T05:30:00.000001Z"]);
  expect(
    await ask("--entities", "naive.csv", "--out", "u.parquet", "--zone", "Mars/Phobos"),
  ).toMatchObject({ code: 2 });
});

test("an invalid file is named with its line, and no file is written", async () => {
  const { project } = await shared();
  const many = "user_000001,2025-03-05T00:00:00Z\n".repeat(70_000);
  const BAD: readonly (readonly [name: string, content: string, code: string, said: RegExp])[] = [
    [
      "no key",
      "userid,event_timestamp\na,2025-03-05T00:00:00Z\n",
      "KEY_INVALID",
      /no column user_id; did you mean "userid"\?/,
    ],
    [
      "no time",
      "user_id,event_time\na,2025-03-05T00:00:00Z\n",
      "TIME_INVALID",
      /no column event_timestamp/,
    ],
    [
      "ragged",
      `user_id,event_timestamp\n${many}user_000001\n`,
      "ENTITIES_INVALID",
      /bad\.csv:70002: there is 1 field/,
    ],
    [
      "an empty key",
      "user_id,event_timestamp\n,2025-03-05T00:00:00Z\n",
      "KEY_INVALID",
      /bad\.csv:2: user_id is empty/,
    ],
    [
      "an empty time",
      "user_id,event_timestamp\na,\n",
      "TIME_INVALID",
      /bad\.csv:2: event_timestamp is empty; give every row a time/,
    ],
    [
      "30 February",
      "user_id,event_timestamp\na,2025-02-30T00:00:00Z\n",
      "TIME_INVALID",
      /bad\.csv:2: .*no time/,
    ],
    [
      "a time beyond all",
      "user_id,event_timestamp\na,9999-01-01T00:00:00Z\n",
      "TIME_INVALID",
      /bad\.csv:2/,
    ],
    [
      "a quote that does not end",
      'user_id,event_timestamp\n"a,2025-03-05T00:00:00Z\n',
      "ENTITIES_INVALID",
      /bad\.csv:2: a quoted field does not end/,
    ],
    ["empty", "", "ENTITIES_INVALID", /bad\.csv:1: the file is empty/],
    [
      "a feature's name",
      "user_id,event_timestamp,total\na,2025-03-05T00:00:00Z,1\n",
      "NAME_TAKEN",
      /"total"/,
    ],
  ];
  for (const [name, content, code, said] of BAD) {
    project.write("bad.csv", content);
    const ran = await ask("--entities", "bad.csv", "--out", "bad.parquet");
    expect({ name, code: ran.code, error: /: ([A-Z0-9_]+): /.exec(ran.stderr)?.[1] }).toEqual({
      name,
      code: 1,
      error: code,
    });
    expect(ran.stderr, name).toMatch(said);
  }
  for (const [content, code, said] of [
    [
      '{"user_id": 5, "event_timestamp": "2025-03-05T00:00:00Z"}\n',
      "KEY_INVALID",
      /bad\.jsonl:1: user_id: a number is no string, which its entity says; write it in quotes/,
    ],
    [
      '{"user_id": "a", "event_timestamp": 1741132800000000}\n',
      "TIME_INVALID",
      /bad\.jsonl:1: event_timestamp: 1741132800000000 is a bare number .*--time-unit/,
    ],
    [
      '{"user_id": "a", "event_timestamp": "2025-03-05T00:00:00Z"}\n\n[1]\n',
      "ENTITIES_INVALID",
      /bad\.jsonl:3: this is not a JSON object/,
    ],
    ["\n", "ENTITIES_INVALID", /there is no row/],
  ] as const) {
    project.write("bad.jsonl", content);
    const ran = await ask("--entities", "bad.jsonl", "--out", "bad.parquet");
    expect({ code: ran.code, error: /: ([A-Z0-9_]+): /.exec(ran.stderr)?.[1] }).toEqual({
      code: 1,
      error: code,
    });
    expect(ran.stderr).toMatch(said);
  }
  const wrong = [
    column("user_id", "int64"),
    column("event_timestamp", "timestamp", { zone: "UTC" }),
  ];
  await writeParquet(project.path("bad.parquet"), {
    columns: wrong,
    batches: [batchOf(wrong, [[1n, START]])],
  });
  expect(await ask("--entities", "bad.parquet", "--out", "t.parquet")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/KEY_INVALID: bad\.parquet: .*user_id is int64/) as string,
  });
  expect(await ask("--entities", "none.parquet", "--out", "t.parquet")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("ENTITIES_NOT_FOUND") as string,
  });
  expect(await ask("--entities", "labels.txt", "--out", "t.parquet")).toMatchObject({ code: 2 });
  expect(await ask("--entities", "labels.csv", "--out", "t.txt")).toMatchObject({ code: 2 });
  expect(await ask("--entities", "labels.csv", "--out", "none/t.parquet")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("OUT_NOT_WRITABLE") as string,
  });
  expect(
    await ask("--entities", "labels.csv", "--out", "t.parquet", "--before-history", "error"),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/ASKNOWN_BEFORE_HISTORY: labels\.csv/) as string,
  });
  expect(project.files()).not.toContain("t.parquet");
  expect(project.files().filter((name) => name.startsWith("."))).toEqual([]);
});

test("without --force a file stays, and the entity rows are never overwritten", async () => {
  const { project } = await shared();
  project.write("training.parquet", "mine");
  expect(await ask("--entities", "labels.parquet", "--out", "training.parquet")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/OUT_EXISTS.*--force/) as string,
  });
  expect(project.read("training.parquet")).toBe("mine");
  linkSync(project.path("labels.parquet"), project.path("same.parquet"));
  for (const out of ["labels.parquet", "./labels.parquet", "same.parquet"])
    expect(await ask("--entities", "labels.parquet", "--out", out, "--force")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("OUT_IS_INPUT") as string,
    });
  expect((await valuesOf(project.path("labels.parquet"))).rows.length).toBe(400);
});

test("after kill -9 the file is whole or absent, and the next run writes it", async () => {
  const { project } = await shared();
  project.write(
    "many.csv",
    `user_id,event_timestamp\n${LABELS.map(
      ({ time }, i) => `user_00000${i % 9},${formatTime(time)}\n`,
    )
      .join("")
      .repeat(250)}`,
  );
  const seen = new Set<boolean>();
  for (let after = 400; ; after += 250) {
    const { child, ended } = project.start([
      "training-set",
      "--service",
      "fraud_v1",
      "--entities",
      "many.csv",
      "--out",
      "many.parquet",
    ]);
    const timer = sleep(after).then(() => child.kill("SIGKILL"));
    const { code, stderr } = await ended;
    const there = project.files().includes("many.parquet");
    seen.add(there);
    if (there) expect((await readParquet(project.path("many.parquet"))).rows).toBe(100_000);
    if (code === null && !there) {
      await timer;
      continue;
    }
    if (code !== null) expect(code, stderr).toBe(0);
    break;
  }
  expect([...seen].toSorted()).toEqual([false, true]);
});

const python = pythonReaders();
suiteNeeding(python, "a training set in Python", () => {
  test("DuckDB and PyArrow read the file: rows, order, types and digits", async () => {
    const { project } = await shared();
    expect((await ask("--entities", "labels.parquet", "--out", "training.parquet")).code).toBe(0);
    writeFileSync(
      project.path("read.py"),
      `
import duckdb, json, pyarrow.parquet as pq
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
keys = "label::varchar, user_id, epoch_us(event_timestamp), note"
columns = f"{keys}, number, total, ids::varchar, vendors"
rows = con.execute(f"SELECT {columns} FROM 'training.parquet'").fetchall()
schema = pq.read_schema("training.parquet")
names = ["label", "event_timestamp", "number", "total", "ids", "last"]
types = {name: str(schema.field(name).type) for name in names}
print(json.dumps({"rows": rows, "types": types}))
`,
    );
    const { rows, types } = JSON.parse(
      (await startPython(python.path, ["read.py"], { cwd: project.directory }).succeeded()).stdout,
    ) as { rows: unknown[][]; types: object };
    expect(types).toEqual({
      label: "int64",
      event_timestamp: "timestamp[us, tz=UTC]",
      number: "int64",
      total: "double",
      ids: "int64",
      last: "timestamp[us, tz=UTC]",
    });
    const { rows: own } = await valuesOf(project.path("training.parquet"));
    const text = (value: Value): string | null => (value === null ? null : String(value));
    expect(rows).toEqual(
      own.map(([label, user, time, note, number, total, ids, , vendors]) => [
        text(label!),
        user,
        time,
        note,
        Number(number),
        total,
        text(ids!),
        Number(vendors),
      ]),
    );
    expect(toJson({ n: own.length })).toEqual({ n: 400 });
  });

  test("a pandas frame without zones takes the zone of --zone", async () => {
    const { project } = await shared();
    await startPython(
      python.path,
      [
        "-c",
        `
import datetime, pyarrow as pa, pyarrow.parquet as pq
times = [datetime.datetime(2025, 3, 9, 2, 30), datetime.datetime(2025, 6, 14, 9, 30, 0, 1)]
table = {
    "user_id": ["user_000001"] * 2,
    "event_timestamp": pa.array(times, pa.timestamp("us")),
    "tags": [["a"], []],
}
pq.write_table(pa.table(table), "naive.parquet")
`,
      ],
      { cwd: project.directory },
    ).succeeded();
    expect(await ask("--entities", "naive.parquet", "--out", "n.parquet")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TIME_INVALID: naive\.parquet: .*--zone/) as string,
    });
    const ran = await ask(
      "--entities",
      "naive.parquet",
      "--out",
      "n.parquet",
      "--zone",
      "America/New_York",
    );
    expect(ran).toMatchObject({ code: 0 });
    expect(
      (await valuesOf(project.path("n.parquet"))).rows.map(([, time, tags]) => [
        formatTime(time as number),
        tags,
      ]),
    ).toEqual([
      ["2025-03-09T07:30:00.000000Z", ["a"]],
      ["2025-06-14T13:30:00.000001Z", []],
    ]);
  });

  test("what rides along is carried exactly, or its column is named", async () => {
    const { project } = await shared();
    const write = `
import datetime as dt, decimal, math, pyarrow as pa, pyarrow.parquet as pq
far = dt.datetime(9999, 12, 31, 23, 59, 59, 999999)
utc = lambda time: time.replace(tzinfo=dt.timezone.utc)
naive = [dt.datetime(2025, 6, 14, 9, 30, 0, 1), far, None]
columns = {
    "user_id": pa.array(["user_000001"] * 3),
    "event_timestamp": pa.array([utc(dt.datetime(2025, 6, 14))] * 3, pa.timestamp("us", "UTC")),
    "naive": pa.array(naive, pa.timestamp("us")),
    "valid_to": pa.array([utc(far), utc(dt.datetime(1, 1, 1)), None], pa.timestamp("us", "UTC")),
    "seconds": pa.array([0, -1, None], pa.timestamp("ms")),
    "nanos": pa.array([1, -1000, None], pa.int64()).cast(pa.timestamp("ns")),
    "day": pa.array([dt.date(9999, 12, 31), dt.date(1, 1, 1), None]),
    "clock": pa.array([dt.time(9, 30, 0, 125), dt.time(0), None], pa.time64("us")),
    "money": pa.array(["1.50", "-0.01", None]).cast(pa.decimal128(38, 2)),
    "big": pa.array([2**64 - 1, 0, None], pa.uint64()),
    "small": pa.array([-128, 127, None], pa.int8()),
    "real": pa.array([0.1, -0.0, None]),
    "odd": pa.array([math.inf, math.nan, None]),
    "raw": pa.array([b"\\x00\\xff", b"", None]),
    "good": pa.array([True, False, None]),
    "kind": pa.array(["a", "", None]).dictionary_encode(),
    "tags": pa.array([["a"], [], None]),
    "odds": pa.array([[math.nan, 1.5, None], [], None]),
    "shares": pa.array([[(1, -0.0)], [], None], pa.map_(pa.int64(), pa.float64())),
    "place": pa.array([{"x": dt.date(2025, 6, 14), "y": [[]]}, {"x": None, "y": None}, None]),
    "wide": pa.array([decimal.Decimal(1)] * 3, pa.decimal256(76, 0)),
}
pq.write_table(pa.table(columns), "wide.parquet")
`;
    const run = async (script: string): Promise<string> =>
      (await startPython(python.path, ["-c", script], { cwd: project.directory }).succeeded())
        .stdout;
    await run(write.replace('pa.array(naive, pa.timestamp("ms")) if False else ', ""));
    const ran = await ask("--entities", "wide.parquet", "--out", "wide-out.parquet");
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(ran.stderr.match(/column "\w+" \w+ \w+/g)).toEqual([
      'column "wide" is a',
      'column "nanos" has nanoseconds',
    ]);
    const compared = await run(`
import json, pyarrow as pa, pyarrow.parquet as pq
given, made = pq.read_table("wide.parquet"), pq.read_table("wide-out.parquet")
micros = lambda column: column.cast(pa.timestamp("us", column.type.tz), safe=False).cast("int64")
values = lambda column: micros(column) if pa.types.is_timestamp(column.type) else column
texts = lambda column: [None if v is None else repr(v) for v in values(column).to_pylist()]
print(json.dumps([[name, texts(given[name]), texts(made[name]), str(made.schema.field(name).type)]
                  for name in given.schema.names if name in made.schema.names]))
print(len(made.schema.names) - len(given.schema.names))
`);
    const rows = JSON.parse(compared.split("\n")[0]!) as [string, unknown, unknown, string][];
    expect(rows.map(([name]) => name)).toHaveLength(20);
    for (const [name, given, made, type] of rows) {
      if (name === "nanos") expect(made).toEqual(["0", "-1", null]);
      else if (name === "clock")
        expect(made).toEqual(["'09:30:00.000125'", "'00:00:00.000000'", null]);
      else if (name === "big")
        expect(made).toEqual(["Decimal('18446744073709551615')", "Decimal('0')", null]);
      else expect(made, name).toEqual(given);
      if (name === "naive" || name === "nanos") expect(type, name).toBe("timestamp[us]");
    }
    const lines = await ask("--entities", "wide.parquet", "--out", "wide.jsonl");
    expect(lines).toMatchObject({ code: 0 });
    expect(lines.stderr.match(/column "\w+" has NaN or an infinity, which JSON has not/g)).toEqual([
      'column "odd" has NaN or an infinity, which JSON has not',
      'column "odds" has NaN or an infinity, which JSON has not',
    ]);
    const [first, second] = project.read("wide.jsonl").trim().split("\n");
    expect(first).toContain('"naive":"2025-06-14T09:30:00.000001",');
    expect(first).toContain('"valid_to":"9999-12-31T23:59:59.999999Z","');
    expect(first).toContain('"big":"18446744073709551615"');
    expect(first).toContain('"tags":["a"],"odds":[null,1.5,null],"shares":[[1,-0]],');
    expect(first).toContain('"place":{"x":"2025-06-14","y":[[]]}');
    expect(second).toContain('"valid_to":"0001-01-01T00:00:00.000000Z","');
    expect(second).toContain('"naive":"9999-12-31T23:59:59.999999",');
    expect(second).toContain('"real":-0,');
  });

  test("keys of pandas and a folder of Spark are read", async () => {
    const { project } = await shared();
    await startPython(
      python.path,
      [
        "-c",
        `
import datetime as dt, os, pyarrow as pa, pyarrow.parquet as pq
time = pa.array([dt.datetime(2025, 6, 14)] * 2, pa.timestamp("us", "UTC"))
os.mkdir("spark.parquet")
for part in range(2):
    table = pa.table({"user_id": ["user_000001", "u" + str(part)], "event_timestamp": time})
    pq.write_table(table, f"spark.parquet/part-0000{part}-x.snappy.parquet")
open("spark.parquet/_SUCCESS", "w").close()
os.mkdir("spark.csv")
open("spark.csv/part-00000-x.csv", "w").write("user_id,event_timestamp")
`,
      ],
      { cwd: project.directory },
    ).succeeded();
    const ran = await ask("--entities", "spark.parquet", "--out", "spark-out.parquet");
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect((await valuesOf(project.path("spark-out.parquet"))).rows.map(([user]) => user)).toEqual([
      "user_000001",
      "u0",
      "user_000001",
      "u1",
    ]);
    expect(await ask("--entities", "spark.csv", "--out", "t.parquet")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("spark.csv") as string,
    });
  });
});
