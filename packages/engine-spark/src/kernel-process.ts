/** Runs the kernel on the streams of this process. */
import { readFileSync } from "node:fs";
import { kernelFile } from "./kernel-command.ts";
import { runKernel } from "./run-kernel.ts";

/**
 * Answers one job on the standard input and output of this process. The result is false if the last
 * frame is an error.
 *
 * @example
 * process.exitCode = (await runKernelProcess()) ? 0 : 1;
 */
export async function runKernelProcess(program: string = kernelFile()): Promise<boolean> {
  const { stdin, stdout } = process;
  // A host that is gone reads no answer, and needs no error.
  stdout.on("error", () => process.exit(1));
  const isDone = await runKernel({
    input: stdin,
    write: (bytes) =>
      stdout.write(bytes)
        ? undefined
        : new Promise<void>((resolve) => {
            stdout.once("drain", resolve);
          }),
    program: readFileSync(program),
  });
  stdin.destroy();
  return isDone;
}
