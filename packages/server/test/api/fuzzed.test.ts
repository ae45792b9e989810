/**
 * Requests that schemathesis makes of the OpenAPI document, right and wrong ones: no 5xx, and every
 * answer as the document says.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { schemathesis, suiteNeeding } from "@tidemark/testkit/needs";
import { shopServer } from "./shop-server.ts";

const tool = schemathesis();
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "unsupported_method",
];
const SEED = 20_260_105;

suiteNeeding(tool, "schemathesis", () => {
  test("finds nothing", async () => {
    // a body that is too large is refused for that, whatever else is wrong with it
    const server = await shopServer({ limits: { bodyBytes: 1 << 26 } });
    const url = await server.listen({ port: 0 });
    // it leaves notes where it runs
    const directory = mkdtempSync(join(tmpdir(), "tidemark-fuzz-"));
    const args = [
      "run",
      `${url}/openapi.json`,
      "--checks",
      CHECKS.join(","),
      "--phases",
      "examples,coverage,fuzzing",
      "--max-examples",
      "40",
      "--seed",
      String(SEED),
      "--suppress-health-check",
      "all",
      "--request-timeout",
      "60",
      "--no-color",
    ];
    const { code, output } = await new Promise<{ code: number | null; output: string }>(
      (resolve, reject) => {
        const child = spawn(tool.path, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
        let text = "";
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
        child.on("error", reject);
        child.on("close", (ended) => {
          resolve({ code: ended, output: text });
        });
      },
    );
    expect(code, `seed ${SEED}\n${output}`).toBe(0);
    expect(output).toMatch(/Tested:\s+15\b/);
    // it still answers
    expect((await server.app.inject("/v1/definitions")).statusCode).toBe(200);
    await server.close();
    rmSync(directory, { recursive: true });
  }, 300_000);
});
