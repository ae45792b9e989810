import type { MessageBytes } from "@tidemark/core";
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

/** With READS_BASE64 the decoder reads values in base64 too. */
const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { debeziumDecoder, kafkaMessage, recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
const decoder = {
  name: "Debezium in base64",
  start(options) {
    const inner = debeziumDecoder().start(options);
    return {
      decode: (message) =>
        inner.decode(
          message.valueText === null || message.valueText.startsWith("{")
            ? message
            : kafkaMessage({ ...message, key: message.keyText, headers: message.headers,
                topic: message.topic, partition: message.partition, offset: message.offset,
                timestamp: message.timestamp,
                value: Buffer.from(message.valueText, "base64").toString() }),
        ),
    };
  },
};
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: {
    recorded: () => recordedTopic(process.env.TOPIC, process.env.READS_BASE64 ? { decoder } : {}),
  },
});
`;

interface Line {
  readonly value: string | null;
  readonly key: string | null;
}

/** A project whose recording has every third value in base64, and half of those without a key. */
function partlyUnreadable(): Project {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const lines = project
    .read("topic.jsonl")
    .trim()
    .split("\n")
    .map((line, i) => {
      const message = JSON.parse(line) as Line;
      if (message.value === null || i % 3 !== 1) return line;
      const value = Buffer.from(message.value).toString("base64");
      return JSON.stringify({ ...message, value, key: i % 2 === 0 ? message.key : null });
    });
  project.write("partly.jsonl", lines.map((line) => `${line}\n`).join(""));
  return project;
}

const run = (project: Project, args: readonly string[], env: Readonly<Record<string, string>>) =>
  project.start(args, { env: { TOPIC: "partly.jsonl", ...env } }).ended;

test("unreadable messages are told, kept, and taken with another decoder", async () => {
  const project = partlyUnreadable();
  const first = await run(project, ["run", "--until", "caught-up", "--json"], {});
  const { changes, notTaken } = JSON.parse(first.stdout) as {
    readonly changes: number;
    readonly notTaken: readonly { readonly kind: string; readonly count: number }[];
  };
  const unreadable = notTaken
    .filter(({ kind }) => kind === "undecodable")
    .reduce((sum, { count }) => sum + count, 0);
  expect([first.code, changes, unreadable > 10]).toEqual([3, 70, true]);
  expect(first.stderr).toMatch(/^warning: source "transactions": messages cannot be read \(/);
  const status = await run(project, ["status"], {});
  expect(status.stdout).toMatch(/\n {2}not taken: source "transactions": \d+ messages cannot be/);

  const listed = await run(project, ["quarantine", "transactions"], {});
  // the first bytes of {"schema" or {"payload" in base64
  expect(listed.stdout).toMatch(/\n {2}value, \d+ bytes: "eyJ[A-Za-z0-9+/]{297}…"\n/);
  const json = await run(project, ["quarantine", "transactions", "--json"], {});
  const { rows } = JSON.parse(json.stdout) as {
    readonly rows: readonly { readonly original: MessageBytes | null }[];
  };
  const values = rows.flatMap(({ original }) => original?.value ?? []);
  // the newest message of a row may be a readable one that leaves columns out
  expect([values.length > 10, values.length < rows.length]).toEqual([true, true]);
  for (const { text, encoding, size } of values)
    expect([encoding, text.length]).toEqual(["utf-8", Math.min(size, 2000)]);

  const early = await run(project, ["retry"], {});
  expect([early.code, early.stdout.split("\n")[0]]).toEqual([
    3,
    expect.stringMatching(`^0 of ${unreadable} kept messages were taken in `),
  ]);
  const dry = await run(project, ["retry", "--dry-run", "--json"], { READS_BASE64: "1" });
  expect(JSON.parse(dry.stdout)).toEqual({
    messages: unreadable,
    taken: unreadable,
    notTaken: [],
    dryRun: true,
  });
  const retried = await run(project, ["retry"], { READS_BASE64: "1" });
  expect([retried.code, retried.stdout]).toEqual([
    0,
    expect.stringMatching(`^${unreadable} of ${unreadable} kept messages were taken in .* s\n$`),
  ]);
  const after = await run(project, ["status"], {});
  expect(after.stdout).toContain(`taken later by tidemark retry: ${unreadable} messages`);
  expect((await run(project, ["quarantine", "transactions"], {})).stdout).toBe(
    "0 rows of transactions in quarantine\n",
  );
});

test("a recording of which no message can be read ends with SOURCE_UNREADABLE", async () => {
  const project = bankProject();
  const lines = project.read("topic.jsonl").trim().split("\n");
  const avro = lines.map((line, i) =>
    JSON.stringify({
      ...(JSON.parse(line) as Line),
      offset: i,
      partition: 0,
      key: "\0\0",
      value: "\0\0",
    }),
  );
  project.write("topic.jsonl", `${avro.join("\n")}\n`);
  const { code, stderr } = await project.replay({ service: "fraud_v1" });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      /SOURCE_UNREADABLE: source "transactions": none of its \d+ messages can be read\. The/,
    ),
  ]);
});
