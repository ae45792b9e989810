/** The console of `tidemark console` and of `tidemark serve`, as processes. */
import { expect, test } from "vitest";
import { Project } from "../support/project.ts";

const features = `
import { count, entity, featureView, int64, pushSource, string, timestamp } from "@tidemark/core";
const user = entity("user", { keys: { user_id: string() } });
const columns = { id: int64(), user_id: string(), time: timestamp() };
const payments = pushSource("payments", { columns, primaryKey: ["id"], eventTime: "time" });
const features = { number: count().over("7d") };
export const weekly = featureView("weekly", { entity: user, source: payments, features });
`;

function project(server = "{}"): Project {
  const made = new Project();
  made.write("features.ts", features);
  made.write(
    "tidemark.config.ts",
    `
import { defineConfig } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: () => sqliteOnlineStore("online.db"),
  server: ${server},
  connectors: [{ url: "http://127.0.0.1:1", name: "bank" }],
});
`,
  );
  return made;
}

/** Starts a command that listens, and returns the address that it prints. */
async function listening(
  made: Project,
  command: string,
): Promise<{ address: string; stop: () => Promise<number | null> }> {
  const { child, ended } = made.start([command, "--port", "0", "--json"]);
  const { address } = JSON.parse(await child.line()) as { address: string };
  return {
    address,
    async stop() {
      child.kill("SIGTERM");
      return (await ended).code;
    },
  };
}

test("tidemark console shows the stores with nothing else running", async () => {
  const { address, stop } = await listening(project(), "console");
  const page = await fetch(address);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const script = /src="(\.\/assets\/[^"]+\.js)"/.exec(await page.text())![1]!;
  expect((await fetch(new URL(script, address))).status).toBe(200);
  const definitions = await fetch(new URL("../v1/definitions", address));
  expect(((await definitions.json()) as { views: { name: string }[] }).views[0]!.name).toBe(
    "weekly",
  );
  expect(await stop()).toBe(0);
});

test("tidemark serve has the console, unless the configuration leaves it out", async () => {
  const serving = await listening(project(), "serve");
  expect((await fetch(`${serving.address}/console/`)).status).toBe(200);
  expect(await serving.stop()).toBe(0);
  const without = await listening(project("{ console: false }"), "serve");
  expect((await fetch(`${without.address}/console/`)).status).toBe(404);
  expect(await without.stop()).toBe(0);
});

test.each(["console", "serve"])(
  "tidemark %s says the states of the connectors",
  async (command) => {
    const { address, stop } = await listening(project(), command);
    const answer = await fetch(new URL("/v1/connectors", address));
    expect(await answer.json()).toMatchObject([
      { name: "bank", state: null, error: expect.stringContaining("nothing answers at") as string },
    ]);
    expect(await stop()).toBe(0);
  },
);

test("a port that is no port is refused", async () => {
  const { code, stderr } = await project().start(["console", "--port", "many"]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("--port many is no whole number from 0 to 65535");
});
