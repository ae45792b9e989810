/** Prepares the statements of one namespace. */
import type { SqliteDatabase, SqliteStatement } from "./database.ts";
import { cellsTable } from "./schema.ts";

export type Statements = Readonly<Record<keyof ReturnType<typeof statementTexts>, SqliteStatement>>;

/**
 * The distance between the versions of two files at one path. Versions of cells are below it for
 * centuries of writes.
 */
const VERSIONS_PER_FILE = 2 ** 42;
/** Files after which the versions begin again. */
const FILES = 2000;

/**
 * Prepares the statements. `files` is how many files the path had before. The version of a cell is
 * shown with the file's number, so that no reader takes a cell of one file for one of another.
 */
export function prepareStatements(
  database: SqliteDatabase,
  namespace: number,
  files: number,
): Statements {
  const shift = (files % FILES) * VERSIONS_PER_FILE;
  const texts = Object.entries(statementTexts(cellsTable(namespace), namespace, shift));
  // A Database of the user may be set to return bigints.
  return Object.fromEntries(
    texts.map(([name, text]) => {
      const statement = database.prepare(text);
      return [name, /SELECT|RETURNING/.test(text) ? statement.safeIntegers(false) : statement];
    }),
  ) as Statements;
}

const statementTexts = (
  cells: string,
  namespace: number,
  shift: number,
  shown: string = shift === 0 ? "version" : `version + ${shift}`,
) => ({
  begin: "BEGIN",
  beginImmediate: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  read: `SELECT value, ${shown} AS version FROM ${cells} WHERE key = ?`,
  readIfChanged: `SELECT ${shown} AS version,
    CASE ${shown} WHEN ? THEN NULL ELSE value END AS value FROM ${cells} WHERE key = ?`,
  readIfUnchangedBeside: `SELECT (SELECT ${shown} FROM ${cells} WHERE key = ?) AS beside,
    ${shown} AS version, CASE ${shown} WHEN ? THEN NULL ELSE value END AS value
    FROM ${cells} WHERE key = ?`,
  dataVersion: "PRAGMA data_version",
  totalChanges: "SELECT total_changes() AS changes",
  version: `SELECT version FROM ${cells} WHERE key = ?`,
  nextVersion: "UPDATE count SET version = version + 1 RETURNING version",
  insert: `INSERT INTO ${cells} (key, version, expires, value) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  update: `UPDATE ${cells} SET version = ?, expires = ?, value = ? WHERE key = ? AND ${shown} = ?`,
  upsert: `INSERT INTO ${cells} (key, version, expires, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, expires = excluded.expires,
    value = excluded.value`,
  remove: `DELETE FROM ${cells} WHERE key = ?`,
  removeVersion: `DELETE FROM ${cells} WHERE key = ? AND ${shown} = ?`,
  size: `SELECT (SELECT count(*) FROM ${cells}) AS cells, page_count * page_size AS bytes
    FROM pragma_page_count, pragma_page_size`,
  positions: `SELECT generation, partition, "offset", checkpoint FROM positions
    WHERE namespace = ${namespace} AND source = ? ORDER BY partition, generation`,
  position: `SELECT "offset" FROM positions
    WHERE namespace = ${namespace} AND source = ? AND generation = ? AND partition = ?`,
  setPosition: `INSERT OR REPLACE
    INTO positions (namespace, source, generation, partition, "offset", checkpoint)
    VALUES (${namespace}, ?, ?, ?, ?, ?)`,
  metadata: `SELECT key, value FROM metadata WHERE namespace = ${namespace} AND source = ?`,
  metadataText: `SELECT value FROM metadata
    WHERE namespace = ${namespace} AND source = ? AND key = ?`,
  setMetadata: `INSERT OR REPLACE INTO metadata (namespace, source, key, value)
    VALUES (${namespace}, ?, ?, ?)`,
  deleteCells: `DELETE FROM ${cells}
    WHERE id IN (SELECT id FROM ${cells} WHERE key >= ? AND key < ? LIMIT ?)`,
  scan: `SELECT key, value, ${shown} AS version FROM ${cells} WHERE key >= ? AND key < ?
    ORDER BY key LIMIT ?`,
  scanAfter: `SELECT key, value, ${shown} AS version FROM ${cells} WHERE key > ? AND key < ?
    ORDER BY key LIMIT ?`,
  vacuum: "VACUUM",
  truncateLog: "PRAGMA wal_checkpoint(TRUNCATE)",
  deleteExpiredEnd: `SELECT id FROM ${cells} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`,
  deleteExpired: `DELETE FROM ${cells} WHERE id > ? AND id <= ? AND expires < ?`,
});
