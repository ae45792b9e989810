/** A training set of one busy entity, under a limit of memory that the operating system keeps. */
import { join } from "node:path";
import { startNode, startProgram, type ChildEnd } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "hot-entity.ts");
/** Twelve million events take about 600 MiB. */
const EVENTS = 12_000_000;
/** What the process may take beside what Node reserves when it starts, KiB. */
const ALLOWED = 380_000;

/** The private memory that Node reserves when it starts, KiB. */
async function reserved(): Promise<number> {
  const code = `console.log(require("fs").readFileSync("/proc/self/status", "utf8"))`;
  const { stdout } = await startProgram(process.execPath, ["-e", code]).succeeded();
  return Number(/VmData:\s+(\d+)/.exec(stdout)![1]);
}

async function run(memoryLimit: number): Promise<ChildEnd> {
  const limit = `ulimit -d ${(await reserved()) + ALLOWED}; exec "$@"`;
  return startNode(program, [EVENTS, memoryLimit, 0], { through: ["bash", "-c", limit, "limited"] })
    .ended;
}

test.skipIf(process.platform !== "linux")(
  "an entity with a third of the events is answered in 32 MiB",
  async () => {
    const { code, stdout, output } = await run(32);
    expect(code, output).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ compared: 572, differing: 0 });
  },
);

test.skipIf(process.platform !== "linux")(
  "the same without a limit of its own does not fit",
  async () => {
    const { code, signal, output } = await run(8192);
    expect({ code, signal }).not.toEqual({ code: 0, signal: null });
    expect(output).toMatch(/allocation|memory/i);
  },
);
