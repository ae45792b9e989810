export { sqliteOnlineStore } from "./online-store.ts";
export type { SqliteOnlineOptions } from "./online-store.ts";
export type { SqliteDatabase, SqliteStatement } from "./database.ts";
