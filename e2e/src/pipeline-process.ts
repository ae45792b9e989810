/** Runs runners in child processes, which may be killed. */
import type { S3Credentials } from "@tidemark/adapter-minio";
import type { Child } from "@tidemark/testkit/child-process";
import { startChildProgram } from "./child-programs.ts";

export interface ChildSettings {
  readonly folder: string;
  readonly brokers: readonly string[];
  /** The source of the topics' pattern. */
  readonly topics: string;
  readonly groupId: string | null;
  /** The lake in MinIO; null if the lake lies in the folder. */
  readonly lake: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly prefix: string;
    readonly credentials: S3Credentials;
  } | null;
}

export interface RunnerProcess {
  readonly child: Child;
  /** The number of reported commits, and of its partitions. */
  readonly commits: number;
  readonly ownedPartitions: number;
  /** Starts the run when the modules are loaded. */
  start(): Promise<void>;
}

export function startRunnerProcess(settings: ChildSettings): RunnerProcess {
  const child = startChildProgram("run-pipeline.ts", [JSON.stringify(settings)], { stdin: "pipe" });
  let [commits, ownedPartitions] = [0, 0];
  child.onLine = (line) => {
    if (line.startsWith("shares ")) ownedPartitions = Number(line.slice("shares ".length));
    else if (line !== "ready") commits++;
  };
  return {
    child,
    get commits() {
      return commits;
    },
    get ownedPartitions() {
      return ownedPartitions;
    },
    async start() {
      await child.line("ready");
      child.write("go\n");
    },
  };
}
