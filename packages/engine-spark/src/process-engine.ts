/** The compute engine that runs in a child process. */
import { spawn } from "node:child_process";
import type { ComputeEngine } from "@tidemark/core/spi";
import { kernelCommand, type KernelCommand } from "./kernel-command.ts";
import { kernelEngine, type KernelEngineOptions, type RunningKernel } from "./kernel-engine.ts";

/** How the child process of the engine runs. */
export interface ProcessEngineOptions extends KernelEngineOptions {
  /** The program and its arguments. Default: this Node with the kernel of this package. */
  readonly command?: KernelCommand | undefined;
}

/**
 * Makes an engine that computes each view in a child process. The child has the memory of one run,
 * beside the events that this process gathers and sorts.
 *
 * The engine throws `KERNEL_DIED` when the child ends before its end frame, and
 * `KERNEL_FRAME_INVALID` when its output is not as the wire format says.
 *
 * @example
 * const store = await openStore({
 *   definitions,
 *   offline: deltaOfflineStore(localObjects("./lake")),
 *   engine: processEngine({ rowsPerRun: 100_000 }),
 * });
 */
export function processEngine(options: ProcessEngineOptions = {}): ComputeEngine {
  const start = (): RunningKernel => startKernel(options.command ?? kernelCommand());
  return kernelEngine("process engine", start, options);
}

function startKernel({ program, args }: KernelCommand): RunningKernel {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  // a child that has ended takes no more input
  child.stdin.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => {
      resolve(`it did not start: ${error.message}`);
    });
    child.on("close", (code, signal) => {
      const text = errors.trim();
      resolve(`it ended with ${signal ?? `exit code ${code}`}${text === "" ? "" : `: ${text}`}`);
    });
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill() {
      child.kill("SIGKILL");
    },
  };
}
