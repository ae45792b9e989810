/** The engine in a child process gives the bits of every other engine (law 3: one answer). */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchOf, type DeriveNode, type EngineHost, type EngineTask } from "@tidemark/core/spi";
import { computeEngineConformance } from "@tidemark/core/testing";
import { startNode, startProgram } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { kernelFile, processEngine } from "../src/index.ts";

computeEngineConformance({ test, make: async () => processEngine({ rowsPerRun: 7 }) });

const plan: DeriveNode = {
  node: "derive",
  input: {
    node: "window",
    input: { node: "scan", source: "s", columns: [], createdAt: null, primaryKey: [] },
    entity: { name: "e", keys: [] },
    foundIn: [1_000_000],
    aggregates: [{ name: "n", aggregate: "count", arguments: [], where: null, window: 1_000_000 }],
  },
  columns: [{ name: "n", value: { op: "column", name: "n", type: "int64", nullable: false } }],
};
const rows = { length: 1, keyCount: 1, entity: Int32Array.of(0), time: Float64Array.of(2) };
const task: EngineTask = { plan, tables: [], knowledge: "as-known", rows };
const host: EngineHost = { async *events() {}, keys: () => batchOf([], [[]]) };

/** An engine whose child is this script. */
const scripted = (script: string): ReturnType<typeof processEngine> =>
  processEngine({ command: { program: process.execPath, args: ["-e", script] } });

test("a child that is killed, that ends, or that does not start, has died", async () => {
  for (const [script, how] of [
    ["process.kill(process.pid, 'SIGKILL')", "SIGKILL"],
    ["console.error('no memory'); process.exitCode = 3", "exit code 3: no memory"],
    ["process.stdout.write(Buffer.from([4, 0, 0, 0, 8, 0, 0, 0, 1]))", "exit code 0"],
  ] as const)
    await expect(scripted(script).compute(task, host)).rejects.toMatchObject({
      code: "KERNEL_DIED",
      message: expect.stringContaining(how),
      retryable: true,
    });
  const absent = processEngine({ command: { program: `${kernelFile()}.absent`, args: [] } });
  await expect(absent.compute(task, host)).rejects.toMatchObject({
    code: "KERNEL_DIED",
    message: expect.stringContaining("did not start"),
  });
});

test("an abort ends the child", async () => {
  const abort = new AbortController();
  const asked = scripted("setInterval(() => {}, 1000)").compute(task, {
    ...host,
    signal: abort.signal,
  });
  setTimeout(() => {
    abort.abort();
  }, 200);
  await expect(asked).rejects.toThrow(/abort/);
});

test("`tidemark kernel` is a kernel", async () => {
  const bin = join(import.meta.dirname, "../../cli/src/bin.ts");
  const args = ["--conditions=@tidemark/source", bin, "kernel"];
  const [column] = await processEngine({ command: { program: process.execPath, args } }).compute(
    task,
    host,
  );
  expect(column).toMatchObject({ statuses: Uint8Array.of(2), times: Float64Array.of(NaN) });
});

test("a kernel without input says so", async () => {
  const { code, stdout } = await startNode(kernelFile()).ended;
  expect(code).toBe(1);
  expect(stdout).toContain("KERNEL_FRAME_INVALID");
});

test("the built kernel is one file, also for a run that would be worth threads", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-kernel-"));
  try {
    const root = join(import.meta.dirname, "../../..");
    const tsup = join(root, "node_modules/tsup/dist/cli-default.js");
    await startProgram(process.execPath, [tsup, "--config", "tsup.kernel.ts", "-d", folder], {
      cwd: join(import.meta.dirname, ".."),
    }).succeeded();
    const [kernel] = readdirSync(folder);
    const command = { program: process.execPath, args: [join(folder, kernel!)] };
    const length = 600_000;
    const events = {
      length,
      entity: Int32Array.from({ length }, (_, i) => i % 2),
      time: new Float64Array(length).fill(1),
      from: new Float64Array(length).fill(-Infinity),
      to: new Float64Array(length).fill(Infinity),
      columns: { length, columns: [], vectors: [] },
    };
    const entities = { entity: Int32Array.of(0, 1), time: Float64Array.of(2, 2) };
    const two = { ...task, rows: { length: 2, keyCount: 2, ...entities } };
    const [column] = await processEngine({ command, rowsPerRun: 2 ** 40 }).compute(two, {
      ...host,
      async *events() {
        yield events;
      },
    });
    expect(column!.values).toMatchObject({ values: BigInt64Array.of(300_000n, 300_000n) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
