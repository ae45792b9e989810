/** Runs runners in child processes, which may be killed. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3Credentials } from "@tidemark/adapter-minio";

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
  /** Resolves when its modules are loaded. */
  readonly ready: Promise<void>;
  /** The number of reported commits, and of its partitions. */
  readonly commits: number;
  readonly ownedPartitions: number;
  /** Starts the run. */
  start(): void;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<string>;
  readonly hasEnded: boolean;
  kill(signal: NodeJS.Signals): void;
  readonly errors: string;
}

export function startRunnerProcess(settings: ChildSettings): RunnerProcess {
  const program = fileURLToPath(new URL("../test/programs/run-pipeline.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--conditions=@tidemark/source",
      "--disable-warning=ExperimentalWarning",
      "--disable-warning=TimeoutNegativeWarning",
      program,
      JSON.stringify(settings),
    ],
    {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        NODE_COMPILE_CACHE: join(tmpdir(), "tidemark-laws-compiled"),
      },
    },
  );
  const state = { commits: 0, shares: 0, errors: "", gone: false, rest: "" };
  let tellReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  const ended = new Promise<string>((resolve) => {
    child.on("close", (code, signal) => {
      state.gone = true;
      tellReady();
      resolve(signal ?? String(code));
    });
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    state.errors += text;
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (state.rest + text).split("\n");
    state.rest = lines.pop()!;
    for (const line of lines) {
      if (line === "ready") tellReady();
      else if (line.startsWith("shares ")) state.shares = Number(line.slice(7));
      else state.commits++;
    }
  });
  child.stdin.on("error", () => undefined);
  return {
    ready,
    ended,
    get commits() {
      return state.commits;
    },
    get ownedPartitions() {
      return state.shares;
    },
    get errors() {
      return state.errors;
    },
    get hasEnded() {
      return state.gone;
    },
    start() {
      child.stdin.write("go\n");
    },
    kill(signal) {
      child.kill(signal);
    },
  };
}
