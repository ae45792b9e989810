/**
 * What `tidemark load` is given and cannot take: it says what, where and what next, and writes
 * nothing.
 */
import { expect, test } from "vitest";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { Project, type CommandResult } from "../support/project.ts";
import { LoadProject } from "../support/load-project.ts";
import { definitions } from "../support/bank.ts";

const into = (rows: string, more = ""): string =>
  `payments: { database: ({ secrets }) => secrets.database, table: "public.payments", rows: ` +
  `${rows}, ${more} }`;
const DAY = ["load", "--date", "2025-06-14"] as const;

suiteNeeding(realPipeline(), "bad rows", () => {
  async function refused(
    project: LoadProject,
    code: string,
    ...said: string[]
  ): Promise<CommandResult> {
    const ran = await project.run(...DAY);
    expect({ code: ran.code, error: /: ([A-Z0-9_]+): /.exec(ran.stderr)?.[1] }, ran.stderr).toEqual(
      { code: 1, error: code },
    );
    for (const text of said) expect(ran.stderr).toContain(text);
    expect(ran.stderr).not.toContain("postgres:postgres@");
    expect(ran.stderr, "no value of a row").not.toMatch(/abc|92233|02-30|4711|Failing row|DETAIL/);
    expect(await project.count()).toBe(0);
    return ran;
  }

  const long = Array.from({ length: 30_000 }, (_, i) => i);
  const FILES: readonly (readonly [
    name: string,
    end: string,
    content: string,
    code: string,
    ...said: string[],
  ])[] = [
    [
      "a field too many",
      "csv",
      "id,User ID\n1,a\n2,b,c\n",
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.csv:3",
      "there are 3 fields, and the first line names 2 columns",
    ],
    [
      "a field too few",
      "csv",
      'id,User ID\n1,a\n"2"\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.csv:3",
      "there is 1 field, and the first line names 2 columns",
    ],
    [
      "a text in a number, far down",
      "csv",
      `id,User ID,rate\n${long.map((i) => `${i},"u\nv",1\n`).join("")}99999,u,abc\n`,
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.csv:60002: rate",
      "invalid input syntax for type double precision; repair that row",
    ],
    [
      "a column the table lacks",
      "csv",
      "id,Usr ID\n1,a\n",
      "LOAD_COLUMN_UNKNOWN",
      '"Usr ID"',
      'did you mean "User ID"?',
    ],
    [
      "a file without names of columns",
      "csv",
      "4711,Ann\n",
      "LOAD_COLUMN_UNKNOWN",
      "the first line must name the columns of table public.payments",
    ],
    [
      "two columns of one name",
      "csv",
      "id,id\n1,1\n",
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.csv:1",
      'two columns are called "id"',
    ],
    ["an empty file", "csv", "", "LOAD_ROW_INVALID", "the first line must name the columns"],
    ["semicolons", "csv", "id;User ID\n1;a\n", "LOAD_ROW_INVALID", "separate columns by commas"],
    [
      "bytes that are no UTF-8",
      "csv",
      Buffer.from([...Buffer.from("id,User ID\n1,"), 0xff, 0x0a]).toString("latin1"),
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.csv:2",
    ],
    [
      "null where it may not be",
      "jsonl",
      '{"id": 1, "User ID": "a"}\n\n{"id": 2, "User ID": null}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:3",
      "User ID",
    ],
    [
      "an integer beyond int64",
      "jsonl",
      '{"id": 9223372036854775808, "User ID": "a"}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:1: id",
      "out of range for type bigint",
    ],
    [
      "no JSON",
      "jsonl",
      '{"id": 1, "User ID": "a"}\n{"id": 2,\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:2",
      "not JSON",
    ],
    [
      "a number for a row",
      "jsonl",
      "12345678901234567890\n",
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:1",
      "not a JSON object",
    ],
    [
      "a member that is missing",
      "jsonl",
      '{"id": 1, "User ID": "a"}\n{"id": 2}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:2 has no User ID",
    ],
    [
      "a member more",
      "jsonl",
      '{"id": 1, "User ID": "a"}\n{"id": 2, "User ID": "b", "rate": 1}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:2 has rate",
    ],
    [
      "NUL in a text",
      "jsonl",
      '{"id": 1, "User ID": "a\\u0000"}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:1: User ID",
    ],
    [
      "half a surrogate pair",
      "jsonl",
      '{"id": 1, "User ID": "\\ud800"}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:1: User ID",
    ],
    [
      "a day of another calendar",
      "jsonl",
      '{"id": 1, "User ID": "a", "day": "2025-02-30"}\n',
      "LOAD_ROW_INVALID",
      "payments-2025-06-14.jsonl:1: day",
    ],
    [
      "a Parquet file that is none",
      "parquet",
      "PAR1 and nothing",
      "PARQUET_DAMAGED",
      "payments-2025-06-14.parquet",
    ],
    [
      "a gz that is cut off and no UTF-8",
      "csv.gz",
      "\u001f\u008b\u0008\u0000",
      "LOAD_ROW_INVALID",
      "cannot be read",
    ],
  ];
  for (const [name, end, content, code, ...said] of FILES) {
    test(`${name} (.${end})`, async () => {
      for (const more of ["", 'whenPresent: "replace"']) {
        const project = await LoadProject.over(into(`{ file: "payments-{date}.${end}" }`, more));
        project.write(
          `payments-2025-06-14.${end}`,
          name.includes("UTF-8") ? Buffer.from(content, "latin1") : content,
        );
        await refused(project, code, ...said);
      }
    });
  }

  test(
    "a function that throws is told with the rows it had given, and a number that lost its " +
      "digits with its row",
    async () => {
      const project = await LoadProject.over(
        into(
          'function* ({ secrets }) { for (let id = 1; id <= 3; id++) yield { id, "User ID": "a" ' +
            "}; throw new Error(`no ${secrets.database}`); }",
        ),
      );
      await refused(project, "LOAD_ROWS_FAILED", "threw after 3 rows: no [secret database]");
      project.configure(into('function* () { yield { id: 9007199254740993, "User ID": "a" }; }'));
      await refused(project, "LOAD_ROW_INVALID", "row 1: id", "give a bigint");
      project.configure(into('function* () { yield { id: 1, "User ID": new Date(NaN) }; }'));
      await refused(project, "LOAD_ROW_INVALID", "row 1: User ID", "Date without a time");
    },
  );

  test("a wrong table, query or database is named with the next step", async () => {
    const project = await LoadProject.over(
      into("() => []").replace("public.payments", "public.payment"),
    );
    await refused(
      project,
      "LOAD_TABLE_UNKNOWN",
      "public.payment",
      'did you mean "public.payments"?',
    );
    project.configure(into('{ query: "SELECT 1 AS id, $4 AS x" }'));
    await refused(project, "CONFIG_INVALID", "$4", "$1 and $2");
    project.configure(into('{ query: "SELECT idd FROM public.payments" }'));
    await refused(project, "DATABASE_FAILED", "idd");
    project.configure(
      into("() => []").replace("secrets.database", '"postgres://nobody:hidden@127.0.0.1:1/none"'),
    );
    expect((await refused(project, "DATABASE_UNREACHABLE", "ECONNREFUSED")).stderr).not.toContain(
      "hidden",
    );
  });

  test("a job whose earlier days went into another table is refused", async () => {
    const project = await LoadProject.over(into("() => []"));
    await project.run(...DAY);
    await project.pool.query("CREATE TABLE public.other (id int)");
    project.configure(into("() => []").replace("public.payments", "public.other"));
    await refused(project, "LOAD_OTHER_TABLE", "public.payments");
  });
});

test("the command line and the configuration are checked before a database opens", async () => {
  const project = new Project();
  const configure = (job: string, more = ""): void => {
    project.write(
      "tidemark.config.ts",
      `import { defineConfig } from "@tidemark/cli";\nimport * as definitions from ` +
        `"./features.ts";\nexport default defineConfig({ definitions, ${more} load: { ${job} ` +
        `} });\n`,
    );
  };
  project.write("features.ts", definitions);
  configure('payments: { database: () => "", table: "payments", rows: () => [] }');
  const said = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.run("load", ...args);
    return `${code} ${stdout}${stderr}`;
  };
  expect(await said("--date", "2025-02-30")).toMatch(
    /^2 tidemark load: --date 2025-02-30: this is no day/,
  );
  expect(await said("--date", "14.06.2025")).toMatch(/^2 .*write it as 2025-06-14/);
  expect(await said("--date", "2025-06-14", "--from", "2025-06-13")).toMatch(
    /^2 .*one or the other/,
  );
  expect(await said("--from", "2025-06-14")).toMatch(/^2 .*need each other/);
  expect(await said("--from", "2025-06-14", "--to", "2025-06-14")).toMatch(/^2 .*must be later/);
  expect(await said("--jobs", "payments")).toMatch(/^2 .*did you mean "--job"/);
  expect(await said("--job", "payment")).toMatch(/^1 .*LOAD_JOB_UNKNOWN.*did you mean "payments"/);
  expect(await said("--date", "2025-06-14")).toMatch(
    /^1 .*CONFIG_INVALID.*load\.payments\.database must return/,
  );
  for (const [job, what] of [
    ["payments: 5", /load\.payments must be an object/],
    ['payments: { table: "a", rows: () => [] }', /database must be a function/],
    ['payments: { database: () => "", tabel: "a" }', /no member "tabel"; did you mean "table"/],
    ['payments: { database: () => "", table: "a", rows: { file: "a.csv" } }', /write \{date\}/],
    [
      'payments: { database: () => "", table: "a", rows: { file: "a-{date}.xlsx" } }',
      /must end in \.csv/,
    ],
    ['payments: { database: () => "", table: "a", rows: {} }', /rows must be a function/],
    [
      'payments: { database: () => "", table: "a", rows: () => [], whenPresent: "merge" }',
      /whenPresent must be/,
    ],
    ['payments: { database: () => "", run: true }', /run must be a function/],
  ] as const) {
    configure(job);
    expect(await said("--date", "2025-06-14")).toMatch(what);
  }
});
