/** A training set of one busy entity, under a limit of memory that the operating system keeps. */
import { join } from "node:path";
import { startNode, startProgram, type ChildEnd } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "hot-entity.ts");
/** Twelve million events take about 600 MiB, and 400 MiB with the columns of facts. */
const EVENTS = 12_000_000;

/** The private memory that Node reserves when it starts, KiB. */
async function reserved(): Promise<number> {
  const code = `console.log(require("fs").readFileSync("/proc/self/status", "utf8"))`;
  const { stdout } = await startProgram(process.execPath, ["-e", code]).succeeded();
  return Number(/VmData:\s+(\d+)/.exec(stdout)![1]);
}

/** `allowed`: what the process may take beside what Node reserves, KiB. */
async function run(memoryLimit: number, features: string, allowed: number): Promise<ChildEnd> {
  const limit = `ulimit -d ${(await reserved()) + allowed}; exec "$@"`;
  return startNode(program, [EVENTS, memoryLimit, 0, features], {
    through: ["bash", "-c", limit, "limited"],
  }).ended;
}

const onLinux = test.skipIf(process.platform !== "linux");

onLinux.each([
  { features: "reach", compared: 572, allowed: 380_000 },
  { features: "lifetime", compared: 52, allowed: 380_000 },
  { features: "known", compared: 52, allowed: 380_000 },
  { features: "latest", compared: 52, allowed: 290_000 },
])("an entity with a third of the events is answered in 32 MiB: $features", async (one) => {
  const { code, stdout, output } = await run(32, one.features, one.allowed);
  expect(code, output).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ compared: one.compared, differing: 0 });
});

onLinux.each([
  { features: "reach", allowed: 380_000 },
  { features: "lifetime", allowed: 380_000 },
  { features: "latest", allowed: 290_000 },
])("the same without a limit of its own does not fit: $features", async (one) => {
  const { code, signal, output } = await run(8192, one.features, one.allowed);
  expect({ code, signal }).not.toEqual({ code: 0, signal: null });
  expect(output).toMatch(/allocation|memory/i);
});
