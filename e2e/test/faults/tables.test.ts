/** Faults in origins and tables: 06, 21, 22. */
import { expect, test } from "vitest";
import { expectAllAccounted, expectedRows, faultProject, replayFault, runFault } from "./fault.ts";

test("06: rows of a second database are refused", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("06"));
  expect(code).toBe(1);
  expect(answers).toBeNull();
  for (const text of ["SOURCE_TWO_ORIGINS", "payments", "north", "south", "keyFrom"])
    expect(stderr).toContain(text);
});

test("06: with keyFrom the database is part of the key", async () => {
  const project = faultProject("06");
  const features = project.read("features.ts");
  project.write(
    "features.ts",
    features
      .replace('id: int64("id"),', 'id: int64("id"), tenant: string("tenant"),')
      .replace(
        'primaryKey: ["id"],',
        'primaryKey: ["tenant", "id"], keyFrom: { tenant: "database" },',
      ),
  );
  const { code, stderr, answers } = await replayFault(project);
  expect({ code, answers }, stderr).toEqual({ code: 0, answers: expectedRows("06") });
  expect(stderr).not.toContain("not taken");
});

test("21: the warning about a partition's topic names the option", async () => {
  const { stderr } = await replayFault(faultProject("21"));
  for (const text of [
    "2 messages of bank.public.payments_p2025_06 belong to no source",
    "TABLE_NOT_DECLARED",
    "bank.public.payments_p2025_06, partition 0, offset 0",
    "public.payments",
    "publish.via.partition.root",
    "--table",
  ])
    expect(stderr).toContain(text);
  const run = await runFault("21");
  expectAllAccounted("21", run);
  expect(run).toMatchObject({ taken: 0, told: 2 });
});

test("21: with --table the partition's topic is read", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("21"), {
    table: "bank.public.payments_p2025_06=public.payments",
  });
  expect({ code, answers }).toEqual({
    code: 0,
    answers: [{ n_7d: 2, total_7d: 30.5, max_7d: 20 }],
  });
  expect(stderr).not.toContain("not taken");
});

test("22: changes after a table was renamed are told with the likely table", async () => {
  const { stderr, answers } = await replayFault(faultProject("22"));
  expect(answers).toEqual([{ n_7d: 1, total_7d: 10.5, max_7d: 10.5 }]);
  for (const text of [
    "belongs to no source",
    "TABLE_NOT_DECLARED",
    "public.payments_2024",
    'declare table: "public.payments_2024", with renamedFrom: "public.payments"',
  ])
    expect(stderr).toContain(text);
  const run = await runFault("22");
  expectAllAccounted("22", run);
  expect(run).toMatchObject({ taken: 1, told: 1 });
});

test("22: a source that names its former table takes the rows of both names", async () => {
  const project = faultProject("22");
  const features = project.read("features.ts");
  project.write(
    "features.ts",
    features.replace(
      'table: "public.payments"',
      'table: "public.payments_2024", renamedFrom: "public.payments"',
    ),
  );
  const { code, stderr, answers } = await replayFault(project);
  expect({ code, answers }, stderr).toEqual({
    code: 0,
    answers: [{ n_7d: 2, total_7d: 30.5, max_7d: 20 }],
  });
  expect(stderr).not.toContain("not taken");
});
