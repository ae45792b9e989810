/** `tidemark replay --table`: topics of partitions and of renamed tables. */
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const service = "fraud_v1";

interface Line {
  readonly key: string;
  readonly value: string | null;
}

/** The recording of `multi`, as a table of two partitions would give it. */
function partitioned(project: Project): readonly (readonly string[])[] {
  const topics = [0, 1].map((): string[] => []);
  for (const line of project.read("topic.jsonl").trim().split("\n")) {
    const message = JSON.parse(line) as Line;
    const number = Number((JSON.parse(message.key) as { readonly id: number }).id) % 2;
    const table = `transactions_p${number}`;
    topics[number]!.push(
      JSON.stringify({
        ...message,
        topic: `multi.public.${table}`,
        partition: 0,
        offset: topics[number]!.length,
        value: message.value?.replace('"table":"transaction_data"', `"table":"${table}"`) ?? null,
      }),
    );
  }
  return topics;
}

test("the topics of partitions answer as the one topic of the table", async () => {
  const project = bankProject();
  const [even, odd] = partitioned(project);
  project.write("even.jsonl", even!.join("\n"));
  project.write("odd.jsonl", odd!.join("\n"));
  project.write("both.jsonl", [...odd!, ...even!].join("\n"));
  const replay = (out: string, ...more: readonly string[]) =>
    project.run(
      "replay",
      "--definitions",
      "features.ts",
      "--service",
      service,
      "--requests",
      "requests.jsonl",
      "--out",
      out,
      ...more,
    );
  const pattern = "/^multi\\.public\\.transactions_p\\d$/=public.transaction_data";
  const named = [0, 1].flatMap((number) => [
    "--table",
    `multi.public.transactions_p${number}=public.transaction_data`,
  ]);
  const ran = await Promise.all([
    replay("1.jsonl", "--topic", "topic.jsonl"),
    replay("2.jsonl", "--topic", "both.jsonl", "--table", pattern),
    replay("3.jsonl", "--topic", "even.jsonl", "--topic", "odd.jsonl", ...named),
    replay("4.jsonl", "--topic", "both.jsonl", "--quiet"),
  ]);
  for (const { code, stderr } of ran) expect(code, stderr).toBe(0);
  const [expected, ...others] = ["1", "2", "3"].map((name) => project.read(`${name}.jsonl`));
  expect(expected).toMatch(/"number":[1-9]/);
  for (const other of others) expect(other).toBe(expected);
  expect(ran[3]!.stderr).toMatch(/no message is of a table .*; --table TOPIC=SCHEMA\.TABLE says/);
});

test("a row that moves between partitions is there once, in any order of the topics", async () => {
  const project = bankProject();
  const row = (table: string, offset: number, lsn: number, op: "c" | "d", amount: number) => {
    const image = {
      id: 1,
      "User ID": "user_000006",
      "Transaction ID": "t",
      Vendor: "v",
      Sources: "s",
      Time: "2025-03-04T00:00:00Z",
      Amount: amount,
    };
    const value = {
      before: op === "d" ? image : null,
      after: op === "c" ? image : null,
      source: {
        schema: "public",
        table,
        lsn,
        ts_us: 1_741_046_400_000_000 + lsn,
        snapshot: "false",
      },
      op,
    };
    return JSON.stringify({
      topic: `multi.public.${table}`,
      partition: 0,
      offset,
      timestamp: 17410464e5,
      key: '{"id":1}',
      value: JSON.stringify(value),
      headers: {},
    });
  };
  const tombstone = JSON.stringify({
    topic: "multi.public.transactions_p0",
    partition: 0,
    offset: 2,
    timestamp: 17410464e5,
    key: '{"id":1}',
    value: null,
    headers: {},
  });
  const left = [
    row("transactions_p0", 0, 1, "c", 10),
    row("transactions_p0", 1, 2, "d", 10),
    tombstone,
  ];
  const entered = [row("transactions_p1", 0, 3, "c", 25)];
  const orders = [
    [...left, ...entered],
    [...entered, ...left],
    [left[0]!, ...entered, ...left.slice(1)],
    [...left.slice(0, 2), ...entered, tombstone],
  ];
  const answers = await Promise.all(
    orders.map(async (lines, i) => {
      project.write(`${i}.jsonl`, lines.join("\n"));
      const { code, stderr } = await project.replay({
        service,
        topic: `${i}.jsonl`,
        out: `${i}.out.jsonl`,
        table: "/_p\\d$/=public.transaction_data",
      });
      expect(code, stderr).toBe(0);
      return JSON.parse(project.read(`${i}.out.jsonl`)) as Record<string, unknown>;
    }),
  );
  for (const answer of answers) expect(answer).toMatchObject({ number: 1, total: 25 });
});

test("a mapping that cannot be right is refused", async () => {
  const project = bankProject();
  const cases: readonly [string, RegExp][] = [
    ["a", /--table a: write TOPIC=SCHEMA\.TABLE/],
    ["=public.transaction_data", /write TOPIC=SCHEMA\.TABLE/],
    ["a=", /write TOPIC=SCHEMA\.TABLE/],
    ["a=public.transaction_dat", /reads no such table; did you mean "public\.transaction_data"\?/],
  ];
  for (const [table, message] of cases) {
    const { code, stderr } = await project.replay({ service, table });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  }
  const { code, stderr } = await project.replay({ service, table: "/(/=public.transaction_data" });
  expect(stderr).toMatch(/OPTION_INVALID: tables: \/\(\/ is no pattern/);
  expect(code).toBe(1);
});

test("a topic prefix that was renamed is one server with --server", async () => {
  const project = bankProject();
  const lines = project.read("topic.jsonl").trim().split("\n");
  const renamed = lines.map((line, i) =>
    i < lines.length / 2
      ? line
      : line
          .replace("multi.public", "multi2.public")
          .replace(String.raw`\"name\":\"multi\"`, String.raw`\"name\":\"multi2\"`),
  );
  project.write("renamed.jsonl", renamed.join("\n"));
  const [plain, refused, taken, wrong] = await Promise.all([
    project.replay({ service, out: "1.jsonl" }),
    project.replay({ service, topic: "renamed.jsonl", out: "2.jsonl" }),
    project.replay({ service, topic: "renamed.jsonl", out: "3.jsonl", server: "multi2=multi" }),
    project.replay({ service, server: "multi2" }),
  ]);
  expect(plain.code, plain.stderr).toBe(0);
  expect(refused.stderr).toMatch(/SOURCE_TWO_ORIGINS: .*servers: /);
  expect(taken.code, taken.stderr).toBe(0);
  expect(project.read("3.jsonl")).toBe(project.read("1.jsonl"));
  expect(wrong.stderr).toMatch(/--server multi2: write NEW=EARLIER/);
});
