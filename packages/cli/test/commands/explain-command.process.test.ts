/** Tests `tidemark explain`. The text is that of core's explainPlan, which has its own tests. */
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";

const config = `
import { defineConfig } from "@tidemark/cli";
import * as definitions from "./features.ts";
export default defineConfig({ definitions });
`;

test("the plan of a service, a view and some features, from the definitions alone", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  const some = await project.run("explain", "weekly_activity:number,weekly_activity:total");
  expect(some).toMatchObject({ code: 0, stderr: "" });
  expect(some.stdout.split("\n")).toEqual([
    "answers number int64, total float64",
    "needs user_id string",
    "derive",
    "  number = number",
    "  total = total",
    "  window by user_id, found in 7d",
    "    number = count() over 7d",
    "    total = sum(amount) over 7d",
    "    scan transactions: amount",
    "",
  ]);
  const service = await project.run("explain", "fraud_v1");
  expect(service.stdout).toContain("vendors = countDistinct(vendor) over 7d");
  expect((await project.run("explain", "weekly_activity")).stdout).toBe(service.stdout);
  const json = await project.run("explain", "fraud_v1", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: "fraud_v1",
    plan: { node: "derive", input: { node: "window", input: { source: "transactions" } } },
    needs: [{ name: "user_id", type: "string" }],
  });
});

test("a name that the definitions lack, and no name, are refused", async () => {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  expect(await project.run("explain", "fraud_v2")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SERVICE_UNKNOWN.*did you mean "fraud_v1"/) as string,
  });
  expect(await project.run("explain", "weekly_activity:numbr")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("FEATURE_UNKNOWN") as string,
  });
  expect(await project.run("explain")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("say which name: tidemark explain NAME") as string,
  });
});
