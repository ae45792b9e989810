/** `tidemark run` and `tidemark serve` as processes over one online store on PostgreSQL. */
import { postgresOnlineStore } from "@tidemark/adapter-postgres";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import { expect, test } from "vitest";
import { bankProject, finalRows } from "../support/bank.ts";

const PASSWORD = "a-password-of-the-database";
const QUESTION = {
  entities: [{ user_id: "user_000006" }],
  asOf: "2025-03-05T00:00:00Z",
  metadata: true,
};

suiteNeeding(realPostgres(), "the online store of a configuration on PostgreSQL", () => {
  test("two runners and a server share it, and no process prints the password", async () => {
    const { url } = await ownDatabase();
    const withPassword = url.replace(/postgres:postgres@/, `postgres:${PASSWORD}@`);
    expect(withPassword).toContain(PASSWORD);
    const made = bankProject();
    made.write(
      "tidemark.config.ts",
      `
import { defineConfig, env } from "@tidemark/cli";
import { postgresOnlineStore } from "@tidemark/adapter-postgres";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  secrets: { database: env("TIDEMARK_TEST_DATABASE") },
  online: {
    store: ({ secrets }) => postgresOnlineStore({ connectionString: secrets.database }),
    retention: "forever",
  },
  changes: { bank: () => recordedTopic("topic.jsonl") },
});
`,
    );
    const settings = { env: { TIDEMARK_TEST_DATABASE: withPassword } };
    const runners = [0, 1].map(() => made.start(["run", "--until", "caught-up"], settings));
    const ended = await Promise.all(runners.map((runner) => runner.ended));
    // of two that take the same messages, one may be fenced off
    expect(ended.map(({ code }) => code)).toContain(0);
    for (const { code, stderr } of ended)
      if (code !== 0) expect(stderr).toContain("ONLINE_STORE_FENCED");

    const server = made.start(["serve", "--port", "0", "--json"], settings);
    const { address } = JSON.parse(await server.child.line()) as { readonly address: string };
    const asked = async (): Promise<string> => {
      const answer = await fetch(`${address}/v1/services/fraud_v1/features`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(QUESTION),
      });
      return answer.text();
    };
    const served = await asked();
    const { rows } = JSON.parse(served) as { readonly rows: readonly unknown[] };
    const counted = finalRows("multi.transaction_data.final.csv").filter(
      (row) => row["User ID"] === "user_000006" && row["Time"]! < "2025-03-05 00:00:00",
    ).length;
    expect(counted).toBeGreaterThan(0);
    expect(rows).toMatchObject([
      { number: { value: expect.anything() as unknown, status: "PRESENT" } },
    ]);
    const [{ number }] = rows as [{ readonly number: { readonly value: unknown } }];
    expect(Number(number.value)).toBe(counted);
    // the whole topic again changes nothing
    const again = await made.start(["run", "--until", "caught-up"], settings).ended;
    expect(again.code).toBe(0);
    expect(await asked()).toBe(served);
    const store = postgresOnlineStore({ connectionString: url, readOnly: true });
    await store.open({ namespace: "default" });
    const taken = (await store.positions("transactions")).map(({ offset }) => offset + 1);
    const messages = made.read("topic.jsonl").trim().split("\n").length;
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(messages);
    await store.close();
    server.child.kill("SIGTERM");
    const stopped = await server.ended;
    expect(stopped.code).toBe(0);
    for (const { stdout, stderr, audit } of [...ended, again, stopped])
      expect(stdout + stderr + JSON.stringify(audit)).not.toContain(PASSWORD);
  });
});
