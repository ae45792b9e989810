/**
 * The program of the kernel process: one job from the input to the output. Engines start it, and so
 * do the tasks of a cluster.
 */
import { fileURLToPath } from "node:url";
import { runKernelProcess } from "./kernel-process.ts";

process.exitCode = (await runKernelProcess(fileURLToPath(import.meta.url))) ? 0 : 1;
