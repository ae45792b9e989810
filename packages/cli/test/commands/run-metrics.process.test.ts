/** `tidemark run --metrics-port` serves the metrics of a run while it goes on. */
import { createServer, type AddressInfo } from "node:net";
import type { Child } from "@tidemark/testkit/child-process";
import { describe, expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const TOKEN = "the-token-of-the-metrics";

/** A project whose change source reads the recording, and then waits for the signal. */
function waitingProject(run = "{}"): Project {
  const made = bankProject();
  made.write(
    "tidemark.config.ts",
    `
import { defineConfig, env } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  secrets: { metrics: env("TIDEMARK_TEST_METRICS") },
  online: () => sqliteOnlineStore("online.db"),
  run: ${run},
  changes: {
    bank: ({ until }) => {
      const recorded = recordedTopic("topic.jsonl");
      return {
        ...recorded,
        bounded: until === "caught-up",
        async *changes(options) {
          yield* recorded.changes(options);
          if (until === "caught-up") return;
          await new Promise((resolve) => options.signal.addEventListener("abort", resolve));
        },
      };
    },
  },
});
`,
  );
  return made;
}

/** Waits until the command says where its metrics are. */
async function metricsUrl(child: Child): Promise<string> {
  await child.printed("/metrics\n");
  return /metrics at (\S+)/.exec(child.stderr)![1]!;
}

describe("tidemark run --metrics-port", () => {
  test("serves the counts of the run and the state of the stores until a signal", async () => {
    const { child, ended } = waitingProject().start(["run", "--metrics-port", "0"]);
    const url = await metricsUrl(child);
    const scrape = async (): Promise<string> => (await fetch(url)).text();
    await expect
      .poll(scrape, { timeout: 30_000, interval: 500 })
      .toMatch(/^tidemark_run_changes_total\{changes="bank"\} [1-9]/m);
    await expect
      .poll(scrape, { timeout: 30_000, interval: 500 })
      .toMatch(/^tidemark_source_rows_total\{source="transactions",outcome="applied"\} [1-9]/m);
    const text = await scrape();
    expect(text).toMatch(/^tidemark_run_last_change_timestamp_seconds\{changes="bank"\} \d{10}/m);
    expect(text).toMatch(/^tidemark_process_start_time_seconds \d/m);
    const types = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
    expect(types.filter((name) => !name.startsWith("tidemark_"))).toEqual([]);
    expect(new Set(types).size).toBe(types.length);
    const { origin } = new URL(url);
    expect((await fetch(`${origin}/health`)).status).toBe(200);
    expect((await fetch(`${origin}/other`)).status).toBe(404);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("asks for the token of the configuration", async () => {
    const made = waitingProject('{ metrics: { port: 0, secret: "metrics" } }');
    const { child, ended } = made.start(["run"], { env: { TIDEMARK_TEST_METRICS: TOKEN } });
    const url = await metricsUrl(child);
    expect((await fetch(url)).status).toBe(401);
    const wrong = await fetch(url, { headers: { authorization: "Bearer another" } });
    expect([wrong.status, await wrong.text()]).toEqual([401, expect.not.stringContaining(TOKEN)]);
    const right = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(right.status).toBe(200);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("refuses a port that is taken, a wrong port and a host alone", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", resolve);
    });
    const { port } = other.address() as AddressInfo;
    const made = waitingProject();
    const taken = await made.run("run", "--metrics-port", String(port));
    other.close();
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining("PORT_TAKEN")]);
    expect(taken.stderr).toContain("choose another port with --metrics-port");
    const wrong = await made.run("run", "--metrics-port", "70000");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("0 to 65535")]);
    const alone = await made.run("run", "--metrics-host", "127.0.0.1");
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--metrics-port")]);
  });
});
