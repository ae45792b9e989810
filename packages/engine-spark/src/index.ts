export { processEngine, type ProcessEngineOptions } from "./process-engine.ts";
export { runKernelProcess } from "./kernel-process.ts";
export { kernelFile, type KernelCommand } from "./kernel-command.ts";
export type { KernelCounters } from "./kernel-job.ts";
