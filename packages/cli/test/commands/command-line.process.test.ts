import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tidemark } from "../../src/commands/command-line.ts";
import { replayArgs } from "../support/project.ts";

async function run(
  ...args: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const text = { stdout: "", stderr: "" };
  const terminal = (name: keyof typeof text) => ({
    write: (one: string) => {
      text[name] += one;
    },
  });
  const code = await tidemark(args, {
    stdout: terminal("stdout"),
    stderr: terminal("stderr"),
    signal: new AbortController().signal,
  });
  return { code, ...text };
}

test("--help and --version answer on stdout", async () => {
  expect(await run("--help")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Usage: tidemark COMMAND[^]*replay/),
    stderr: "",
  });
  expect(await run("replay", "--help")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Usage: tidemark replay --definitions[^]*--knowledge/),
    stderr: "",
  });
  const { version } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  ) as { version: string };
  expect(await run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

const wrong: readonly (readonly [string, readonly string[], string])[] = [
  [
    "no command",
    [],
    "say which command: apply, audit, backfill, backup, catalog, check, connector, ",
  ],
  ["an unknown command", ["repley"], 'there is no command "repley"; did you mean "replay"?'],
  [
    "an unknown option",
    replayArgs({ request: "x" }),
    'there is no option --request; did you mean "--requests"?',
  ],
  [
    "an unknown option that is like none",
    replayArgs({ xyzzy: true }),
    "there is no option --xyzzy",
  ],
  [
    "an option that has another name now",
    replayArgs({ "as-known": true }),
    "there is no option --as-known any more: write --knowledge as-known",
  ],
  [
    "another knowledge",
    replayArgs({ knowledge: "known" }),
    "--knowledge known is none of as-corrected, as-known",
  ],
  ["a short option", [...replayArgs(), "-x"], "there is no option -x"],
  [
    "something that belongs to no option",
    [...replayArgs(), "more.jsonl"],
    '"more.jsonl" belongs to no option',
  ],
  [
    "an option without its value",
    ["replay", "--definitions", "--topic", "x"],
    "--definitions needs a value",
  ],
  ["a last option without its value", ["replay", "--definitions"], "--definitions needs a value"],
  ["a value for a flag", ["replay", "--quiet=yes"], '--quiet takes no value, got "yes"'],
  ["an option twice", [...replayArgs(), "--out", "other.jsonl"], "--out is given twice"],
  [
    "options left out",
    ["replay", "--topic", "x", "--service", "y"],
    "--definitions, --requests, --out are missing",
  ],
  ["one option left out", replayArgs({ out: undefined }), "--out is missing"],
  [
    "another path",
    replayArgs({ path: "onlin" }),
    '--path onlin is none of online, offline, both; did you mean "online"?',
  ],
  [
    "as known of the online store",
    replayArgs({ path: "online", knowledge: "as-known" }),
    "--knowledge as-known reads the history, and --path online reads the online store",
  ],
  [
    "as known of both",
    replayArgs({ path: "both", knowledge: "as-known" }),
    "--knowledge as-known reads the history, and --path both reads the online store",
  ],
  [
    "a time unit without a column",
    replayArgs({ "time-unit": "ms" }),
    "--time-unit ms: write TABLE.COLUMN=UNIT with a unit of ns, us, ms, s, days",
  ],
  [
    "no verb for connector",
    ["connector"],
    "say what to do: connector apply, status, restart, delete",
  ],
  [
    "an unknown verb",
    ["connector", "aply"],
    'connector aply is none of apply, status, restart, delete; did you mean "apply"?',
  ],
  ["a connector without its place", ["connector", "status"], "--url, --name are missing"],
  [
    "a connector without a database",
    ["connector", "apply", "--url", "http://x", "--name", "y"],
    "--database is missing; or set TIDEMARK_DATABASE",
  ],
  [
    "a database that is none",
    ["connector", "apply", "--url", "http://x", "--name", "y", "--database", "db"],
    "--database must have the form postgres://user:password@host:port/database",
  ],
  [
    "a setting without a key",
    [
      "connector",
      "apply",
      "--url",
      "http://x",
      "--name",
      "y",
      "--database",
      "postgres://u:p@h/d",
      "--set",
      "x",
    ],
    "--set x: write KEY=VALUE",
  ],
  ["no verb for catalog", ["catalog"], "say what to do: catalog register, list, unregister"],
  [
    "an unknown verb of catalog",
    ["catalog", "lst"],
    'catalog lst is none of register, list, unregister; did you mean "list"?',
  ],
  ["a catalog without its place", ["catalog", "list"], "--trino, --schema are missing"],
  [
    "a registration without tables",
    ["catalog", "register", "--trino", "http://x", "--schema", "y"],
    "--source, --location are missing",
  ],
  [
    "a location that is none",
    [
      "catalog",
      "register",
      "--trino",
      "http://x",
      "--schema",
      "y",
      "--source",
      "z",
      "--location",
      "bucket/lake",
    ],
    "--location bucket/lake: write where Trino finds the history, as in s3://bucket/prefix",
  ],
  [
    "an unknown time unit",
    replayArgs({ "time-unit": "public.t.c=min" }),
    "--time-unit public.t.c=min: write TABLE.COLUMN=UNIT",
  ],
];

for (const [text, args, message] of wrong) {
  test(`a command line that has ${text} ends with 2, and says where to read on`, async () => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(`: ${message}`);
    expect(stderr).toMatch(/\nSee: tidemark( replay| connector| catalog)? --help\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
}
