/** The file: how Tidemark knows its own, what is in it, and how it is made. */
import { TidemarkError } from "@tidemark/core";
import type { SqliteDatabase } from "./database.ts";

/** "TDMK", at byte 68 of the file. */
const APPLICATION = 0x54444d4b;
/** In `user_version`, at byte 60. A file of a greater one was written by a newer Tidemark. */
const FORMAT = 1;

/**
 * `count` gives out the versions of cells: one for the whole file, so that none repeats.
 * Each namespace has a table of cells, so a read names no namespace and a sweep stays in its own.
 */
const TABLES = `
  CREATE TABLE count (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
  INSERT INTO count VALUES (1, 0);
  CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE positions (
    namespace INTEGER NOT NULL, source TEXT NOT NULL, partition TEXT NOT NULL, "offset" INTEGER NOT NULL, checkpoint TEXT,
    PRIMARY KEY (namespace, source, partition)
  ) WITHOUT ROWID;
`;

/**
 * A row table with an index, though WITHOUT ROWID would be one tree: there a value of 2 KB leaves
 * its page for another one, and a read takes three times as long (measured). `value` comes last:
 * what a sweep looks at lies before it.
 */
const CELLS = (table: string): string => `
  CREATE TABLE ${table} (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL);
`;

/**
 * Checks that the file is Tidemark's and of a format known here; false for an empty one. Writes
 * nothing.
 */
function checkFormat(database: SqliteDatabase, name: string): boolean {
  const { application, format, tables } = headOf(database);
  if (application === APPLICATION) {
    if (format <= FORMAT) return true;
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `${name}: was written by a newer Tidemark (format ${format}; this one knows ${FORMAT}); ` +
        "update @tidemark/adapter-sqlite",
    );
  }
  if (application === 0 && format === 0 && tables === 0) return false;
  throw new TidemarkError(
    "STATE_NOT_TIDEMARK",
    `${name}: is a SQLite file of another program and was left as it is; give Tidemark a path ` +
      "of its own",
  );
}

/**
 * One snapshot: read apart, the three could be of a file before and after another process made it
 * Tidemark's.
 */
function headOf(database: SqliteDatabase): {
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
 * Makes what is missing, in one transaction: of two processes that open a new file at once, one
 * makes it.
 */
export function prepareFile(database: SqliteDatabase, name: string, namespace: string): void {
  checkFormat(database, name);
  database.exec("PRAGMA journal_mode = WAL");
  if (namespaceId(database, name, namespace) !== null) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (!checkFormat(database, name))
      database.exec(
        `${TABLES} PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${FORMAT}`,
      );
    if (namespaceId(database, name, namespace) === null) {
      database.prepare("INSERT INTO namespaces (name) VALUES (?)").run(namespace);
      database.exec(CELLS(cellsTable(namespaceId(database, name, namespace)!)));
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** null: the file holds no such namespace yet. */
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
