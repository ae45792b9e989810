export { postgresOnlineStore } from "./online-store.ts";
export type { PostgresOnlineOptions } from "./options.ts";
