/** Prepares the statements of one namespace. */
import type { SqliteDatabase, SqliteStatement } from "./database.ts";
import { cellsTable } from "./schema.ts";

export type Statements = Readonly<Record<keyof ReturnType<typeof statementTexts>, SqliteStatement>>;

export function prepareStatements(database: SqliteDatabase, namespace: number): Statements {
  const texts = Object.entries(statementTexts(cellsTable(namespace), namespace));
  // A Database of the user may be set to return bigints.
  return Object.fromEntries(
    texts.map(([name, text]) => {
      const statement = database.prepare(text);
      return [name, /SELECT|RETURNING/.test(text) ? statement.safeIntegers(false) : statement];
    }),
  ) as Statements;
}

const statementTexts = (cells: string, namespace: number) => ({
  begin: "BEGIN",
  beginImmediate: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  read: `SELECT value, version FROM ${cells} WHERE key = ?`,
  readIfChanged: `SELECT version, CASE version WHEN ? THEN NULL ELSE value END AS value
    FROM ${cells} WHERE key = ?`,
  readIfUnchangedBeside: `SELECT (SELECT version FROM ${cells} WHERE key = ?) AS beside, version,
    CASE version WHEN ? THEN NULL ELSE value END AS value FROM ${cells} WHERE key = ?`,
  dataVersion: "PRAGMA data_version",
  totalChanges: "SELECT total_changes() AS changes",
  version: `SELECT version FROM ${cells} WHERE key = ?`,
  nextVersion: "UPDATE count SET version = version + 1 RETURNING version",
  insert: `INSERT INTO ${cells} (key, version, expires, value) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  update: `UPDATE ${cells} SET version = ?, expires = ?, value = ? WHERE key = ? AND version = ?`,
  upsert: `INSERT INTO ${cells} (key, version, expires, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, expires = excluded.expires,
    value = excluded.value`,
  remove: `DELETE FROM ${cells} WHERE key = ?`,
  removeVersion: `DELETE FROM ${cells} WHERE key = ? AND version = ?`,
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
  deleteExpiredEnd: `SELECT id FROM ${cells} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`,
  deleteExpired: `DELETE FROM ${cells} WHERE id > ? AND id <= ? AND expires < ?`,
});
