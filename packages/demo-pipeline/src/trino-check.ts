/** Reads the history with Trino and compares it with PostgreSQL's tables. */
import {
  historyTables,
  queryTrino,
  registerTables,
  unregisterTables,
  type CatalogSchema,
} from "@tidemark/catalog-trino";
import type { Pool } from "pg";

const SOURCES = ["transactions", "customers"];
const CURRENT_ROWS = `"_known_to" IS NULL AND NOT "_deleted"`;

const demoSchema = (url: string, signal?: AbortSignal): CatalogSchema => ({
  url,
  catalog: "lake",
  schema: "tidemark_demo",
  signal,
});

/** Removes the demo's tables from the catalog. */
export async function unregisterDemo(url: string, signal?: AbortSignal): Promise<void> {
  await unregisterTables({
    ...demoSchema(url, signal),
    tables: historyTables(SOURCES, "").map(({ table }) => table),
  });
}

/** Runs a statement in Trino. */
export const queryDemo = (
  url: string,
  sql: string,
  signal?: AbortSignal,
): Promise<readonly (readonly unknown[])[]> => queryTrino(demoSchema(url, signal), sql);

/**
 * Selects the bank's transactions for the SQL of features, from the history's current rows. Times
 * are in µs.
 */
export const TRINO_PAYMENTS = `
  SELECT id, user_id, vendor, channel, CAST(amount AS decimal(12, 2)) AS amount,
    CAST(from_unixtime_nanos(time * 1000) AS timestamp(6)) AS paid_at
  FROM lake.tidemark_demo.transactions_versions WHERE ${CURRENT_ROWS}`;

/** Selects the versions of the customers, which are rows of the history. */
export const TRINO_VERSIONS = `
  SELECT user_id, segment,
    CAST(from_unixtime_nanos("_known_from" * 1000) AS timestamp(6)) AS known_from,
    CAST(from_unixtime_nanos("_known_to" * 1000) AS timestamp(6)) AS known_to
  FROM lake.tidemark_demo.customers_versions WHERE NOT "_deleted"`;

export interface TrinoReading {
  readonly what: string;
  readonly postgres: string;
  readonly trino: string;
}

/**
 * Registers the tables at this location and asks both databases the same. Sums are decimals on both
 * sides, so nothing is rounded.
 */
export async function readInTrino({
  url,
  location,
  database,
  signal,
}: {
  readonly url: string;
  readonly location: string;
  readonly database: Pool;
  readonly signal?: AbortSignal | undefined;
}): Promise<TrinoReading[]> {
  const at = demoSchema(url, signal);
  await registerTables({ ...at, tables: historyTables(SOURCES, location), replace: true });
  const table = (name: string): string => `${at.catalog}.${at.schema}.${name}`;
  const questions = [
    {
      what: "transactions",
      postgres: "count(*) FROM public.transaction_data",
      trino: `count(*) FROM ${table("transactions_versions")} WHERE ${CURRENT_ROWS}`,
    },
    {
      what: "their amounts",
      postgres: `sum("Amount"::numeric) FROM public.transaction_data`,
      trino:
        "sum(CAST(amount AS decimal(38, " +
        `2))) FROM ${table("transactions_versions")} WHERE ${CURRENT_ROWS}`,
    },
    {
      what: "their ids",
      postgres: "sum(id) FROM public.transaction_data",
      trino:
        "sum(CAST(id AS decimal(38, " +
        `0))) FROM ${table("transactions_versions")} WHERE ${CURRENT_ROWS}`,
    },
    {
      what: "users in them",
      postgres: `count(DISTINCT "User ID") FROM public.transaction_data`,
      trino: `count(DISTINCT user_id) FROM ${table("transactions_versions")} WHERE ${CURRENT_ROWS}`,
    },
    {
      what: "of vendor Sending Out",
      postgres: `count(*) FROM public.transaction_data WHERE "Vendor" = 'Sending Out'`,
      trino:
        `count(*) FROM ${table("transactions_versions")} WHERE vendor = 'Sending Out' AND ` +
        `${CURRENT_ROWS}`,
    },
    {
      what: "customers",
      postgres: "count(*) FROM public.customer_data",
      trino: `count(*) FROM ${table("customers_versions")} WHERE ${CURRENT_ROWS}`,
    },
    {
      what: "days they have lived",
      postgres: `sum("birth date" - date '1970-01-01') FROM public.customer_data`,
      trino:
        "sum(date_diff('day', date '1970-01-01', " +
        `birth_date)) FROM ${table("customers_versions")} WHERE ${CURRENT_ROWS}`,
    },
  ];
  const asText = (selects: readonly string[], type: string): string =>
    `SELECT ${selects.map((select) => `CAST((SELECT ${select}) AS ${type})`).join(", ")}`;
  const {
    rows: [left],
  } = await database.query<string[]>({
    text: asText(
      questions.map(({ postgres }) => postgres),
      "text",
    ),
    rowMode: "array",
  });
  const [right] = await queryTrino(
    at,
    asText(
      questions.map(({ trino }) => trino),
      "varchar",
    ),
  );
  return questions.map(({ what }, i) => ({
    what,
    postgres: String(left![i]),
    trino: String(right![i]),
  }));
}
