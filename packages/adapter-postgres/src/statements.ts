/** The statements of one namespace. */
import type { Call } from "./connections.ts";

/** Makes a call of a statement. A connection prepares each statement once. */
export type Statements = (
  name: keyof ReturnType<typeof statementTexts>,
  ...values: readonly unknown[]
) => Call;

export function statementsOf(schema: string, namespace: number): Statements {
  const texts = statementTexts(schema, namespace);
  return (name, ...values) => ({ name: `tidemark ${name}`, text: texts[name], values });
}

/**
 * Gives a step its version: milliseconds, and a number within the millisecond. The time keeps
 * versions apart when a standby takes over that lacks the last steps: a counter would give their
 * numbers again. They are exact as JavaScript numbers until 2093.
 */
const newVersion = (schema: string): string =>
  `SELECT set_config('tidemark.version', (
    ((extract(epoch FROM clock_timestamp()) * 1000)::int8 - 1700000000000) * 4096 +
    nextval('${schema.replaceAll("'", "''")}.versions'))::text, true)`;

/** The version of the step that runs. Cells that replace others may have a larger one. */
const STEP_VERSION = "(SELECT current_setting('tidemark.version')::int8)";

/** The order of the keys in an array is the order of the locks. */
function statementTexts(schema: string, namespace: number) {
  const [cells, positions, metadata] = ["cells", "positions", "metadata"].map(
    (table) => `${schema}.${table}`,
  );
  const own = `c.namespace = ${namespace}`;
  // OFFSET 0 keeps the planner from another order of the join: it knows nothing of a new table
  const asked = (columns: string, arrays: string): string =>
    `FROM unnest(${arrays}) WITH ORDINALITY AS k(${columns}, i) CROSS JOIN LATERAL (
      SELECT c.value, c.version FROM ${cells} c WHERE ${own} AND c.key = k.key OFFSET 0
    ) AS c`;
  // a row that another writer replaces meanwhile is at another place, and has another version
  const expected = (columns: string, arrays: string): string =>
    `(SELECT k.*, (
        SELECT c.ctid FROM ${cells} c WHERE ${own} AND c.key = k.key AND c.version = k.expected
      ) AS place FROM unnest(${arrays}) AS k(${columns}) OFFSET 0) AS k WHERE c.ctid = k.place`;
  const insert = `INSERT INTO ${cells} AS c (namespace, version, expires, key, whole, value)
    SELECT ${namespace}, ${STEP_VERSION}, k.expires, k.key, k.whole, k.value
    FROM unnest($1::bytea[], $2::bytea[], $3::float8[], $4::bytea[])
      AS k(key, whole, expires, value)`;
  const range = (after: ">" | ">="): string =>
    `${own} AND c.key ${after} $1 AND c.key < $2 AND
      substring(coalesce(c.whole, c.key) FROM 1 FOR length($3::bytea)) = $3`;
  const expired = (after: ">" | ">="): string => `
    WITH seen AS MATERIALIZED (
      SELECT c.key FROM ${cells} c WHERE ${own} AND c.key ${after} $1 ORDER BY c.key LIMIT $2
    ), last AS (
      SELECT key, (SELECT count(*) FROM seen) AS seen FROM seen ORDER BY key DESC LIMIT 1
    ), removed AS (
      DELETE FROM ${cells} c WHERE ${own} AND c.key ${after} $1 AND
        c.key <= (SELECT key FROM last) AND c.expires < $3 RETURNING 1
    )
    SELECT (SELECT count(*) FROM removed), seen, key FROM last`;
  return {
    read: `SELECT c.value, c.version FROM ${cells} c WHERE ${own} AND c.key = $1`,
    readMany: `SELECT k.i, c.value, c.version ${asked("key", "$1::bytea[]")}`,
    readIfChanged: `SELECT k.i, CASE c.version WHEN k.known THEN NULL ELSE c.value END, c.version
      ${asked("key, known", "$1::bytea[], $2::int8[]")}`,
    lockCells: `SELECT count(*) FROM (
      SELECT FROM ${cells} c WHERE ${own} AND c.key = ANY ($1::bytea[]) ORDER BY c.key FOR UPDATE
    ) AS locked`,
    absent: `SELECT FROM ${cells} c WHERE ${own} AND c.key = ANY ($1::bytea[])`,
    insert: `${insert} ON CONFLICT DO NOTHING`,
    upsert: `${insert} ON CONFLICT (namespace, key) DO UPDATE
      SET version = excluded.version, expires = excluded.expires, value = excluded.value`,
    newVersion: `${newVersion(schema)}`,
    // numbers within a millisecond begin again, but the version of a cell never falls
    update: `UPDATE ${cells} c
      SET version = greatest(${STEP_VERSION}, k.expected + 1), expires = k.expires, value = k.value
      FROM ${expected(
        "key, expected, expires, value",
        "$1::bytea[], $2::int8[], $3::float8[], $4::bytea[]",
      )}`,
    remove: `DELETE FROM ${cells} c WHERE ${own} AND c.key = ANY ($1::bytea[])`,
    removeVersion: `DELETE FROM ${cells} c
      USING ${expected("key, expected", "$1::bytea[], $2::int8[]")}`,
    positions: `SELECT generation, partition, "offset", checkpoint FROM ${positions} c
      WHERE ${own} AND source = $1 ORDER BY partition, generation`,
    beginPositions: `INSERT INTO ${positions}
      (namespace, source, generation, partition, "offset", checkpoint)
      SELECT ${namespace}, $1, k.* FROM unnest($2::int4[], $3::text[], $4::int8[], $5::text[]) AS k
      ON CONFLICT DO NOTHING`,
    movePositions: `UPDATE ${positions} c SET "offset" = k.next, checkpoint = k.checkpoint
      FROM unnest($2::int4[], $3::text[], $4::int8[], $5::text[], $6::int8[])
        AS k(generation, partition, next, checkpoint, expected)
      WHERE ${own} AND c.source = $1 AND c.generation = k.generation AND
        c.partition = k.partition AND c."offset" = k.expected`,
    metadata: `SELECT key, value FROM ${metadata} c WHERE ${own} AND source = $1`,
    shareMetadata: `SELECT pg_advisory_xact_lock_shared(hashtextextended($1, ${namespace}))`,
    lockMetadata: `SELECT pg_advisory_xact_lock(hashtextextended($1, ${namespace}))`,
    compareMetadata: `SELECT FROM unnest($2::text[], $3::text[]) AS k(key, expected)
      LEFT JOIN ${metadata} c ON ${own} AND c.source = $1 AND c.key = k.key
      WHERE c.value IS NOT DISTINCT FROM k.expected`,
    setMetadata: `INSERT INTO ${metadata} (namespace, source, key, value)
      SELECT ${namespace}, $1, k.* FROM unnest($2::text[], $3::text[]) AS k
      ON CONFLICT (namespace, source, key) DO UPDATE SET value = excluded.value`,
    deleteExpired: `${expired(">=")}`,
    deleteExpiredAfter: `${expired(">")}`,
    deleteCells: `DELETE FROM ${cells} c WHERE ${own} AND c.key = ANY (ARRAY(
      SELECT c.key FROM ${cells} c WHERE ${range(">=")} ORDER BY c.key LIMIT $4
    ))`,
    scan: `SELECT coalesce(c.whole, c.key), c.value, c.version FROM ${cells} c
      WHERE ${range(">=")} ORDER BY c.key LIMIT $4`,
    scanAfter: `SELECT coalesce(c.whole, c.key), c.value, c.version FROM ${cells} c
      WHERE ${range(">")} ORDER BY c.key LIMIT $4`,
    size: `SELECT (SELECT count(*) FROM ${cells} c WHERE ${own}),
      (SELECT sum(pg_total_relation_size(t)) FROM unnest($1::regclass[]) AS t)::int8`,
    begin: "BEGIN",
    beforeCommit: `SELECT pg_current_xact_id()::text, pg_postmaster_start_time()::text,
      set_config('statement_timeout', '0', true)`,
    commit: "COMMIT",
    rollback: "ROLLBACK",
    outcome: `SELECT CASE WHEN pg_postmaster_start_time()::text = $2
      THEN pg_xact_status($1::xid8) ELSE 'unknown' END`,
  };
}
