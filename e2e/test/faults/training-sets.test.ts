/** Faults in entity files and tables of a training set: 09, 30, 34 to 38, 41. */
import { expect, test } from "vitest";
import type { Project } from "../../../packages/cli/test/support/project.ts";
import { expectedRows } from "./fault.ts";
import { entriesOf, historyOfFault, restoreTable, trainingSet } from "./history.ts";

type Row = Readonly<Record<string, unknown>>;

/** The training set holds the rows of expected.jsonl, and perhaps further columns. */
async function expectRows(
  project: Project,
  number: string,
  entities: string,
  service = "svc",
  ...more: string[]
): Promise<void> {
  const { code, stderr, rows } = await trainingSet(project, entities, service, ...more);
  expect(code, stderr).toBe(0);
  expect(rows).toHaveLength(expectedRows(number).length);
  expect(rows).toMatchObject(expectedRows(number) as Row[]);
}

/** The training set is refused with each of the texts. */
async function expectRefused(
  project: Project,
  entities: string,
  ...texts: readonly (string | RegExp)[]
): Promise<void> {
  const { code, stderr, rows } = await trainingSet(project, entities, "svc");
  expect({ code, rows }, stderr).toEqual({ code: 1, rows: null });
  for (const text of texts) expect(stderr).toMatch(text);
}

test("09: rows of restored tables are read again", async () => {
  const project = await historyOfFault("09", 12);
  const tables = ["payments/changes", "payments/versions"];
  const before = tables.map((table) => [table, entriesOf(project, table) - 1] as const);
  await expectRun(project);
  await expectRows(project, "09", "labels.jsonl");
  for (const [table, version] of before) {
    expect(entriesOf(project, table) - 1).toBeGreaterThan(version);
    restoreTable(project, table, version);
  }
  await expectRun(project);
  await expectRows(project, "09", "labels.jsonl");
  const { stdout } = await project.run("status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ sources: [{ history: { changes: 40 } }] });
});

async function expectRun(project: Project): Promise<void> {
  const { code, stderr } = await project.run("run");
  expect(code, stderr).toBe(0);
}

test("30: a time in the year 9999 rides along", async () => {
  await expectRows(await historyOfFault("30"), "30", "labels.parquet");
});

test("34: whole numbers as event_timestamp are refused without their unit", async () => {
  const project = await historyOfFault("34");
  await expectRefused(project, "labels.parquet", "TIME_INVALID", "event_timestamp", "--time-unit");
  await expectRows(project, "34", "labels.parquet", "svc", "--time-unit", "ms");
});

test("35: two columns of one name are refused", async () => {
  await expectRefused(
    await historyOfFault("35"),
    "labels.parquet",
    /labels\.parquet/,
    /two columns/,
  );
});

test("36: Parquet in LZ4 is read", async () => {
  await expectRows(await historyOfFault("36"), "36", "labels.parquet");
});

test("37: keys of the type UUID are read as their text", async () => {
  await expectRows(await historyOfFault("37"), "37", "labels.parquet");
});

test("38: whole floats are taken as int64 keys", async () => {
  await expectRows(await historyOfFault("38"), "38", "labels.parquet", "csvc");
});

test("41: a date alone is midnight of the zone, and says so without one", async () => {
  const project = await historyOfFault("41");
  await expectRefused(project, "labels.csv", "TIME_INVALID", /labels\.csv:2/, "--zone");
  await expectRows(project, "41", "labels.csv", "svc", "--zone", "UTC");
});
