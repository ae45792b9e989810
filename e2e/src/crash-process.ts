/** Starts child processes that are killed, and collects their output. */
import type { Child } from "@tidemark/testkit/child-process";
import { startChildProgram } from "./child-programs.ts";
import type { CrashRun } from "./crash-scenario.ts";

export interface RunEnd {
  /** The signal, or the exit code. */
  readonly how: string;
  readonly lines: readonly string[];
}

export const startChild = (
  program: "crash-child.ts" | "crash-reader.ts" | "push-child.ts",
  settings: unknown,
): Child => startChildProgram(`../../src/${program}`, [JSON.stringify(settings)]);

/** Counts the commits among the lines of a child. */
export function commitsIn(lines: readonly string[]): number {
  return lines.filter((line) => line !== "ready").length;
}

/** Runs a child until it ends, or kills it some ms after some commits. */
export async function runChild(
  run: CrashRun,
  killAfter: { readonly commits: number; readonly ms: number } | null,
): Promise<RunEnd> {
  const child = startChild("crash-child.ts", run);
  let seen = 0;
  child.onLine = () => {
    if (killAfter === null || seen++ !== killAfter.commits) return;
    setTimeout(() => {
      child.kill();
    }, killAfter.ms);
  };
  const { how } = await child.ended;
  if (how !== "0" && how !== "SIGKILL")
    throw child.failure(`of seed ${run.seed} in ${run.folder} ended with ${how}`);
  return { how, lines: child.lines };
}
