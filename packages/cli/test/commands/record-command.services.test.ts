/** `tidemark record` on a real Kafka: a recording answers as what was published. */
import { readFileSync, statSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { RecordedMessage } from "@tidemark/source-debezium";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import type { KafkaTopics } from "@tidemark/testkit/services";
import { ownTopics } from "@tidemark/testkit/services/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bankProject, fixture } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const service = "fraud_v1";
const TOPIC = "record.public.transaction_data";

suiteNeeding(realKafka(), "tidemark record", () => {
  let kafka: KafkaTopics;
  beforeAll(async () => {
    kafka = await ownTopics();
    await kafka.topic(TOPIC, 3);
    const lines = readFileSync(fixture("multi.public.transaction_data.jsonl"), "utf8");
    await kafka.publish(
      TOPIC,
      lines
        .trim()
        .split("\n")
        .map((line) => {
          const message = JSON.parse(line) as RecordedMessage;
          return { ...message, timestamp: Number(message.timestamp) };
        }),
    );
  });
  afterAll(async () => {
    await kafka.stop();
  });

  const config = (options = "") => `
    import { defineConfig } from "@tidemark/cli";
    import { kafkaChanges, recordedTopic } from "@tidemark/source-debezium";
    import * as definitions from "./features.ts";
    export default defineConfig({
      definitions,
      online: () => { throw new Error("no store is opened"); },
      changes: {
        bank: ({ until }) => kafkaChanges({
          brokers: ${JSON.stringify(kafka.brokers)}, topics: "${TOPIC}", until, ${options}
        }),
        file: () => recordedTopic("topic.jsonl"),
      },
    });`;
  const brokers = (): string[] => ["--brokers", kafka.brokers.join(","), "--topic"];
  const project = (): Project => {
    const made = bankProject();
    made.write("tidemark.config.ts", config());
    return made;
  };

  test("a recording from brokers, packed or not, answers as what was published", async () => {
    const bank = project();
    const expected = await bank.replay({ service });
    expect(expected.code, expected.stderr).toBe(0);
    const answers = bank.read("answers.jsonl");
    for (const out of ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"]) {
      const { code, stdout, stderr } = await bank.run("record", ...brokers(), TOPIC, "--out", out);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(new RegExp(`^70 messages of 3 partitions in .* s, .*: ${out}\n$`));
      expect(statSync(bank.path(out)).mode & 0o777).toBe(0o600);
      const replayed = await bank.replay({ service, topic: out, out: "again.jsonl" });
      expect(replayed.code, replayed.stderr).toBe(0);
      expect(bank.read("again.jsonl")).toBe(answers);
    }
    const packed = [readFileSync(bank.path("a.jsonl.gz")), readFileSync(bank.path("a.jsonl.zst"))];
    const size = bank.read("a.jsonl").length;
    expect(gunzipSync(packed[0]!).length).toBe(size);
    expect(zstdDecompressSync(packed[1]!).length).toBe(size);
  });

  test("a change source of the configuration is recorded without its stores", async () => {
    const bank = project();
    const args = ["record", "--changes", "bank", "--out", "a.jsonl"];
    const { code, stdout, stderr } = await bank.run(...args, "--limit", "5", "--json");
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ messages: 5, out: "a.jsonl" });
    expect(bank.read("a.jsonl").trim().split("\n")).toHaveLength(5);
    expect(await bank.run(...args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/OUT_EXISTS: a\.jsonl: .*--force/) as string,
    });
    expect((await bank.run(...args, "--force", "--from", "latest")).code).toBe(0);
    expect(bank.read("a.jsonl")).toBe("");
  });

  test("a signal keeps what was read with --until signal, and nothing otherwise", async () => {
    const bank = project();
    const args = ["record", "--changes", "bank", "--out", "a.jsonl"];
    const keeping = bank.start([...args, "--until", "signal"]);
    const started = Date.now();
    const temporary = () => bank.files().find((name) => name.startsWith(".a.jsonl.tidemark-"));
    const isRead = () => {
      const name = temporary();
      return name !== undefined && bank.read(name).trim().split("\n").length >= 70;
    };
    while (!isRead() && Date.now() - started < 30_000)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(bank.files()).not.toContain("a.jsonl");
    keeping.child.kill("SIGINT");
    const kept = await keeping.ended;
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.stdout).toMatch(/^70 messages of 3 partitions/);
    const replayed = await bank.replay({ service, topic: "a.jsonl" });
    expect(replayed.code, replayed.stderr).toBe(0);

    const ending = bank.start([...args, "--out", "b.jsonl"].toSpliced(3, 2));
    ending.child.kill("SIGINT");
    await ending.ended;
    expect(bank.files().filter((name) => /b\.jsonl/.test(name))).toEqual([]);
  });

  test("what cannot be recorded is named", async () => {
    const bank = project();
    const cases: readonly [readonly string[], number, RegExp][] = [
      [["--changes", "file", "--out", "a.jsonl"], 1, /CONFIG_INVALID: .*does not read Kafka/],
      [["--out", "a.jsonl"], 2, /--changes is missing: there are bank, file/],
      [["--changes", "bank"], 2, /--out is missing/],
      [["--topic", "t", "--out", "a.jsonl"], 2, /--topic needs --brokers/],
      [["--brokers", "b:1", "--out", "a.jsonl"], 2, /--topic is missing/],
      [[...brokers(), "/(/", "--out", "a.jsonl"], 2, /this is no pattern/],
      [[...brokers(), TOPIC, "--from", "-1", "--out", "a.jsonl"], 2, /--from -1: write beginning/],
      [[...brokers(), TOPIC, "--limit", "many", "--out", "a.jsonl"], 2, /--limit many: write a/],
      [[...brokers(), "no.such.topic", "--out", "a.jsonl"], 1, /TOPIC_NOT_FOUND: /],
      [
        ["--brokers", "127.0.0.1:1", "--topic", TOPIC, "--out", "a.jsonl"],
        1,
        /KAFKA_UNREACHABLE: .*check the brokers' addresses/,
      ],
    ];
    const ran = await Promise.all(cases.map(([args]) => bank.run("record", ...args)));
    for (const [i, [, code, message]] of cases.entries()) {
      expect(ran[i]!.stderr).toMatch(message);
      expect(ran[i]!.code).toBe(code);
    }
    expect(bank.files().filter((name) => /a\.jsonl/.test(name))).toEqual([]);
  });
});
