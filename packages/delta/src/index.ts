export { localObjects, type LocalObjectsOptions } from "./local-objects.ts";
export type { ObjectInfo, ObjectOptions, ObjectStore } from "./objects.ts";
export { deltaOfflineStore, type DeltaOfflineStore } from "./store.ts";
export type { DeltaOptions } from "./lake.ts";
export {
  readParquet,
  writeParquet,
  type ParquetRows,
  type ReadParquetOptions,
  type UnsupportedColumn,
} from "./parquet/parquet-file.ts";
export type { DescribeOptions } from "./describe.ts";
export type { OptimizeOptions, OptimizeResult } from "./optimize.ts";
export type { VacuumOptions, VacuumResult } from "./vacuum.ts";
