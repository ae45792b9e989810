/** Faults in messages and keys: 01, 05, 08, 23, 27. */
import { expect, test } from "vitest";
import { expectAllAccounted, expectedRows, faultProject, replayFault, runFault } from "./fault.ts";

test("01: bytes of the Avro converter are named, and the replay fails", async () => {
  const project = faultProject("01");
  const { code, stderr, answers } = await replayFault(project);
  expect(code).toBe(1);
  expect(answers).toBeNull();
  for (const text of [
    "SOURCE_UNREADABLE",
    "none of its 2 messages can be read",
    "bank.public.payments, partition 0, offset 0",
    "org.apache.kafka.connect.json.JsonConverter",
  ])
    expect(stderr).toContain(text);
  expect(stderr).toMatch(/Avro|schema registry/i);
});

test("05: a bare key deletes its row", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("05"));
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("05") });
  expect(stderr).not.toContain("not taken");
  const run = await runFault("05");
  expectAllAccounted("05", run);
  expect(run).toMatchObject({ taken: 3, told: 0, notTaken: [] });
});

test("08: a tombstone whose delete was compacted away deletes its row", async () => {
  const { code, answers } = await replayFault(faultProject("08"));
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("08") });
  const run = await runFault("08");
  expectAllAccounted("08", run);
  expect(run).toMatchObject({ taken: 3, told: 0 });
});

test("23: Avro's JSON of kafka-avro-console-consumer is read", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("23"));
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("23") });
  expect(stderr).not.toContain("not taken");
  const run = await runFault("23");
  expectAllAccounted("23", run);
  expect(run).toMatchObject({ taken: 2, told: 0 });
});

test("27: a byte order mark at the beginning of a recording is passed over", async () => {
  const { code, stderr, answers } = await replayFault(faultProject("27"));
  expect({ code, answers }).toEqual({ code: 0, answers: expectedRows("27") });
  expect(stderr).not.toContain("not taken");
  expectAllAccounted("27", await runFault("27"));
});
