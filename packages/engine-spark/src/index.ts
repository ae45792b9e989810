export { processEngine, type ProcessEngineOptions } from "./process-engine.ts";
export { runKernelProcess } from "./kernel-process.ts";
export { kernelFile, type KernelCommand } from "./kernel-command.ts";
export type { KernelCounters } from "./kernel-job.ts";
export { sparkDays } from "./spark/spark-days.ts";
export { sparkEngine, type SparkEngine, type SparkEngineOptions } from "./spark/spark-engine.ts";
export type {
  SparkJob,
  SparkOutputFormat,
  SparkReport,
  SparkTable,
  SparkView,
} from "./spark/spark-job.ts";
export {
  sparkTrainingSet,
  writeSparkJob,
  type SparkTrainingSet,
  type SparkTrainingSetOptions,
} from "./spark/spark-training-set.ts";
export { packEngine, type PackedEngine, type PackEngineOptions } from "./pack/pack-engine.ts";
