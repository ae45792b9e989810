/** promtool reads the metrics of a real server with data. */
import { spawnSync } from "node:child_process";
import * as delta from "@tidemark/delta";
import { prometheusPrograms, suiteNeeding } from "@tidemark/testkit/needs";
import { monitoringPrograms } from "@tidemark/testkit/services";
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

/** Runs `promtool check metrics` over a text. */
function checkMetrics(text: string): { readonly status: number | null; readonly said: string } {
  const { promtool } = monitoringPrograms()!;
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

suiteNeeding(prometheusPrograms(), "promtool", () => {
  test("check metrics says nothing about the metrics of a server with data", async () => {
    const server = await shopServer({ trainingSets: { parquet: delta } });
    const address = await server.listen({ port: 0 });
    const post = (path: string, body: object): Promise<Response> =>
      fetch(address + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const entities = [{ user_id: "ann" }, { user_id: "nobody" }];
    expect((await post("/v1/services/everything/features", { entities })).status).toBe(200);
    const rows = { rows: [{ id: "1", user_id: "ann", time: "2026-01-05T11:00:00Z" }] };
    expect((await post("/v1/push/logins", rows)).status).toBe(200);
    const text = await (await fetch(`${address}/metrics`)).text();
    await server.close();
    expect(text).toContain('tidemark_feature_answers_total{view="weekly"');
    expect(checkMetrics(text)).toEqual({ status: 0, said: "" });
  });

  test("check metrics finds what is wrong, so that its silence says something", () => {
    const { status, said } = checkMetrics(
      "# TYPE wrong_milliseconds_total gauge\nwrong_milliseconds_total 1\n",
    );
    expect(status).not.toBe(0);
    expect(said).toContain("no help text");
  });
});
