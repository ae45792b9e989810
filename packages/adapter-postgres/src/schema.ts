/** Makes and checks the tables. */
import { TidemarkError } from "@tidemark/core";
import type pg from "pg";
import { runOne, withConnection, type Call } from "./connections.ts";
import type { Settings } from "./options.ts";

const FORMAT_VERSION = 1;

/**
 * How full a page of cells is made. Most writes replace a cell, and a new version of a row on the
 * same page needs no new entry of the index.
 */
const FILL_FACTOR = 70;

/** The longest time that a timer of Node takes, ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * `versions` numbers the writes within a millisecond. Values of at most 8 KB stay in their row, and
 * none is compressed: they are packed already. `value` is the last column: deletion of expired
 * cells only looks at columns before it. Vacuum comes after 2 % of the cells were replaced.
 */
const tablesSql = (schema: string): string => `
  CREATE TABLE ${schema}.tidemark_format (
    id int PRIMARY KEY CHECK (id = 1), version int NOT NULL
  );
  INSERT INTO ${schema}.tidemark_format VALUES (1, ${FORMAT_VERSION});
  CREATE SEQUENCE ${schema}.versions MINVALUE 0 MAXVALUE 4095 CYCLE;
  CREATE TABLE ${schema}.namespaces (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE
  );
  CREATE TABLE ${schema}.cells (
    namespace int NOT NULL, version int8 NOT NULL, expires float8,
    key bytea NOT NULL, whole bytea, value bytea NOT NULL, PRIMARY KEY (namespace, key)
  ) WITH (
    fillfactor = ${FILL_FACTOR}, toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_cost_delay = 0
  );
  ALTER TABLE ${schema}.cells ALTER value SET STORAGE EXTERNAL,
    ALTER whole SET STORAGE EXTERNAL, ALTER key SET STORAGE MAIN;
  CREATE TABLE ${schema}.positions (
    namespace int NOT NULL, source text COLLATE "C" NOT NULL, generation int NOT NULL,
    partition text COLLATE "C" NOT NULL, "offset" int8 NOT NULL, checkpoint text,
    PRIMARY KEY (namespace, source, generation, partition)
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE TABLE ${schema}.metadata (
    namespace int NOT NULL, source text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL,
    value text NOT NULL, PRIMARY KEY (namespace, source, key)
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
`;

/**
 * Makes the missing tables and the namespace, and returns the namespace's id. Of processes that
 * open a new store at once, one makes them.
 */
export async function prepareSchema(
  pool: pg.Pool,
  settings: Settings,
  namespace: string,
  readOnly: boolean,
): Promise<number> {
  const { name, schema } = settings;
  const found = await namespaceId(pool, settings, namespace);
  if (found !== null) return found;
  if (readOnly)
    throw new TidemarkError(
      "ONLINE_STORE_MISSING",
      `${name}: has no namespace "${namespace}" yet; ` +
        "open it without readOnly first, in the process that writes",
    );
  await withConnection(pool, async (client) => {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `tidemark ${schema}`,
    ]);
    if (!(await checkFormat(client, settings))) {
      // who may not make a schema may own one that is there
      const { rowCount } = await client.query("SELECT WHERE to_regnamespace($1) IS NULL", [schema]);
      if (rowCount === 1) await client.query(`CREATE SCHEMA ${schema}`);
      await client.query(tablesSql(schema));
    }
    await client.query(
      `INSERT INTO ${schema}.namespaces (name) VALUES ($1) ON CONFLICT DO NOTHING`,
      [namespace],
    );
    await client.query("COMMIT");
  });
  return (await namespaceId(pool, settings, namespace))!;
}

/** Returns the id of a namespace; null if the store does not have it yet. */
async function namespaceId(
  pool: pg.Pool,
  settings: Settings,
  namespace: string,
): Promise<number | null> {
  if (!(await checkFormat(pool, settings))) return null;
  const { rows } = await runOne(pool, {
    name: "tidemark namespace",
    text: `SELECT id FROM ${settings.schema}.namespaces WHERE name = $1`,
    values: [namespace],
  });
  return (rows[0]?.[0] as number | undefined) ?? null;
}

/**
 * Checks that the schema is Tidemark's and of a known format; false for an empty schema, or none.
 * The check writes nothing.
 */
async function checkFormat(
  database: Pick<pg.Pool, "query">,
  { name, schema }: Settings,
): Promise<boolean> {
  const { rows: tables } = await database.query<{ readonly marked: boolean }>(
    `SELECT relname = 'tidemark_format' AS marked FROM pg_class
      WHERE relnamespace = to_regnamespace($1) AND relkind <> 'i'`,
    [schema],
  );
  if (tables.length === 0) return false;
  if (!tables.some(({ marked }) => marked))
    throw new TidemarkError(
      "STATE_NOT_TIDEMARK",
      `${name}: the schema has tables of another program and was left as it is; ` +
        "give Tidemark a schema of its own",
    );
  const { rows } = await database.query<{ readonly version: number }>(
    `SELECT version FROM ${schema}.tidemark_format`,
  );
  const format = rows[0]?.version ?? 0;
  if (format === FORMAT_VERSION) return true;
  if (format < FORMAT_VERSION)
    throw new TidemarkError(
      "STATE_OLDER_FORMAT",
      `${name}: was written by an older Tidemark (format ${format}; this one reads ` +
        `${FORMAT_VERSION}); give another schema, and fill it with \`tidemark backfill\` or run ` +
        "the log again; then drop the old schema",
    );
  throw new TidemarkError(
    "STATE_NEWER_FORMAT",
    `${name}: was written by a newer Tidemark (format ${format}; this one reads ` +
      `${FORMAT_VERSION}); update @tidemark/adapter-postgres`,
  );
}

/** Rewrites the tables of cells, positions and metadata. False: a reader kept dead rows. */
export async function purgeSchema(pool: pg.Pool, { schema }: Settings): Promise<boolean> {
  const call = (name: string, text: string, values: readonly unknown[] = []): Call => ({
    name: `tidemark ${name}`,
    text,
    values,
  });
  // Every row that was dead before this transaction is removable once no older one is seen.
  const { rows } = await runOne(pool, call("now", "SELECT pg_current_xact_id()::xid::text"));
  const tables = ["cells", "positions", "metadata"].map((table) => `${schema}.${table}`);
  await withConnection(pool, async (client) => {
    await client.query("SET statement_timeout = 0");
    for (const table of tables) {
      const vacuum = { text: `VACUUM (FULL, ANALYZE) ${table}`, query_timeout: LONGEST_TIMER };
      await client.query(vacuum);
    }
    await client.query("RESET statement_timeout");
  });
  const { rows: left } = await runOne(
    pool,
    call(
      "purged",
      `SELECT count(*) FROM pg_class WHERE oid = ANY ($1::regclass[]) AND
        age(relfrozenxid) > age($2::xid)`,
      [tables, rows[0]![0]],
    ),
  );
  return left[0]![0] === 0;
}
