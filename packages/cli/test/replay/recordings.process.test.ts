import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bankProject, finalRows, fixture } from "../support/bank.ts";
import { Project } from "../support/project.ts";

const service = "fraud_v1";

test("a recording of PostgreSQL answers as the table that it ended in", async () => {
  const project = bankProject();
  const rows = finalRows("multi.transaction_data.final.csv").map((row) => ({
    user: row["User ID"]!,
    id: Number(row["id"]),
    vendor: row["Vendor"]!,
    time: `${row["Time"]!.replace(" ", "T")}.000000Z`,
    amount: Number(row["Amount"]),
  }));
  const users = [...new Set(rows.map(({ user }) => user))];
  const moments = [
    "2025-03-01T00:37:00Z",
    "2025-03-01T00:37:00.000001Z",
    "2025-03-05T00:00:00Z",
    "2025-03-08T00:37:00Z",
    "2025-03-08T00:37:00.000001Z",
  ];
  const requests = users.flatMap((user) => moments.map((t) => ({ user, t })));
  project.write(
    "requests.jsonl",
    requests.map(({ user, t }) => JSON.stringify({ user_id: user, event_timestamp: t })).join("\n"),
  );
  const { code, stderr } = await project.replay({ service });
  expect(code, stderr).toBe(0);
  const answers = project
    .read("answers.jsonl")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const precise = (t: string): string => (t.includes(".") ? t : t.replace("Z", ".000000Z"));
  const weekBefore = (t: string): string =>
    precise(t).replace(/^2025-03-0(\d)/, (_, day: string) =>
      day === "8" ? "2025-03-01" : `2025-02-${21 + Number(day)}`,
    );
  answers.forEach((answer, i) => {
    const { user, t } = requests[i]!;
    const seen = rows.filter(
      (row) => row.user === user && weekBefore(t) <= row.time && row.time < precise(t),
    );
    const total = seen.reduce((sum, { amount }) => sum + amount, 0);
    expect(answer, `${user} at ${t}`).toEqual({
      number: seen.length,
      total,
      ids: seen.reduce((sum, { id }) => sum + id, 0),
      last:
        seen
          .map(({ time }) => time)
          .toSorted()
          .at(-1) ?? null,
      vendors: new Set(seen.map(({ vendor }) => vendor)).size,
      first: seen.map(({ vendor }) => vendor).toSorted()[0] ?? null,
      mean: seen.length === 0 ? null : total / seen.length,
    });
  });
});

test(
  "an enveloped and a bare recording of the same changes answer alike, packed or not, and so do " +
    "a service and its only view",
  async () => {
    const project = bankProject();
    for (const shape of ["enveloped", "bare"])
      project.write(
        `${shape}.jsonl.gz`,
        gzipSync(readFileSync(fixture(`${shape}.public.transaction_data.jsonl`))),
      );
    const users = Array.from(
      { length: 6 },
      (_, i) => `{"user_id": "user_00000${i + 1}", "event_timestamp": "2025-03-04T12:00:00+01:00"}`,
    );
    project.write("requests.jsonl", `\uFEFF${users.join("\r\n\n")}\n\n`);
    const ran = await Promise.all([
      project.replay({ service, topic: "enveloped.jsonl.gz", out: "1.jsonl" }),
      project.replay({
        service,
        topic: fixture("enveloped.public.transaction_data.jsonl"),
        out: "2.jsonl",
      }),
      project.replay({ service, topic: "bare.jsonl.gz", out: "3.jsonl" }),
      project.replay({ service: "weekly_activity", topic: "bare.jsonl.gz", out: "4.jsonl" }),
    ]);
    for (const { code, stderr } of ran) expect(code, stderr).toBe(0);
    const [first, ...others] = ["1", "2", "3", "4"].map((name) => project.read(`${name}.jsonl`));
    expect(first!.trim().split("\n").length).toBe(6);
    expect(first).toMatch(/"number":[1-9]/);
    for (const other of others) expect(other).toBe(first);
  },
);

/** A topic of one table `public.t` with these rows, as bare messages. */
function topicOf(rows: readonly string[]): string {
  return rows
    .map((row, offset) =>
      JSON.stringify({
        topic: "db.public.t",
        partition: 0,
        offset,
        timestamp: 1,
        key: "{}",
        headers: {},
        value:
          `{"before":null,"after":${row},"source":{"ts_us":1000000,"ts_ms":1000,` +
          `"lsn":${offset + 1},"schema":"public","table":"t"},"op":"c"}`,
      }),
    )
    .join("\n");
}

const types = `
import {
  bytes, date, decimal, entity, featureService, featureView, float64, int64, json, latest, source,
  timestamp,
} from "@tidemark/core";
export const thing = entity("thing", { keys: { thing: int64() } });
export const t = source("t", {
  table: "public.t",
  columns: {
    id: int64(), thing: int64(), at: timestamp(), big: int64(),
    d: decimal({ precision: 38, scale: 9 }), ts: timestamp(), ms: timestamp("m s"), da: date(),
    by: bytes(), j: json(), f: float64(),
  },
  primaryKey: ["id"], eventTime: "at",
});
export const all = featureView("all", { entity: thing, source: t, features: {
  big: latest(t.big), d: latest(t.d), ts: latest(t.ts), ms: latest(t.ms), da: latest(t.da),
  by: latest(t.by), j: latest(t.j), f: latest(t.f) } });
`;

test(
  "no value loses a digit on its way into the answers, and int64 keys may be numbers of any " +
    "size or strings",
  async () => {
    const project = new Project();
    project.write("features.ts", types);
    project.write(
      "topic.jsonl",
      topicOf([
        '{"id":1,"thing":9223372036854775807,"at":1000000,"big":-9223372036854775808,' +
          '"d":"12345678901234567890123456789.123456789","ts":-1,"m ' +
          's":1741064767123,"da":-719162,"by":"AP8=","j":"{\\"a\\" :\\n [12345678901234567890, ' +
          '\\"x  y\\"]}","f":0.1}',
        '{"id":2,"thing":9007199254740993,"at":1000000,"big":9007199254740993,' +
          '"d":"-0.000000001","ts":1741064767123456,"m ' +
          's":0,"da":20147,"by":"","j":"null","f":1e300}',
      ]),
    );
    const at = '"event_timestamp": "1970-01-02T00:00:00Z"';
    project.write(
      "requests.jsonl",
      [
        `{"thing": 9223372036854775807, ${at}}`,
        `{"thing": "9007199254740993", ${at}}`,
        `{"thing": 9007199254740993.0, ${at}}`,
        `{"thing": 9007199254740992, ${at}}`,
        `{${at}, "thing": 9.007199254740993e15}`,
      ].join("\n"),
    );
    const { code, stderr } = await project.replay({ "time-unit": "public.t.m s=ms" });
    expect(code, stderr).toBe(0);
    const one =
      '{"big":-9223372036854775808,"d":"12345678901234567890123456789.123456789",' +
      '"ts":"1969-12-31T23:59:59.999999Z","ms":"2025-03-04T05:06:07.123000Z",' +
      '"da":"0001-01-01","by":"AP8=","j":{"a":[12345678901234567890,"x  ' +
      'y"]},"f":0.1}';
    const two =
      '{"big":9007199254740993,"d":"-0.000000001","ts":"2025-03-04T05:06:07.123456Z",' +
      '"ms":"1970-01-01T00:00:00.000000Z","da":"2025-02-28","by":"","j":null,"f":1e+300}';
    const none = '{"big":null,"d":null,"ts":null,"ms":null,"da":null,"by":null,"j":null,"f":null}';
    expect(project.read("answers.jsonl")).toBe(`${[one, two, two, none, two].join("\n")}\n`);
  },
);

test("--keep keeps the stores", async () => {
  const project = bankProject();
  const { code, stderr } = await project.replay({ service, keep: "kept" });
  expect(code, stderr).toBe(0);
  expect(project.files("kept")).toEqual(expect.arrayContaining(["lake", "online.db"]));
  expect(project.files("kept/lake/transactions").toSorted()).toEqual(["changes", "versions"]);
  expect(project.files("tmp")).toEqual([]);
});

test("without requests the file of answers is empty", async () => {
  const project = bankProject();
  project.write("requests.jsonl", "\n");
  const { code, stderr } = await project.replay({ service });
  expect(code, stderr).toBe(0);
  expect(project.read("answers.jsonl")).toBe("");
});

test("definitions outside of a project load with the command's own packages", async () => {
  const project = bankProject();
  rmSync(project.path("node_modules"), { recursive: true });
  const { code, stderr } = await project.replay({ service });
  expect(stderr).toContain("online and offline agree");
  expect(code).toBe(0);
});

test("recordings and requests of PowerShell answer as those of other shells", async () => {
  const project = bankProject();
  const [topic, requests] = [project.read("topic.jsonl"), project.read("requests.jsonl")];
  const utf16 = (text: string): Buffer =>
    Buffer.from(`\uFEFF${text.replaceAll("\n", "\r\n")}`, "utf16le");
  project.write("marked.jsonl", `\uFEFF${topic}`);
  project.write("marked.requests.jsonl", `\uFEFF${requests}`);
  project.write("wide.jsonl", utf16(topic));
  project.write("wide.requests.jsonl.gz", gzipSync(utf16(requests)));
  const ran = await Promise.all([
    project.replay({ service, out: "1.jsonl" }),
    project.replay({
      service,
      topic: "marked.jsonl",
      requests: "marked.requests.jsonl",
      out: "2.jsonl",
    }),
    project.replay({
      service,
      topic: "wide.jsonl",
      requests: "wide.requests.jsonl.gz",
      out: "3.jsonl",
    }),
  ]);
  for (const { code, stderr } of ran) expect(code, stderr).toBe(0);
  const [first, ...others] = ["1", "2", "3"].map((name) => project.read(`${name}.jsonl`));
  expect(first).toMatch(/"number":[1-9]/);
  for (const other of others) expect(other).toBe(first);
});

test("a recording of kcat -J answers as one of tidemark record", async () => {
  const project = bankProject();
  const kcat = project
    .read("topic.jsonl")
    .trim()
    .split("\n")
    .map((line) => {
      const { topic, partition, offset, timestamp, key, value } = JSON.parse(line) as Record<
        string,
        unknown
      >;
      const [at, ts] = [Number(offset), Number(timestamp)];
      return JSON.stringify({
        topic,
        partition,
        offset: at,
        tstype: "create",
        ts,
        broker: 1,
        key,
        payload: value,
      });
    });
  project.write("kcat.jsonl", kcat.join("\n"));
  const ran = await Promise.all([
    project.replay({ service, out: "1.jsonl" }),
    project.replay({ service, topic: "kcat.jsonl", out: "2.jsonl" }),
  ]);
  for (const { code, stderr } of ran) expect(code, stderr).toBe(0);
  expect(project.read("2.jsonl")).toBe(project.read("1.jsonl"));
});
