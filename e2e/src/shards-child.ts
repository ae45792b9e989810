/** Runs one step of a job of shards. The process kills itself at a point. */
import { generateScenario } from "@tidemark/testkit";
import type { ShardStep } from "../../packages/cli/src/shards/compute-shard.ts";
import type { FinishStep } from "../../packages/cli/src/shards/finish-job.ts";
import type { JobStep } from "../../packages/cli/src/shards/write-shard-job.ts";
import { runFinish, runShard, writeJob } from "./shards.ts";

export interface ShardsChildRun {
  readonly folder: string;
  readonly seed: number;
  readonly step: "job" | "shard" | "finish";
  /** The number of shards of the job. */
  readonly count: number;
  readonly shard: number;
  readonly kill: JobStep | ShardStep | FinishStep;
}

if (import.meta.main) {
  const run = JSON.parse(process.argv[2]!) as ShardsChildRun;
  const scenario = generateScenario(run.seed);
  const pass = (point: string): void => {
    if (point === run.kill) process.kill(process.pid, "SIGKILL");
  };
  if (run.step === "job") await writeJob(scenario, run.folder, "as-known", run.count, pass);
  else if (run.step === "shard") await runShard(scenario, run.folder, run.shard, pass);
  else await runFinish(scenario, run.folder, pass);
}
