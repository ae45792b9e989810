/** Faults in files that `tidemark load` copies into a database: 46, 48, 49. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { expect, test } from "vitest";
import { LoadProject } from "../../../packages/cli/test/support/load-project.ts";
import { expectedRows, faultFolder } from "./fault.ts";

const TABLE = `CREATE TABLE public.payments (id bigint PRIMARY KEY, client_id text,
  amount float8, paid_at timestamptz, valid_to timestamptz, tags text[], t time)`;

/** A project that loads the fault's file into a table of payments, in Berlin. */
async function loadOf(number: string, end: "csv" | "parquet", more = ""): Promise<LoadProject> {
  const project = await LoadProject.over(
    `payments: { database: ({ secrets }) => secrets.database, table: "public.payments", ` +
      `rows: { file: "rows-{date}.${end}" }, ${more} }`,
    { table: TABLE, zone: "Europe/Berlin" },
  );
  copyFileSync(join(faultFolder(number), `rows.${end}`), project.path(`rows-2025-06-06.${end}`));
  return project;
}

const rowsOf = async (project: LoadProject): Promise<unknown[]> =>
  (await project.rows("id, to_json(p) AS row FROM public.payments p --")).map(
    ({ row }) => JSON.parse(row!) as unknown,
  );

suiteNeeding(realPipeline(), "faults of a load", () => {
  for (const [number, end, title] of [
    ["46", "parquet", "times of Parquet without a zone are read in the zone"],
    ["48", "csv", "a time that comes twice is the first"],
  ] as const)
    test(`${number}: ${title}`, async () => {
      const project = await loadOf(number, end);
      const { code, stderr } = await project.run("load", "--date", "2025-06-06");
      expect(code, stderr).toBe(0);
      expect(instants(await rowsOf(project))).toEqual(instants(expectedRows(number)));
    });

  test("49: a key that comes twice is refused with both lines", async () => {
    const project = await loadOf("49", "csv", 'whenPresent: "replace"');
    const { code, stderr } = await project.run("load", "--date", "2025-06-06");
    expect(code).toBe(1);
    expect(stderr).toContain("LOAD_ROW_INVALID");
    expect(stderr).toContain("rows-2025-06-06.csv:2 and rows-2025-06-06.csv:4");
    expect(await project.count()).toBe(0);
  });
});

/** The rows with their times as instants, however the session's zone writes them. */
function instants(rows: readonly unknown[]): unknown[] {
  return (rows as readonly Readonly<Record<string, unknown>>[]).map((row) => ({
    ...row,
    paid_at: new Date(String(row["paid_at"])).toISOString(),
  }));
}
