/** Makes and checks the file: its identification, its tables, and its format. */
import { TidemarkError } from "@tidemark/core";
import type { SqliteDatabase } from "./database.ts";

/** "TDMK", at byte 68 of the file. */
const APPLICATION_ID = 0x54444d4b;
/** In `user_version`, at byte 60. */
const FORMAT_VERSION = 3;

/**
 * `count` numbers the versions of cells for the whole file, so that no version repeats. Each
 * namespace has its own table of cells. A read therefore names no namespace, and deleting expired
 * cells stays in its namespace.
 */
const TABLES_SQL = `
  CREATE TABLE count (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
  INSERT INTO count VALUES (1, 0);
  CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE positions (
    namespace INTEGER NOT NULL, source TEXT NOT NULL, generation INTEGER NOT NULL,
    partition TEXT NOT NULL, "offset" INTEGER NOT NULL, checkpoint TEXT,
    PRIMARY KEY (namespace, source, generation, partition)
  ) WITHOUT ROWID;
  CREATE TABLE metadata (
    namespace INTEGER NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (namespace, source, key)
  ) WITHOUT ROWID;
`;

/**
 * A row table with an index. WITHOUT ROWID would be one tree, but a value of 2 KB would then leave
 * its page. A read would take three times as long (measured). `value` is the last column: deletion
 * of expired cells only looks at columns before it.
 */
const cellsTableSql = (table: string): string => `
  CREATE TABLE ${table} (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL,
    expires INTEGER, value BLOB NOT NULL
  );
`;

/**
 * Checks that the file is Tidemark's and of a known format; false for an empty file. The check
 * writes nothing.
 */
function checkFormat(database: SqliteDatabase, name: string): boolean {
  const { application, format, tables } = readFileHeader(database);
  if (application === APPLICATION_ID) {
    if (format === FORMAT_VERSION) return true;
    if (format < FORMAT_VERSION)
      throw new TidemarkError(
        "STATE_OLDER_FORMAT",
        `${name}: was written by an older Tidemark (format ${format}; this one reads ` +
          `${FORMAT_VERSION}); ` +
          "delete the file, then fill a new one with `tidemark backfill` or run the log again",
      );
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `${name}: was written by a newer Tidemark (format ${format}; this one reads ` +
        `${FORMAT_VERSION}); ` +
        "update @tidemark/adapter-sqlite",
    );
  }
  if (application === 0 && format === 0 && tables === 0) return false;
  throw new TidemarkError(
    "STATE_NOT_TIDEMARK",
    `${name}: is a SQLite file of another program and was left as it is; ` +
      "give Tidemark a path of its own",
  );
}

/**
 * Reads the head of the file in one snapshot. Separate reads could mix the states before and after
 * another process prepared the file.
 */
function readFileHeader(database: SqliteDatabase): {
  readonly application: number;
  readonly format: number;
  readonly tables: number;
} {
  const own = !database.inTransaction;
  if (own) database.exec("BEGIN");
  try {
    return {
      application: pragma(database, "application_id"),
      format: pragma(database, "user_version"),
      tables: database
        .prepare("SELECT count(*) FROM sqlite_schema")
        .pluck()
        .safeIntegers(false)
        .get() as number,
    };
  } finally {
    if (own) database.exec("COMMIT");
  }
}

/**
 * Makes the missing tables in one transaction. Of two processes that open a new file at once, one
 * makes them.
 */
export function prepareFile(database: SqliteDatabase, name: string, namespace: string): void {
  checkFormat(database, name);
  database.exec("PRAGMA journal_mode = WAL");
  if (namespaceId(database, name, namespace) !== null) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (!checkFormat(database, name))
      database.exec(
        `${TABLES_SQL} PRAGMA application_id = ${APPLICATION_ID}; ` +
          `PRAGMA user_version = ${FORMAT_VERSION}`,
      );
    if (namespaceId(database, name, namespace) === null) {
      database.prepare("INSERT INTO namespaces (name) VALUES (?)").run(namespace);
      database.exec(cellsTableSql(cellsTable(namespaceId(database, name, namespace)!)));
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Returns the id of a namespace; null if the file does not have it yet. */
export function namespaceId(
  database: SqliteDatabase,
  name: string,
  namespace: string,
): number | null {
  if (!checkFormat(database, name)) return null;
  return (
    (database
      .prepare("SELECT id FROM namespaces WHERE name = ?")
      .pluck()
      .safeIntegers(false)
      .get(namespace) as number | undefined) ?? null
  );
}

export function cellsTable(namespace: number): string {
  return `cells_${namespace}`;
}

function pragma(database: SqliteDatabase, name: string): number {
  return database.prepare(`PRAGMA ${name}`).pluck().safeIntegers(false).get() as number;
}
