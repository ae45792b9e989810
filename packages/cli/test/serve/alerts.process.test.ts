/** Commands send the alerts of the configuration to a webhook. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { WebhookBody } from "@tidemark/server";
import { expect, onTestFinished, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

/** A receiver of alerts, and a project that sends them there. */
async function alerted(
  thresholds: string,
): Promise<{
  readonly project: Project;
  readonly env: Readonly<Record<string, string>>;
  readonly bodies: readonly WebhookBody[];
}> {
  const bodies: WebhookBody[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request
      .setEncoding("utf8")
      .on("data", (chunk: string) => (text += chunk))
      .on("end", () => {
        bodies.push(JSON.parse(text) as WebhookBody);
        response.writeHead(204).end();
      });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const project = bankProject();
  project.write(
    "tidemark.config.ts",
    `
import { defineConfig, env } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  namespace: "bank",
  secrets: { hook: env("TIDEMARK_TEST_HOOK") },
  online: () => sqliteOnlineStore("online.db"),
  alerts: { webhook: { secret: "hook" }, interval: "300ms", ${thresholds} },
  changes: {
    bank: () => {
      const recorded = recordedTopic("topic.jsonl");
      return {
        ...recorded,
        bounded: false,
        // a log that never reaches its end
        lag: () => [{ partition: "multi.public.transaction_data:0", lag: 7, highWatermark: null }],
        async *changes(options) {
          yield* recorded.changes(options);
          await new Promise((resolve) => options.signal.addEventListener("abort", resolve));
        },
      };
    },
  },
});
`,
  );
  const env = { TIDEMARK_TEST_HOOK: `http://127.0.0.1:${port}/hooks/s3cret-path` };
  return { project, env, bodies };
}

test("tidemark serve with two processes sends each alert once", async () => {
  const { project, env, bodies } = await alerted('notReady: "1ms"');
  const args = ["serve", "--port", "0", "--workers", "2", "--json"];
  const { child, ended } = project.start(args, { env });
  await child.line(/listening|address/);
  await expect.poll(() => bodies.length, { timeout: 30_000 }).toBeGreaterThan(0);
  // time for the other process, and for further looks
  await new Promise((resolve) => {
    setTimeout(resolve, 1500);
  });
  expect(bodies).toMatchObject([
    {
      version: 1,
      namespace: "bank",
      alerts: [{ id: "not-ready/transactions", status: "firing", severity: "critical" }],
    },
  ]);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("s3cret-path")]);
});

test("tidemark run sends alerts of its stream, and says if the webhook is away", async () => {
  const { project, env, bodies } = await alerted('lag: "1s"');
  const first = project.start(["run"], { env });
  await expect
    .poll(() => bodies.flatMap(({ alerts }) => alerts.map(({ id }) => id)), { timeout: 30_000 })
    .toContain("lag/transactions");
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
  const away = { TIDEMARK_TEST_HOOK: "http://127.0.0.1:9/hooks/s3cret-path" };
  const second = project.start(["run"], { env: away });
  await second.child.printed("the webhook at 127.0.0.1:9 could not be reached");
  second.child.kill("SIGTERM");
  const { code, stderr } = await second.ended;
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("s3cret-path")]);
});
