/**
 * Sends the requests that schemathesis makes of the OpenAPI document, right and wrong ones. No
 * answer is a 5xx, and every answer follows the document.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { schemathesis, suiteNeeding } from "@tidemark/testkit/needs";
import { shopServer } from "../support/shop-server.ts";

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
  test("schemathesis finds no violation", async () => {
    // an oversized body is refused for its size, whatever else is wrong
    const server = await shopServer({ limits: { bodyBytes: 1 << 26 } });
    const url = await server.listen({ port: 0 });
    // schemathesis leaves files in its working directory
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
    const child = startProgram(tool.path, args, { cwd: directory });
    const { output } = await child.succeeded();
    expect(output).toMatch(/Tested:\s+15\b/);
    // the server still answers
    expect((await server.app.inject("/v1/definitions")).statusCode).toBe(200);
    await server.close();
    rmSync(directory, { recursive: true });
  }, 300_000);
});
