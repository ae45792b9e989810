/** What the engine makes of spark-submit, with scripts in its place. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startProgram } from "@tidemark/testkit/child-process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sparkEngine, type SparkEngine, type SparkJob } from "../src/index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-spark-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const job: SparkJob = {
  format: 1,
  id: "job",
  lake: "/lake",
  knowledge: "as-known",
  views: [],
  entities: { uri: "/rows", rows: 3, columns: [], earliest: 0, latest: 0 },
  output: { uri: "/out", format: "parquet", metadata: false, columns: [] },
  split: { count: null, hotRows: null },
  kernel: { node: "node", flags: [], file: "/kernel.js", shipped: true, archive: null, sha256: "" },
};

/** An engine whose spark-submit is this script. */
function scripted(script: string): SparkEngine {
  const submit = join(folder, "submit.sh");
  writeFileSync(submit, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const conf = { "spark.x": "1" };
  return sparkEngine({ lake: "/lake", staging: folder, submit, master: "local[2]", conf });
}

describe.skipIf(process.platform === "win32")("spark-submit", () => {
  test("it gets the job, and its lines are progress and the report", async () => {
    const engine = scripted(`echo "$@" > ${folder}/arguments
echo noise
echo 'TIDEMARK {"progress": 2}'
echo 'TIDEMARK {"rows": 3, "overflows": 1, "longestRun": 7, "wrote": true}'`);
    const told: number[] = [];
    const onProgress = (rows: number): void => void told.push(rows);
    const report = { rows: 3, overflows: 1, longestRun: 7, wrote: true };
    expect(await engine.run(job, { onProgress })).toEqual(report);
    expect(told).toEqual([2]);
    const file = join(folder, "job.json");
    expect(readFileSync(join(folder, "arguments"), "utf8")).toMatch(
      /^--master local\[2\] --conf spark\.x=1 --files \/kernel\.js \S+\/tidemark_spark\.py \S+$/m,
    );
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(job);
  });

  test("a failure names the cause: the job's, a task's, or the last lines", async () => {
    for (const [script, cause] of [
      [`echo 'TIDEMARK {"error": "OUT_EXISTS: /out exists"}'; exit 1`, "OUT_EXISTS: /out exists"],
      [`echo "x.TidemarkError: KERNEL_DIED: it ended" >&2; echo more >&2; exit 1`, "KERNEL_DIED"],
      [`echo "no such master" >&2; exit 3`, "exit code 3: no such master"],
      ["exit 0", "ended without a result"],
    ] as const)
      await expect(scripted(script).run(job)).rejects.toMatchObject({
        code: "SPARK_FAILED",
        message: expect.stringContaining(cause),
      });
    const absent = sparkEngine({ lake: "/lake", staging: folder, submit: `${folder}/absent` });
    await expect(absent.run(job)).rejects.toMatchObject({
      code: "SPARK_FAILED",
      message: expect.stringContaining("did not start"),
    });
  });

  test("an abort ends spark-submit and the programs that it started", async () => {
    const abort = new AbortController();
    const running = scripted(`sleep 300 & echo $! > ${folder}/pid; echo 'TIDEMARK {"progress": 0}'
wait`);
    const asked = running.run(job, {
      signal: abort.signal,
      onProgress: () => {
        abort.abort();
      },
    });
    await expect(asked).rejects.toThrow(/abort/);
    const pid = readFileSync(join(folder, "pid"), "utf8").trim();
    let code: number | null = 0;
    for (let i = 0; code === 0 && i < 100; i++) {
      await sleep(50);
      ({ code } = await startProgram("kill", ["-0", pid]).ended);
    }
    expect(code).toBe(1);
  });
});

test("an engine without its places is refused", () => {
  expect(() => sparkEngine({ lake: "", staging: "/x" })).toThrow(/lake is missing/);
  expect(() => sparkEngine({ lake: "/x" } as never)).toThrow(/staging is missing/);
});
