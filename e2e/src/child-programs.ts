/** Starts the programs of this package in child processes. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startNode } from "@tidemark/testkit/child-process";

/**
 * Starts `test/programs/NAME.ts`, or a path from there. The programs share a cache of compiled
 * modules.
 */
export function startChildProgram(
  name: string,
  args: readonly string[],
  options: { readonly stdin?: "pipe" } = {},
): Child {
  return startNode(join(import.meta.dirname, "../test/programs", name), args, {
    ...options,
    nodeOptions: [
      "--disable-warning=ExperimentalWarning",
      "--disable-warning=TimeoutNegativeWarning",
    ],
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "tidemark-laws-compiled") },
  });
}

/** Kills the child process after some ms, unless it ends before, and returns how it ended. */
export async function killAfter(child: Child, ms: number): Promise<"killed" | "done"> {
  const timer = setTimeout(() => {
    child.kill();
  }, ms);
  const { code, how } = await child.ended;
  clearTimeout(timer);
  if (code === null) return "killed";
  if (code !== 0) throw child.failure(`ended with ${how}`);
  return "done";
}
