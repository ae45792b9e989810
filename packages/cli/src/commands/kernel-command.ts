/** `tidemark kernel`: answers one job on the standard input and output. */
import { runKernelProcess } from "@tidemark/engine-spark";
import { readOptions } from "../terminal/options.ts";
import type { CommandContext } from "../terminal/progress.ts";

const help = `Usage: tidemark kernel

Answers one job: sorted rows come on the input, and answers go to the output, as frames
of the format tidemark-kernel/1. Another process starts it: an engine, or a task of a
cluster. It reads no configuration and no store.

  --help                print this text

Exit codes:
  0    the job is answered
  1    the last frame says why it is not
  2    the command line is wrong
`;

/** Runs the command and returns its exit code. */
export async function kernelCommand(
  args: readonly string[],
  { stdout }: CommandContext,
): Promise<number> {
  const given = readOptions(args, { help: "flag" });
  if (given.has("help")) {
    stdout.write(help);
    return 0;
  }
  return (await runKernelProcess()) ? 0 : 1;
}
