/**
 * Which packages a command loads: adapters only when the command or the configuration needs them.
 */
import { expect, test } from "vitest";
import { Project } from "./support/project.ts";

/** The packages of a run, sorted: `core` for ours, `npm:pg` for others. */
async function packagesOf(
  project: Project,
  args: readonly string[],
  expected = 0,
): Promise<string[]> {
  const preload = ["--import", new URL("support/list-loaded.ts", import.meta.url).href];
  const env = { TIDEMARK_LOADED: project.path("loaded.txt") };
  const { code, stderr } = await project.start(args, { nodeOptions: preload, env }).ended;
  expect({ code, stderr }).toEqual({ code: expected, stderr: "" });
  const urls = project.read("loaded.txt").split("\n");
  const names = urls.flatMap((url) => {
    const external = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
    if (external !== undefined) return [`npm:${external}`];
    return /\/packages\/([^/]+)\/src\//.exec(url)?.slice(1) ?? [];
  });
  return [...new Set(names)].toSorted();
}

for (const args of [
  ["--version"],
  ["--help"],
  ["connector", "--help"],
  ["load", "--help"],
  ["replay", "--help"],
  ["status", "--help"],
  ["training-set", "--help"],
]) {
  test(`tidemark ${args.join(" ")} loads no adapter`, async () => {
    expect(await packagesOf(new Project(), args)).toEqual(["cli", "core"]);
  });
}

test("a command that works on a configuration loads the adapters that it names", async () => {
  const project = new Project();
  project.write(
    "features.ts",
    `import { count, entity, featureView, source, string, timestamp } from "@tidemark/core";
    const user = entity("user", { keys: { user_id: string() } });
    const payments = source("payments", {
      table: "public.payments",
      columns: { id: string(), user_id: string(), time: timestamp() },
      primaryKey: ["id"],
      eventTime: "time",
    });
    export const weekly = featureView("weekly", {
      entity: user,
      source: payments,
      features: { payments: count().over("7d") },
    });`,
  );
  project.write(
    "tidemark.config.ts",
    `import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
    import { defineConfig } from "@tidemark/cli";
    import * as definitions from "./features.ts";
    export default defineConfig({ definitions, online: () => sqliteOnlineStore("online.db") });`,
  );
  // 3: the source is not ready, because no run has filled the store
  const loaded = await packagesOf(project, ["status", "--quiet"], 3);
  expect(loaded.filter((name) => !name.startsWith("npm:"))).toEqual([
    "adapter-sqlite",
    "cli",
    "core",
  ]);
  expect(loaded).toContain("npm:better-sqlite3");
});
