/** A key that comes twice in a day is told with both rows, and no error shows a row's values. */
import { expect, test } from "vitest";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { LoadProject } from "../support/load-project.ts";

const into = (rows: string, more: string): string =>
  `payments: { database: ({ secrets }) => secrets.database, table: "public.payments", rows: ` +
  `${rows}, ${more} }`;
const WHEN = ["", 'whenPresent: "keep"', 'whenPresent: "replace"'] as const;

suiteNeeding(realPipeline(), "keys of a load", () => {
  const load = (project: LoadProject) => project.run("load", "--date", "2025-06-14");
  const refused = async (project: LoadProject, ...said: string[]): Promise<void> => {
    const ran = await load(project);
    expect(ran).toMatchObject({ code: 1 });
    for (const text of ["LOAD_ROW_INVALID", ...said]) expect(ran.stderr).toContain(text);
    expect(ran.stderr, "no value of a row").not.toMatch(/Ann|4711|Failing row|\(id\)=/);
    expect(await project.days()).toEqual([]);
  };

  test("a key twice in a file is refused with both lines, whatever whenPresent says", async () => {
    const project = await LoadProject.over(into('{ file: "p-{date}.csv" }', ""));
    project.write(
      "p-2025-06-14.csv",
      'id,User ID\n1,"a\nb"\n4711,Ann\n\n2,c\n04711,Ann Smith\n4711,Ann\n'.replace("04711", "4711"),
    );
    project.write(
      "p-2025-06-14.jsonl",
      '{"id": 1, "User ID": "a"}\n\n{"id": 4711, "User ID": "Ann"}\n{"id": 4711, "User ID": ""}\n',
    );
    for (const when of WHEN) {
      project.configure(into('{ file: "p-{date}.csv" }', when));
      await refused(
        project,
        "p-2025-06-14.csv:4 and p-2025-06-14.csv:7 have the same key (id); take one of them out",
      );
      project.configure(into('{ file: "p-{date}.jsonl" }', when));
      await refused(project, "p-2025-06-14.jsonl:3 and p-2025-06-14.jsonl:4 have the same key");
      expect(await project.count()).toBe(0);
    }
  });

  test("a key of several columns, and of another unique index", async () => {
    const table = `CREATE TABLE public.payments (id bigint, "User ID" text, mail text UNIQUE,
      PRIMARY KEY (id, "User ID"))`;
    for (const when of WHEN) {
      const project = await LoadProject.over(into('{ file: "p-{date}.csv" }', when), { table });
      project.write("p-2025-06-14.csv", "User ID,mail,id\na,x,1\na,,2\na,,1\n");
      await refused(project, "p-2025-06-14.csv:2 and p-2025-06-14.csv:4", "(id, User ID)");
      project.write("p-2025-06-14.csv", "User ID,mail,id\na,Ann,1\na,,2\nb,,2\nb,Ann,3\n");
      await refused(project, "p-2025-06-14.csv:2 and p-2025-06-14.csv:5", "(mail)");
    }
  });

  test("a key that is in the table already is named with its row alone", async () => {
    const project = await LoadProject.over(into('{ file: "p-{date}.csv" }', ""));
    await project.pool.query("INSERT INTO public.payments VALUES (4711, 'Ann')");
    project.write("p-2025-06-14.csv", "id,User ID\n1,a\n4711,Ann\n");
    await refused(
      project,
      "p-2025-06-14.csv:3: its key (id) is in the table already; take the row out",
    );
    project.configure(into('() => [{ id: 4711, "User ID": "Ann" }]', ""));
    await refused(project, "row 1: its key (id) is in the table, or came before in the day");
  });

  test("an error of the table or of a trigger shows no value of the row", async () => {
    const table = `CREATE TABLE public.payments (id bigint PRIMARY KEY, "User ID" text NOT NULL
      CHECK ("User ID" <> 'Ann'), code varchar(3), kind int);
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF new.kind = 4711 THEN RAISE EXCEPTION 'kind % of %', new.kind, new."User ID"
          USING ERRCODE = '23514'; END IF; RETURN new; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON public.payments
        FOR EACH ROW EXECUTE FUNCTION refuse();`;
    for (const when of ["", 'whenPresent: "replace"'])
      for (const row of ["1,Ann,,", "1,,x,", "1,a,Ann4711,", "1,Ann Smith,,4711", "Ann,a,,"]) {
        const project = await LoadProject.over(into('{ file: "p-{date}.csv" }', when), { table });
        project.write("p-2025-06-14.csv", `id,User ID,code,kind\n${row}\n`);
        const ran = await load(project);
        expect(ran, row).toMatchObject({ code: 1 });
        // In a temporary table no trigger of the table runs, so its row is not known.
        const place = row.endsWith("4711") && when !== "" ? /DATABASE_FAILED/ : /csv:2: /;
        expect(ran.stderr, row).toMatch(place);
        expect(ran.stderr, row).not.toMatch(/Ann|4711|Failing row|CONTEXT/);
      }
  });
});
