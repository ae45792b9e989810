import { formatTime } from "@tidemark/core/spi";
import {
  generateScenario,
  oracleOf,
  Random,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { printDefinitions } from "../support/print-definitions.ts";
import { Project } from "../support/project.ts";
import { normalizedValue, readAnswer, normalizedJson } from "../support/read-answers.ts";

const { first, runs } = seedsFromEnvironment({ runs: 6, least: 3 });

type Request = Scenario["requests"][number];

/** int64 keys as numbers with all their digits, or as strings. */
function requestLine({ keys, time }: Request, random: Random): string {
  const int64Text = (value: bigint): string =>
    random.chance(0.5) ? String(value) : `"${String(value)}"`;
  const members = Object.entries(keys).map(
    ([name, value]) =>
      `${JSON.stringify(name)}: ` +
      `${typeof value === "bigint" ? int64Text(value) : JSON.stringify(value)}`,
  );
  return `{${[...members, `"event_timestamp": "${formatTime(time)}"`].join(", ")}}`;
}

function writeScenario(project: Project, scenario: Scenario, random: Random): string[] {
  const { lines } = scenario;
  project.write("features.ts", printDefinitions(scenario));
  project.write(
    "requests.jsonl",
    scenario.requests.map((request) => requestLine(request, random)).join("\n"),
  );
  // One file or two, in their order; the second one packed.
  const cut = random.chance(0.5) ? lines.length : random.between(0, lines.length);
  project.write("one.jsonl", `${lines.slice(0, cut).join("\n")}\n`);
  project.write("two.jsonl.gz", gzipSync(lines.slice(cut).join("\n")));
  return cut === lines.length
    ? ["--topic", "one.jsonl"]
    : ["--topic", "one.jsonl", "--topic", "two.jsonl.gz"];
}

const shapes = ["bare", "enveloped", "unwrapped"] as const;

for (let run = 0; run < runs; run++) {
  const seed = first + run;
  const shape = shapes[run % shapes.length]!;
  test(`seed ${seed}, ${shape}: every path gives the oracle's answers`, async () => {
    const project = new Project();
    const scenario = generateScenario(seed, { traits: { shape }, requests: 40 });
    const topics = writeScenario(project, scenario, new Random(seed));
    const oracle = oracleOf(scenario);
    const replay = (out: string, ...options: string[]) =>
      project.run(
        "replay",
        "--definitions",
        "features.ts",
        ...topics,
        "--service",
        "all",
        "--requests",
        "requests.jsonl",
        "--out",
        out,
        ...options,
      );

    const ran = await Promise.all([
      replay("both.jsonl"),
      replay("online.jsonl", "--path", "online"),
      replay("offline.jsonl", "--path", "offline"),
      replay("known.jsonl", "--knowledge", "as-known"),
    ]);
    for (const { code, stderr } of ran) expect([0, 3], stderr).toContain(code);
    expect(project.read("online.jsonl")).toBe(project.read("both.jsonl"));
    expect(project.read("offline.jsonl")).toBe(project.read("both.jsonl"));
    for (const [file, mode] of [
      ["both.jsonl", "corrected"],
      ["known.jsonl", "known"],
    ] as const) {
      const answers = project.read(file).trimEnd().split("\n").map(readAnswer);
      expect(answers.length).toBe(scenario.requests.length);
      scenario.requests.forEach((request, i) => {
        const expected = oracle.answer(scenario.selected, request, mode);
        expect([...answers[i]!.keys()]).toEqual(scenario.selected.map(({ as }) => as));
        scenario.selected.forEach(({ as, feature: { result } }, f) => {
          expect(
            normalizedJson(answers[i]!.get(as), result),
            `${file}:${i + 1}: ${as}`,
          ).toStrictEqual(normalizedValue(expected[f]!.value, result));
        });
      });
    }
    expect(project.files("tmp")).toEqual([]);
  });
}
