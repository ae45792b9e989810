/** Faults in times, columns, texts and bytes: 10, 12, 15, 16, 18, 19. */
import { expect, test } from "vitest";
import { expectAllAccounted, expectedRows, faultProject, replayFault, runFault } from "./fault.ts";

test("10: a commit time of 0 is replaced by the broker's time, with a warning", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("10"), {
    knowledge: "as-known",
  });
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("10") });
  expect(stderr).toMatch(/source\.ts_ms 0.* is no commit time/);
  const run = await runFault("10");
  expectAllAccounted("10", run);
  expect(run).toMatchObject({ taken: 2, told: 0 });
});

test("12: a time that lies in January 1970 is told with the unit's setting", async () => {
  const { code, stderr } = await replayFault(faultProject("12"));
  expect(code).not.toBe(0);
  for (const text of ["shop.shop.payments, partition 0, offset 0", "paid_at", "1970"])
    expect(stderr).toContain(text);
  expect(stderr).toMatch(/time-unit|times/);
});

test("12: with the unit of the column the times are right", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("12"), {
    "time-unit": "shop.payments.paid_at=ms",
  });
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("12") });
  expect(stderr).not.toContain("not taken");
  const run = await runFault("12", { times: { "shop.payments.paid_at": "ms" } });
  expectAllAccounted("12", run);
  expect(run).toMatchObject({ taken: 2, told: 0 });
});

test("15: a bit column declared as string is read", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("15"));
  expect({ code, answers }, stderr).toEqual({ code: 0, answers: expectedRows("15") });
  expectAllAccounted("15", await runFault("15"));
});

test("16: hexadecimal digits that are also base64 are refused", async () => {
  const { stderr, answers } = await replayFault(faultProject("16"));
  expect(answers).toEqual([{ token: null }]);
  for (const text of ['column "token"', "encoding", "hex", "offset 0"])
    expect(stderr).toContain(text);
  const run = await runFault("16");
  expectAllAccounted("16", run);
  expect(run.notTaken).toMatchObject([{ kind: "invalid", column: "token", count: 2 }]);
});

test("16: with the encoding declared the bytes are right", async () => {
  const project = faultProject("16");
  project.write(
    "features.ts",
    project.read("features.ts").replace('bytes("token")', 'bytes("token", { encoding: "hex" })'),
  );
  const { code, stderr, answers } = await replayFault(project);
  expect({ code, answers }, stderr).toEqual({ code: 0, answers: expectedRows("16") });
  expect(stderr).not.toContain("not taken");
});

test("18: half an emoji gives the same answer on both paths", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("18"));
  expect(code, stderr).toBe(0);
  const [row] = answers as { readonly n_7d: number; readonly notes: number }[];
  expect(row!.n_7d).toBe(3);
  const run = await runFault("18");
  expectAllAccounted("18", run);
  // Either three texts, or one with two that are told.
  const told = run.notTaken.reduce((sum, { count }) => sum + count, 0);
  expect([row!.notes, told]).toEqual(told === 0 ? [3, 0] : [1, 2]);
});

test("19: a declared column that no message has is told with the likely name", async () => {
  const { stderr } = await replayFault(faultProject("19"));
  for (const text of ["Amount", 'did you mean "amount"?']) expect(stderr).toContain(text);
  expectAllAccounted("19", await runFault("19"));
});
