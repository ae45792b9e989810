/**
 * Registers Delta tables in Trino's catalog, lists them, and unregisters them. The files are not
 * touched.
 */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import { queryTrino, type TrinoConnection } from "./client.ts";
import type { TableLocation } from "./history-tables.ts";

/** A schema in a catalog of Trino. */
export interface CatalogSchema extends TrinoConnection {
  /**
   * A catalog of Trino's `delta_lake` connector, with
   * `delta.register-table-procedure.enabled=true`.
   */
  readonly catalog: string;
  /** The schema, which is made if it does not exist. */
  readonly schema: string;
}

/** Settings of `registerTables`. */
export interface RegisterTablesOptions extends CatalogSchema {
  readonly tables: readonly TableLocation[];
  /**
   * Registers a table anew if it is registered with another location. Without it the call fails
   * with `TRINO_TABLE_ELSEWHERE`. Default: false.
   */
  readonly replace?: boolean | undefined;
}

/** A table that Trino now knows. */
export interface RegisteredTable extends TableLocation {
  /**
   * `present`: the table was registered with this location before. `moved`: it was registered with
   * another location before.
   */
  readonly state: "registered" | "present" | "moved";
}

/**
 * Registers each table. A repeated call changes nothing. All tables are checked before the first is
 * registered.
 *
 * @throws TRINO_TABLE_ELSEWHERE when a table is registered with another location and `replace` is
 * not set.
 * @throws TRINO_QUERY_FAILED when Trino refuses a statement.
 * @example
 * const tables = historyTables(["transactions"], "s3://bank/lake");
 * await registerTables({ url: "http://127.0.0.1:8080", catalog: "lake", schema: "bank", tables });
 */
export async function registerTables(options: RegisterTablesOptions): Promise<RegisteredTable[]> {
  const { catalog, schema, tables, replace = false } = options;
  await queryTrino(
    options,
    `CREATE SCHEMA IF NOT EXISTS ${quotedIdentifier(catalog)}.${quotedIdentifier(schema)}`,
  );
  const known = new Map(
    (await registeredTables(options)).map(({ table, location }) => [table, location]),
  );
  const states = tables.map(({ table, location }) => {
    const registeredAt = known.get(table);
    return registeredAt === undefined
      ? "registered"
      : sameLocation(registeredAt, location)
        ? "present"
        : "moved";
  });
  const elsewhere = tables.filter((_, i) => states[i] === "moved");
  if (elsewhere.length > 0 && !replace) {
    const hint = elsewhere.map(
      ({ table, location }) => `${table} at ${known.get(table)!}, not at ${location}`,
    );
    throw new TidemarkError(
      "TRINO_TABLE_ELSEWHERE",
      `trino ${options.url}: registered in ${catalog}.${schema} are ${hint.join("; ")}; ` +
        "give another schema, or say that they shall be replaced",
    );
  }
  const registered: RegisteredTable[] = [];
  for (const [i, { table, location }] of tables.entries()) {
    const state = states[i]!;
    if (state === "moved") await unregisterTables({ ...options, tables: [table] });
    if (state !== "present") await register(options, table, location);
    registered.push({ table, location, state });
  }
  return registered;
}

async function register(options: CatalogSchema, table: string, location: string): Promise<void> {
  await queryTrino(
    options,
    `CALL ${quotedIdentifier(options.catalog)}.system.register_table(schema_name => ` +
      `${quotedText(options.schema)}, table_name => ${quotedText(table)}, ` +
      `table_location => ${quotedText(location)})`,
  ).catch(async (error: unknown) => {
    // another process may have registered it meanwhile
    const existing = isTidemarkError(error, "TRINO_QUERY_FAILED")
      ? (await registeredTables(options)).find((candidate) => candidate.table === table)
      : undefined;
    if (existing === undefined || !sameLocation(existing.location, location)) throw error;
  });
}

/**
 * Lists the tables of a schema that lie in files. The list is empty if the schema does not exist.
 *
 * @throws TRINO_QUERY_FAILED when Trino refuses a statement.
 * @example
 * const tables = await registeredTables({ url, catalog: "lake", schema: "bank" });
 */
export async function registeredTables(options: CatalogSchema): Promise<TableLocation[]> {
  const { catalog, schema } = options;
  const found = await queryTrino(
    options,
    `SELECT table_name FROM ${quotedIdentifier(catalog)}.information_schema.tables ` +
      `WHERE table_schema = ${quotedText(schema.toLowerCase())} AND table_type = 'BASE TABLE' ` +
      "ORDER BY table_name",
  );
  const tables: TableLocation[] = [];
  for (const [table] of found as readonly (readonly [string])[]) {
    const [row] = await queryTrino(
      options,
      `SHOW CREATE TABLE ${[catalog, schema, table].map(quotedIdentifier).join(".")}`,
    );
    const location = /^\s*location = '((?:[^']|'')*)'/m.exec(String(row![0]))?.[1];
    if (location !== undefined) tables.push({ table, location: location.replaceAll("''", "'") });
  }
  return tables;
}

/**
 * Removes the tables from the catalog and returns the tables that were registered. A table that is
 * not registered is no error.
 *
 * @throws TRINO_QUERY_FAILED when Trino refuses a statement.
 * @example
 * const tables = ["transactions_changes", "transactions_versions"];
 * await unregisterTables({ url, catalog: "lake", schema: "bank", tables });
 */
export async function unregisterTables(
  options: CatalogSchema & { readonly tables: readonly string[] },
): Promise<string[]> {
  const known = new Set((await registeredTables(options)).map(({ table }) => table));
  const registered = options.tables.filter((table) => known.has(table));
  for (const table of registered)
    await queryTrino(
      options,
      `CALL ${quotedIdentifier(options.catalog)}.system.unregister_table(schema_name => ` +
        `${quotedText(options.schema)}, table_name => ${quotedText(table)})`,
    );
  return registered;
}

function sameLocation(a: string, b: string): boolean {
  return a.replace(/\/+$/, "") === b.replace(/\/+$/, "");
}

function quotedIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function quotedText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
