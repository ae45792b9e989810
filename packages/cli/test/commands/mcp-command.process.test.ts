/** Drives `tidemark mcp` with the official client, over a project with a filled history. */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import type { Project } from "../support/project.ts";

const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));

const config = (online: boolean): string => `
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  ${online ? 'online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },' : ""}
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
});
`;

let client: Client | null = null;
afterEach(async () => {
  await client?.close();
  client = null;
});

async function connected(project: Project): Promise<Client> {
  const one = new Client({ name: "test", version: "1" });
  client = one;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ["--conditions=@tidemark/source", bin, "mcp"],
    cwd: project.directory,
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: project.temporary },
  });
  await one.connect(transport);
  return one;
}

async function filledProject(online = true): Promise<Project> {
  const project = bankProject();
  project.write("tidemark.config.ts", config(online));
  expect(await project.run("run", "--until", "caught-up")).toMatchObject({ code: 0 });
  return project;
}

async function call(
  name: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly isError: boolean; readonly text: string }> {
  const { content, isError = false } = await client!.callTool({ name, arguments: given });
  const [first] = content;
  return { isError, text: first?.type === "text" ? first.text : "" };
}

const entity = { user_id: "user_000006" };
const asOf = "2025-03-05T00:00:00Z";

describe("a program reads the feature store", () => {
  test("the tools say what they do, and that they only read", async () => {
    await connected(await filledProject());
    const { tools } = await client!.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "catalogue",
      "get",
      "explain",
      "plan",
      "status",
      "profile",
    ]);
    for (const { annotations, description } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true });
      expect(description!.length).toBeGreaterThan(40);
    }
  });

  test("catalogue, get, explain, plan, status and profile", async () => {
    const project = await filledProject();
    await connected(project);
    const list = JSON.parse((await call("catalogue", { search: "weekly" })).text);
    expect(list.definitions).toMatchObject([
      { kind: "services", name: "fraud_v1" },
      { kind: "views", name: "weekly_activity" },
    ]);
    const view = JSON.parse((await call("catalogue", { name: "weekly_activity" })).text);
    expect(view).toMatchObject({ list: "views", entity: "user", source: "transactions" });

    const got = await call("get", { features: ["weekly_activity:total"], entity, asOf });
    const { value } = JSON.parse(got.text).row.total;
    const explained = await call("explain", { feature: "weekly_activity:total", entity, asOf });
    expect(explained.text).toMatch(/the rows below give this answer again, bit for bit/);
    const json = await call("explain", {
      feature: "weekly_activity:total",
      entity,
      asOf,
      knowledge: "as-corrected",
      format: "json",
    });
    expect(JSON.parse(json.text)).toMatchObject({ value, isReproduced: true });

    expect(JSON.parse((await call("plan")).text)).toHaveProperty("changes");
    const status = JSON.parse((await call("status")).text);
    expect(status.sources).toMatchObject([{ source: "transactions" }]);
    const profiled = JSON.parse((await call("profile", { source: "transactions" })).text);
    expect(profiled.all.columns.map(({ column }: { column: string }) => column)).toContain(
      "amount",
    );
  });

  test("without an online store the history answers", async () => {
    await connected(await filledProject(false));
    const got = JSON.parse((await call("get", { features: ["fraud_v1"], entity, asOf })).text);
    expect(got.row.number).toMatchObject({ status: "PRESENT" });
  });

  test("an error says what to do, and the connection stays", async () => {
    await connected(await filledProject());
    const wrong = await call("explain", { feature: "weekly_activity:totl", entity });
    expect(wrong).toMatchObject({ isError: true });
    expect(wrong.text).toMatch(/^FEATURE_UNKNOWN: .*did you mean "total"/);
    expect(await call("catalogue", { name: "weekly" })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^DEFINITION_UNKNOWN: nothing is called "weekly"/) as string,
    });
    expect(await call("get", { features: ["fraud_v1"], entity: { user: 1 } })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^KEY_INVALID/) as string,
    });
    expect((await call("catalogue")).isError).toBe(false);
  });
});
