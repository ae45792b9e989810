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
