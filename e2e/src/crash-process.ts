/** Starts child processes that are killed, and collects their output. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashRun } from "./crash-scenario.ts";

export interface ProcessEnd {
  /** The signal, or the exit code. */
  readonly exit: string;
  readonly errors: string;
  readonly lines: readonly string[];
}

export interface Child {
  readonly ended: Promise<ProcessEnd>;
  onLine: (line: string) => void;
  kill(signal: NodeJS.Signals): void;
}

export function startChild(
  program: "crash-child.ts" | "crash-reader.ts" | "push-child.ts",
  settings: unknown,
): Child {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const process_ = spawn(
    process.execPath,
    ["--conditions=@tidemark/source", file, JSON.stringify(settings)],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        NODE_COMPILE_CACHE: join(tmpdir(), "tidemark-laws-compiled"),
      },
    },
  );
  let [rest, errors] = ["", ""];
  const lines: string[] = [];
  const child: Child = {
    onLine: () => undefined,
    kill: (signal) => {
      process_.kill(signal);
    },
    ended: new Promise((resolve, reject) => {
      process_.on("error", reject);
      process_.on("close", (code, signal) => {
        resolve({ exit: signal ?? String(code), errors, lines });
      });
    }),
  };
  process_.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  process_.stdout.setEncoding("utf8").on("data", (text: string) => {
    const whole = (rest + text).split("\n");
    rest = whole.pop()!;
    for (const line of whole) {
      lines.push(line);
      child.onLine(line);
    }
  });
  return child;
}

/** Counts the commits among the lines of a child. */
export function commitsIn(lines: readonly string[]): number {
  return lines.filter((line) => line !== "ready").length;
}

/** Runs a child until it ends, or kills it some ms after some commits. */
export async function runChild(
  run: CrashRun,
  killAfter: { readonly commits: number; readonly ms: number } | null,
): Promise<ProcessEnd> {
  const child = startChild("crash-child.ts", run);
  let seen = 0;
  child.onLine = () => {
    if (killAfter === null || seen++ !== killAfter.commits) return;
    setTimeout(() => {
      child.kill("SIGKILL");
    }, killAfter.ms);
  };
  const ended = await child.ended;
  if (ended.exit !== "0" && ended.exit !== "SIGKILL")
    throw new Error(
      `the run of seed ${run.seed} in ${run.folder} ended with ${ended.exit}: ${ended.errors}`,
    );
  return ended;
}
