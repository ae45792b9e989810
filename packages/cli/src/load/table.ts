/** The table that a day is loaded into, and the notes of its loaded days. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import pg from "pg";
import { looksLikeValue, NAME_COLUMNS } from "../input/csv.ts";

const { escapeIdentifier } = pg;

export interface TargetTable {
  /** The table's name as a statement has it. */
  readonly text: string;
  /** The name of the notes table beside it. */
  readonly notes: string;
  readonly columns: readonly TargetColumn[];
  readonly primaryKey: readonly string[];
  /** The columns of each unique index, the primary key's too. */
  readonly uniques: readonly UniqueIndex[];
}

export interface TargetColumn {
  readonly name: string;
  /** The type as PostgreSQL names it, of a domain its base type: `timestamp with time zone`. */
  readonly type: string;
  readonly notNull: boolean;
}

export interface UniqueIndex {
  readonly name: string;
  readonly columns: readonly string[];
}

/**
 * Reads the columns and the primary key of the table.
 * @throws LOAD_TABLE_UNKNOWN when the database has no such table.
 */
export async function targetTable(
  client: pg.Client,
  name: string,
  who: string,
): Promise<TargetTable> {
  const dot = name.indexOf(".");
  const schema = dot < 0 ? "public" : name.slice(0, dot);
  const table = name.slice(dot + 1);
  const { rows: columns } = await client.query<{
    name: string;
    type: string;
    not_null: boolean;
    key: number;
  }>(
    `SELECT attname AS name, attnotnull AS not_null,
       format_type(CASE typtype WHEN 'd' THEN typbasetype ELSE atttypid END, NULL) AS type,
       coalesce(array_position(indkey::int2[], attnum), -1) AS key
     FROM pg_attribute
     JOIN pg_class ON pg_class.oid = attrelid
     JOIN pg_type ON pg_type.oid = atttypid
     JOIN pg_namespace ON pg_namespace.oid = relnamespace
     LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
     WHERE nspname = $1 AND relname = $2 AND relkind IN ('r', 'p')
       AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum`,
    [schema, table],
  );
  if (columns.length === 0) {
    const { rows } = await client.query<{ name: string }>(
      "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname NOT IN " +
        "('pg_catalog', 'information_schema')",
    );
    const names = rows.map((row) => row.name);
    const next =
      didYouMean(name, names) || "; create it first, or write its name in the database with schema";
    throw new TidemarkError(
      "LOAD_TABLE_UNKNOWN",
      `${who}: the database has no table ${name}${next}`,
    );
  }
  const { rows: uniques } = await client.query<UniqueIndex>(
    `SELECT index.relname AS name, array_agg(attname::text ORDER BY place) AS columns
     FROM pg_index
     JOIN pg_class AS index ON index.oid = indexrelid
     JOIN pg_class AS of ON of.oid = indrelid
     JOIN pg_namespace ON pg_namespace.oid = of.relnamespace
     CROSS JOIN LATERAL unnest(indkey::int2[]) WITH ORDINALITY AS key (number, place)
     JOIN pg_attribute ON attrelid = indrelid AND attnum = key.number
     WHERE nspname = $1 AND of.relname = $2 AND indisunique AND indpred IS NULL
       AND indexprs IS NULL AND place <= indnkeyatts
     GROUP BY index.relname, indisprimary
     ORDER BY indisprimary DESC, index.relname`,
    [schema, table],
  );
  return {
    text: `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`,
    notes: `${escapeIdentifier(schema)}.tidemark_loaded`,
    columns: columns.map(({ name, type, not_null: notNull }) => ({ name, type, notNull })),
    uniques,
    primaryKey: columns
      .filter(({ key }) => key >= 0)
      .toSorted((a, b) => a.key - b.key)
      .map((column) => column.name),
  };
}

/**
 * Checks that the table has the columns.
 * @throws LOAD_COLUMN_UNKNOWN when the table lacks one.
 */
export function checkColumns(
  { columns }: TargetTable,
  table: string,
  named: readonly string[],
  where: string,
): void {
  const names = columns.map(({ name }) => name);
  const other = named.find((name) => !names.includes(name));
  if (other === undefined) return;
  const known = new Set(names.map((name) => name.toLowerCase()));
  if (named.some(looksLikeValue) && !named.some((name) => known.has(name.toLowerCase())))
    throw new TidemarkError(
      "LOAD_COLUMN_UNKNOWN",
      `${where}: the first line looks like a row; ${NAME_COLUMNS} of table ${table} ` +
        `(${names.join(", ")})`,
    );
  throw new TidemarkError(
    "LOAD_COLUMN_UNKNOWN",
    `${where}: column "${other}" is none of table ${table}${didYouMean(other, names)} ` +
      `(${names.join(", ")})`,
  );
}

/** Creates the notes table if it does not exist. */
export async function createNotesTable(client: pg.Client, { notes }: TargetTable): Promise<void> {
  const {
    rows: [there],
  } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    notes,
  ]);
  if (there!.there) return;
  await client.query("BEGIN");
  // Two sessions that create one table at the same time fail.
  await client.query("SELECT pg_advisory_xact_lock(7384202)");
  await client.query(`CREATE TABLE IF NOT EXISTS ${notes} (
    job text NOT NULL, date date NOT NULL, into_table text NOT NULL,
    rows bigint NOT NULL DEFAULT 0, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, date))`);
  await client.query("COMMIT");
}
