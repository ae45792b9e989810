import { truncateSync, writeFileSync, mkdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bankProject, definitions } from "../support/bank.ts";
import type { Project, CommandResult } from "../support/project.ts";

const service = "fraud_v1";

/** The command failed with exit code 1 and this message, and left nothing behind. */
function expectFailure(
  project: Project,
  { code, stdout, stderr }: CommandResult,
  message: RegExp,
): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(project.files("tmp")).toEqual([]);
  expect(project.files().filter((name) => /answers|\.tmp$/.test(name))).toEqual([]);
}

const badDefinitions = [
  [
    "throws",
    `${definitions}\nthrow new Error("no database today");`,
    /DEFINITIONS_NOT_LOADED: features\.ts: it does not load: no database today, in line 33\n/,
  ],
  [
    "throws something else",
    "throw 42;",
    /DEFINITIONS_NOT_LOADED: features\.ts: it does not load: it threw 42/,
  ],
  [
    "is no TypeScript",
    "\nexport const = 1;",
    /DEFINITIONS_NOT_LOADED: features\.ts: it does not load: Unexpected token.*, in line 2\n/,
  ],
  [
    "imports what is not installed",
    'import "@tidemark/nothing";',
    /DEFINITIONS_NOT_LOADED: features\.ts: it does not load: .*@tidemark\/nothing/,
  ],
  [
    "contains a definition that is refused",
    definitions.replace('"7d"', '"7 days"'),
    /DEFINITIONS_NOT_LOADED: features\.ts: .*"7 days" is not .*\(DURATION_INVALID\), in line 24\n/,
  ],
  [
    "contradicts itself",
    `${definitions}\nexport const other = featureService("fraud_v1", [weekly.number]);`,
    /DEFINITION_CONFLICT: two different feature services are called "fraud_v1"/,
  ],
  [
    "exports nothing of the kind",
    "export const x = 1;",
    /SERVICE_UNKNOWN: features\.ts: no .* called "fraud_v1" \(services: none; views: none\)/,
  ],
] as const;

for (const [text, content, message] of badDefinitions) {
  test(`a file of definitions that ${text}`, async () => {
    const project = bankProject();
    project.write("features.ts", content);
    expectFailure(project, await project.replay({ service }), message);
  });
}

test("a file of definitions that does not exist, or is no file", async () => {
  const project = bankProject();
  expectFailure(
    project,
    await project.replay({ service, definitions: "nowhere.ts" }),
    /DEFINITIONS_NOT_FOUND: nowhere\.ts: there is no such file; give the module/,
  );
  expectFailure(
    project,
    await project.replay({ service, definitions: "tmp" }),
    /DEFINITIONS_NOT_FOUND: tmp: this is no file/,
  );
});

test("an unknown service gets the nearest name, or the name of that export", async () => {
  const project = bankProject();
  expectFailure(
    project,
    await project.replay({ service: "froud_v1" }),
    /"froud_v1"; did you mean "fraud_v1"\? \(services: fraud_v1; views: weekly_activity\)/,
  );
  expectFailure(
    project,
    await project.replay({ service: "fraud" }),
    /no service or view is called "fraud"; the export of that name is called "fraud_v1" \(/,
  );
});

const time = '"event_timestamp": "2025-03-05T00:00:00Z"';
const badRequests = [
  [
    "is not JSON",
    "{user_id: 1}",
    /REQUEST_LINE_INVALID: requests\.jsonl:2: .* not JSON \(.*\); write \{"user_id": …, "event_/,
  ],
  ["is no object", "[1]", /REQUEST_LINE_INVALID: requests\.jsonl:2: this is not a JSON object/],
  ["is a number", "12", /REQUEST_LINE_INVALID: requests\.jsonl:2: this is not a JSON object/],
  [
    "lacks a key",
    `{${time}}`,
    /KEY_INVALID: requests\.jsonl:2: key user_id is missing \(the line has event_timestamp\)/,
  ],
  [
    "has a key too many",
    `{"user_id": "u", "vendor": "v", ${time}}`,
    /KEY_INVALID: requests\.jsonl:2: vendor is no key .*; give only user_id and event_timestamp/,
  ],
  [
    "has a key of another kind",
    `{"user_id": 12345678901234567890, ${time}}`,
    /KEY_INVALID: requests\.jsonl:2: key user_id: 12345678901234567000 is not a string/,
  ],
  [
    "has a null key",
    `{"user_id": null, ${time}}`,
    /KEY_INVALID: requests\.jsonl:2: key user_id: null is not allowed here/,
  ],
  [
    "lacks the time",
    '{"user_id": "u"}',
    /TIME_INVALID: requests\.jsonl:2: event_timestamp is missing/,
  ],
  [
    "has a time without a zone",
    '{"user_id": "u", "event_timestamp": "2025-03-05 00:00:00"}',
    /TIME_INVALID: requests\.jsonl:2: event_timestamp: "2025-03-05 00:00:00" is a time without/,
  ],
  [
    "has a day that does not exist",
    '{"user_id": "u", "event_timestamp": "2025-02-30T00:00:00Z"}',
    /TIME_INVALID: requests\.jsonl:2: event_timestamp: /,
  ],
  [
    "has a number for a time",
    '{"user_id": "u", "event_timestamp": 1741132800}',
    /TIME_INVALID: requests\.jsonl:2: event_timestamp: the bare number 1741132800 has no unit/,
  ],
] as const;

for (const [text, line, message] of badRequests) {
  test(`a request that ${text}`, async () => {
    const project = bankProject();
    project.write("requests.jsonl", `{"user_id": "u", ${time}}\n${line}\n`);
    expectFailure(project, await project.replay({ service }), message);
  });
}

test("an int64 key that is a fraction, or beyond 64 bits", async () => {
  const project = bankProject();
  project.write(
    "features.ts",
    definitions
      .replace("keys: { user_id: string() }", "keys: { user_id: int64() }")
      .replace('string("User ID")', 'int64("User ID")'),
  );
  for (const key of ["1.5", "9223372036854775808", '"twelve"', "1e400", "true"]) {
    project.write("requests.jsonl", `{"user_id": ${key}, ${time}}`);
    expectFailure(
      project,
      await project.replay({ service }),
      /KEY_INVALID: requests\.jsonl:1: key user_id: .* is not an int64/,
    );
  }
});

test("topics and requests that do not exist or are damaged are named", async () => {
  const project = bankProject();
  expectFailure(
    project,
    await project.replay({ service, requests: "none.jsonl" }),
    /REQUESTS_NOT_FOUND: none\.jsonl: there is no such file/,
  );
  expectFailure(
    project,
    await project.replay({ service, topic: "none.jsonl" }),
    /TOPIC_NOT_FOUND: recorded topic none\.jsonl: the file does not exist/,
  );
  const lines = project.read("topic.jsonl");
  project.write("torn.jsonl", lines.slice(0, 3000));
  expectFailure(
    project,
    await project.replay({ service, topic: "torn.jsonl" }),
    /TOPIC_LINE_INVALID: torn\.jsonl:\d+: not JSON/,
  );
  project.write("torn.jsonl.gz", gzipSync(lines));
  truncateSync(project.path("torn.jsonl.gz"), 500);
  expectFailure(
    project,
    await project.replay({ service, topic: "torn.jsonl.gz" }),
    /TOPIC_UNREADABLE: recorded topic torn\.jsonl\.gz: /,
  );
});

test("paths that cannot be written are named", async () => {
  const project = bankProject();
  expectFailure(
    project,
    await project.replay({ service, out: "no/where/out.jsonl" }),
    /OUT_NOT_WRITABLE: no\/where\/out\.jsonl: .*: there is no directory no\/where; make it first/,
  );
  expectFailure(
    project,
    await project.replay({ service, out: "tmp" }),
    /OUT_NOT_WRITABLE: tmp: the answers cannot be written: this is a directory/,
  );
  mkdirSync(project.path("kept"));
  writeFileSync(project.path("kept/online.db"), "");
  expectFailure(
    project,
    await project.replay({ service, keep: "kept" }),
    /KEEP_NOT_EMPTY: kept: there is online\.db already/,
  );
});

test("a failure keeps the answers of the last run", async () => {
  const project = bankProject();
  project.write("answers.jsonl", "before\n");
  project.write("torn.jsonl", "{");
  expect((await project.replay({ service, topic: "torn.jsonl" })).code).toBe(1);
  expect(project.read("answers.jsonl")).toBe("before\n");
});

test("a topic of other tables is answered with a warning", async () => {
  const project = bankProject();
  project.write("topic.jsonl", project.read("topic.jsonl").replaceAll("transaction_data", "other"));
  const { code, stderr } = await project.replay({ service, quiet: true });
  expect({ code, lines: stderr.split("\n") }).toEqual({
    code: 0,
    lines: [
      'warning: no message is of a table that "fraud_v1" reads (public.transaction_data); ' +
        "--table TOPIC=SCHEMA.TABLE says which table a topic holds",
      expect.stringMatching(
        /^warning: not taken: 64 messages of multi\S+ belong to no source \(TABLE_NOT_DECLARED\)/,
      ),
      expect.stringMatching(
        /^warning: not taken: 6 messages of \S+ belong to no source \(NOT_DECLARED\); the/,
      ),
      "",
    ],
  });
});

test("quarantined rows give a warning", async () => {
  const project = bankProject();
  const [line] = project.read("topic.jsonl").split("\n");
  project.write("topic.jsonl", line!.replace("2025-03-01 00:37:00", "2025-02-30 00:37:00"));
  const { code, stderr } = await project.replay({ service, quiet: true });
  const place = "multi.public.transaction_data, partition 0, offset 0";
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      'warning: not taken: source "transactions": 1 value cannot be read and is missing ' +
      `(NOT_A_TIME, column "time"); it is ${place}: column "time" cannot be read, ` +
      'its value is "2025-02-30 00:37:00": ' +
      "the value is no time, such as 2025-06-05T09:30:00Z; correct the writer\n" +
      'warning: not taken: source "transactions": 1 row went into quarantine ' +
      `(NOT_A_TIME, column "time"); it is ${place}: ` +
      'the row is in no window, because column "time" has no value (NOT_A_TIME)\n' +
      'warning: source "transactions": 1 row cannot be read and is in no window (law 9)\n',
  });
});

test("an interrupted replay removes its files and writes no answers", async () => {
  const project = bankProject();
  // Long enough that the signal meets it at work.
  const lines = readFileSync(project.path("topic.jsonl"), "utf8")
    .trim()
    .split("\n")
    .filter((line) => line.includes('\\"op\\":\\"c\\"'));
  const many = Array.from({ length: 60_000 }, (_, i) =>
    lines[i % lines.length]!.replace(
      /"partition":\d+,"offset":"\d+"/,
      `"partition":0,"offset":"${i}"`,
    ).replaceAll(/\\"id\\":\d+/g, `\\"id\\":${i}`),
  );
  project.write("topic.jsonl", many.join("\n"));
  const { child, ended } = project.start([
    "replay",
    "--definitions",
    "features.ts",
    "--topic",
    "topic.jsonl",
    "--service",
    service,
    "--requests",
    "requests.jsonl",
    "--out",
    "answers.jsonl",
  ]);
  while (project.files("tmp").length === 0 && !child.hasEnded)
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  child.kill("SIGINT");
  const ran = await ended;
  expect(ran).toMatchObject({
    code: 130,
    stdout: "",
    stderr: "tidemark replay: interrupted; nothing was written\n",
  });
  expect(project.files("tmp")).toEqual([]);
  expect(project.files()).not.toContain("answers.jsonl");
  expect(project.files().filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
