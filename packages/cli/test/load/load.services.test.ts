/** `tidemark load` into a real PostgreSQL. */
import { writeParquet } from "@tidemark/delta";
import { gzipSync } from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { batchOf } from "../../../core/src/columns/batch.ts";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { LoadProject } from "../support/load-project.ts";

const into = (rows: string, more = ""): string =>
  `payments: { database: ({ secrets }) => secrets.database, table: "public.payments", rows: ` +
  `${rows}, ${more} }`;
const file = (end: string, more = ""): string => into(`{ file: "payments-{date}.${end}" }`, more);

suiteNeeding(realPipeline(), "tidemark load", () => {
  test(
    "a generator's rows are there exactly as it gave them, and a day that is there stays as it " +
      "is",
    async () => {
      const project = await LoadProject.over(
        into(`async function* ({ date, from, to, zone }) {
      yield {
        id: 9223372036854775807n, "User ID": "ü\\t\\\\n\\n\\"x\\"\\r",
        amount: "9999999999999999.0001", rate: 0.1, at: from, local: null,
        day: date, good: true, raw: new Uint8Array([0, 92, 255]),
        extra: { a: [1, "\\\\N"] },
      };
      yield {
        id: 1, "User ID": "\\\\N", amount: null, rate: -0, at: to,
        local: "2025-06-14 01:02:03.000001", day: null, good: false, raw: null,
        extra: zone === "Asia/Ho_Chi_Minh" ? {} : null,
      };
    }`),
      );
      const first = await project.run("load", "--date", "2025-06-14", "--json");
      expect(first).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("payments 2025-06-14: 2 rows") as string,
      });
      expect(JSON.parse(first.stdout)).toMatchObject({
        days: [
          { job: "payments", date: "2025-06-14", written: true, rows: 2, taken: 2, removed: 0 },
        ],
      });
      const rows = await project.rows(
        "id, \"User ID\", amount, rate, at AT TIME ZONE 'UTC' AS at, local, day, good, raw, extra",
      );
      expect(rows).toEqual([
        {
          id: "1",
          "User ID": "\\N",
          amount: null,
          rate: "-0",
          at: "2025-06-14 17:00:00",
          local: "2025-06-14 01:02:03.000001",
          day: null,
          good: "f",
          raw: null,
          extra: "{}",
        },
        {
          id: "9223372036854775807",
          "User ID": 'ü\t\\n\n"x"\r',
          amount: "9999999999999999.0001",
          rate: "0.1",
          at: "2025-06-13 17:00:00",
          local: null,
          day: "2025-06-14",
          good: "t",
          raw: "\\x005cff",
          extra: '{"a": [1, "\\\\N"]}',
        },
      ]);
      const again = await project.run("load", "--date", "2025-06-14", "--json");
      expect(JSON.parse(again.stdout)).toMatchObject({
        days: [{ written: false, rows: 2, taken: 0 }],
      });
      expect(await project.days()).toEqual(["payments 2025-06-14"]);
      expect(await project.count()).toBe(2);
    },
  );

  test("CSV, gzipped CSV, JSON lines and Parquet give the same rows", async () => {
    const csv =
      `\uFEFFid,User ID,amount,at,good,raw,extra\r\n9007199254740993,"a ""b"", ` +
      `c\nd",1234567890123456.7891,2025-06-14T09:30:00.000001Z,true,\\x00ff,"{""n"": ` +
      `1}"\r\n2,"",,,,,\r\n`;
    const jsonl =
      `{"id": 9007199254740993, "User ID": "a \\"b\\", c\\nd", "amount": 1234567890123456.7891, ` +
      `"at": "2025-06-14T09:30:00.000001Z", "good": true, "raw": "\\\\x00ff", "extra": {"n": ` +
      `1}}\n\n{"id": 2, "User ID": "", "amount": null, "at": null, "good": null, "raw": null, ` +
      `"extra": null}\n`;
    const column = (
      name: string,
      type: "int64" | "string" | "decimal" | "timestamp" | "boolean" | "bytes" | "json",
      more = {},
    ) => ({ name, database: name, type, nullable: true, ...more });
    const columns = [
      column("id", "int64"),
      column("User ID", "string"),
      column("amount", "decimal", { precision: 20, scale: 4 }),
      column("at", "timestamp", { zone: "UTC" }),
      column("good", "boolean"),
      column("raw", "bytes"),
      column("extra", "json"),
    ];
    const project = await LoadProject.over(file("csv"));
    await writeParquet(project.path("payments-2025-06-14.parquet"), {
      columns,
      batches: [
        batchOf(columns, [
          [
            9007199254740993n,
            'a "b", c\nd',
            12345678901234567891n,
            1749893400000001,
            true,
            new Uint8Array([0, 255]),
            '{"n": 1}',
          ],
          [2n, "", null, null, null, null, null],
        ]),
      ],
    });
    project.write("payments-2025-06-14.csv", csv);
    project.write("payments-2025-06-14.csv.gz", gzipSync(csv));
    project.write("payments-2025-06-14.jsonl", jsonl);
    project.write("payments-2025-06-14.jsonl.gz", gzipSync(jsonl));
    const found: unknown[] = [];
    for (const end of ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"]) {
      project.configure(file(end));
      expect(await project.run("load", "--date", "2025-06-14"), end).toMatchObject({
        code: 0,
        stdout: "1 written, 0 loaded before\n",
      });
      found.push(await project.rows());
      await project.pool.query("TRUNCATE public.payments, public.tidemark_loaded");
    }
    expect(found[0]).toMatchObject([
      { id: "2", "User ID": "", amount: null },
      {
        id: "9007199254740993",
        "User ID": 'a "b", c\nd',
        amount: "1234567890123456.7891",
        at: "2025-06-14 09:30:00.000001+00",
        raw: "\\x00ff",
        extra: '{"n": 1}',
      },
    ]);
    for (const other of found) expect(other).toEqual(found[0]);
  });

  test("a query copies the zone's day from another database, with every digit", async () => {
    const project = await LoadProject.over(
      into(
        `{ query: 'SELECT id, who AS "User ID", amount, at, raw FROM ledger WHERE at >= $1 ` +
          `AND at < $2 -- $9\\n', from: ({ secrets }) => secrets.database }`,
      ),
    );
    await project.pool.query(
      "CREATE TABLE ledger (id bigint, who text, amount numeric, at timestamptz, raw bytea)",
    );
    await project.pool.query(
      `INSERT INTO ledger VALUES (1, 'a', 0.1000, '2025-06-13 16:59:59.999999Z', null), (2, ` +
        `'b', 12345678901234.5678, '2025-06-13 17:00:00Z', '\\x00'), (3, E'c\\\\\\t', null, ` +
        `'2025-06-14 16:59:59.999999Z', ''), (4, 'd', 1, '2025-06-14 17:00:00Z', null)`,
    );
    expect(await project.run("load", "--date", "2025-06-14")).toMatchObject({ code: 0 });
    expect(await project.rows('id, "User ID", amount, raw')).toEqual([
      { id: "2", "User ID": "b", amount: "12345678901234.5678", raw: "\\x00" },
      { id: "3", "User ID": "c\\\t", amount: null, raw: "\\x" },
    ]);
  });

  test("whenPresent refuses the day, keeps the row or replaces the row", async () => {
    const project = await LoadProject.over(file("jsonl"));
    const day =
      '{"id": 1, "User ID": "new", "rate": 2}\n{"id": 2, "User ID": "new", "rate": 2}\n{"id": ' +
      '3, "User ID": "same", "rate": 0.1}\n';
    project.write("payments-2025-06-14.jsonl", day);
    const there = async (): Promise<void> => {
      await project.pool.query(
        'TRUNCATE public.payments; INSERT INTO public.payments (id, "User ID", rate, good) ' +
          "VALUES (1, 'old', 1, true), (3, 'same', 0.1, true)",
      );
    };
    await there();
    const refused = await project.run("load", "--date", "2025-06-14", "--json");
    expect(refused).toMatchObject({ code: 1 });
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {
        code: "LOAD_ROW_INVALID",
        message: expect.stringContaining("payments-2025-06-14.jsonl:1: ") as string,
        docs: "https://tidemark-features.github.io/tidemark/errors#load_row_invalid",
      },
    });
    expect([await project.count(), await project.days()]).toEqual([2, []]);

    project.configure(file("jsonl", 'whenPresent: "keep"'));
    expect(
      JSON.parse((await project.run("load", "--date", "2025-06-14", "--json")).stdout),
    ).toMatchObject({ days: [{ rows: 3, taken: 1 }] });
    expect(await project.rows('id, "User ID", good')).toEqual([
      { id: "1", "User ID": "old", good: "t" },
      { id: "2", "User ID": "new", good: null },
      { id: "3", "User ID": "same", good: "t" },
    ]);

    await there();
    await project.pool.query("TRUNCATE public.tidemark_loaded");
    project.configure(file("jsonl", 'whenPresent: "replace"'));
    expect(
      JSON.parse((await project.run("load", "--date", "2025-06-14", "--json")).stdout),
      "a row that is the same is no change",
    ).toMatchObject({ days: [{ rows: 3, taken: 2 }] });
    expect(await project.rows('id, "User ID", rate, good')).toEqual([
      { id: "1", "User ID": "new", rate: "2", good: "t" },
      { id: "2", "User ID": "new", rate: "2", good: null },
      { id: "3", "User ID": "same", rate: "0.1", good: "t" },
    ]);
  });

  test(
    "--again takes the day's rows out by the job's own statement and brings them anew; without " +
      "one it is refused",
    async () => {
      const project = await LoadProject.over(file("csv"));
      project.write(
        "payments-2025-06-14.csv",
        "id,User ID,at\n1,a,2025-06-14T00:00:00+07:00\n2,b,2025-06-14T23:59:59+07:00\n",
      );
      await project.pool.query(
        "INSERT INTO public.payments (id, \"User ID\", at) VALUES (9, 'other day', " +
          "'2025-06-15T00:00:00+07')",
      );
      await project.run("load", "--date", "2025-06-14");
      expect(await project.run("load", "--date", "2025-06-14", "--again")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("LOAD_NOT_AGAIN") as string,
      });
      project.configure(
        file("csv", 'removal: "DELETE FROM public.payments WHERE at >= $1 AND at < $2;"'),
      );
      project.write(
        "payments-2025-06-14.csv",
        "id,User ID,at\n2,b2,2025-06-14T23:59:59+07:00\n3,c,2025-06-14T12:00:00+07:00\n",
      );
      expect(
        JSON.parse((await project.run("load", "--date", "2025-06-14", "--again", "--json")).stdout),
      ).toMatchObject({ days: [{ written: true, rows: 2, removed: 2 }] });
      expect((await project.rows('"User ID"')).map((row) => row["User ID"])).toEqual([
        "b2",
        "c",
        "other day",
      ]);
      project.write("payments-2025-06-14.csv", "id,User ID,at\n4,d,nonsense\n");
      expect(await project.run("load", "--date", "2025-06-14", "--again")).toMatchObject({
        code: 1,
      });
      expect(
        (await project.rows('"User ID"')).map((row) => row["User ID"]),
        "a failed one takes nothing out",
      ).toEqual(["b2", "c", "other day"]);
    },
  );

  test(
    "several days: each by itself, and the one that fails ends the command with those before it " +
      "there",
    async () => {
      const project = await LoadProject.over(file("csv"));
      for (const day of [1, 2, 4])
        project.write(`payments-2025-02-0${day}.csv`, `id,User ID\n${day},u\n`);
      const ran = await project.run("load", "--from", "2025-02-01", "--to", "2025-02-05");
      expect(ran).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("LOAD_FILE_MISSING: payments-2025-02-03.csv") as string,
      });
      expect(await project.days()).toEqual(["payments 2025-02-01", "payments 2025-02-02"]);
      project.write("payments-2025-02-03.csv", "id,User ID\n");
      expect(await project.run("load", "--from", "2025-02-01", "--to", "2025-02-05")).toMatchObject(
        { code: 0, stdout: "2 written, 2 loaded before\n" },
      );
      expect(await project.count()).toBe(3);
    },
  );

  test("two concurrent commands write the day once", async () => {
    const project = await LoadProject.over(
      into(
        'async function* () { for (let id = 1; id <= 2000; id++) yield { id, "User ID": "u" }; }',
      ),
    );
    const all = await Promise.all(
      [1, 2, 3].map(() => project.run("load", "--date", "2025-06-14", "--json")),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(
      all
        .flatMap(({ stdout }) =>
          (JSON.parse(stdout) as { days: { written: boolean }[] }).days.map(
            ({ written }) => written,
          ),
        )
        .toSorted(),
    ).toEqual([false, false, true]);
    expect(await project.count()).toBe(2000);
  });

  for (const [when, more] of [
    ["as it is copied", ""],
    ["through a temporary table", 'whenPresent: "replace"'],
  ] as const) {
    test(
      `after kill -9 at any moment, ${when}, a day is loaded whole or not at all, and the next ` +
        "run completes it",
      async () => {
        const slow =
          'async function* () { for (let id = 1; id <= 40; id++) { yield { id, "User ID": ' +
          '"x".repeat(40000) }; await new Promise((done) => setTimeout(done, 15)); } }';
        const project = await LoadProject.over(into(slow, more));
        const seen = new Set<number>();
        for (let after = 350; ; after += 170) {
          process.env["PAYMENTS_URL"] = project.url;
          const { child, ended } = project.start(["load", "--date", "2025-06-14"]);
          const timer = sleep(after).then(() => child.kill("SIGKILL"));
          const { code } = await ended;
          const count = await project.count();
          seen.add(count);
          expect([0, 40]).toContain(count);
          if (code === null) {
            await timer;
            continue;
          }
          expect([code, count]).toEqual([0, 40]);
          break;
        }
        expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 40]);
        expect(
          JSON.parse((await project.run("load", "--date", "2025-06-14", "--json")).stdout),
        ).toMatchObject({ days: [{ written: false, rows: 40 }] });
      },
    );
  }

  test("an interrupted load ends with 130 and leaves nothing of the day", async () => {
    const project = await LoadProject.over(
      into(
        'async function* () { for (let id = 1; ; id++) { yield { id, "User ID": ' +
          '"x".repeat(90000) }; await new Promise((done) => setTimeout(done, 5)); } }',
      ),
    );
    process.env["PAYMENTS_URL"] = project.url;
    const { child, ended } = project.start(["load", "--date", "2025-06-14"]);
    const copying = async (): Promise<boolean> =>
      (
        await project.pool.query(
          "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY %' AND datname = " +
            "current_database()",
        )
      ).rowCount === 1;
    while (!(await copying())) await sleep(20);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("the day in progress was not written") as string,
    });
    expect([await project.count(), await project.days()]).toEqual([0, []]);
  });

  test("a custom job gets the day and a pool, and its numbers are shown", async () => {
    const project = await LoadProject.over(`own: {
      database: ({ secrets }) => secrets.database,
      async run({ pool, date, from }) {
        const { rowCount } = await pool.query(
          "INSERT INTO public.payments (id, \\"User ID\\", at) VALUES (1, $1, $2) " +
            "ON CONFLICT DO NOTHING",
          [date, from],
        );
        return { written: rowCount === 1, inserted: rowCount };
      },
    }`);
    expect(
      JSON.parse((await project.run("load", "--date", "2025-06-14", "--json")).stdout),
    ).toMatchObject({ days: [{ job: "own", written: true, inserted: 1 }] });
    expect(
      JSON.parse((await project.run("load", "--date", "2025-06-14", "--json")).stdout),
    ).toMatchObject({ days: [{ written: false, inserted: 0 }] });
    expect(await project.rows('"User ID"')).toEqual([{ "User ID": "2025-06-14" }]);
  });
});
