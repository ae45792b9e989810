export { queryTrino, type TrinoConnection } from "./client.ts";
export { historyTables, type TableLocation } from "./history-tables.ts";
export {
  type CatalogSchema,
  registeredTables,
  type RegisteredTable,
  registerTables,
  type RegisterTablesOptions,
  unregisterTables,
} from "./register.ts";
export {
  type CheckedDifference,
  checkTrainingSet,
  type CheckTrainingSetOptions,
  type NotChecked,
  type TrainingSetCheck,
} from "./check/check-training-set.ts";
