/**
 * Copies the rows of a query from one PostgreSQL to the other. No value passes through JavaScript.
 */
import type { Readable } from "node:stream";
import pgCopyStreams from "pg-copy-streams";
import { databaseError, type Connection } from "./database.ts";
import { bindDay } from "./day-statement.ts";
import type { DayRows } from "./day-rows.ts";
import type { Day } from "../config/load-jobs.ts";

/**
 * Opens the rows of the query; `source` needs its own connection.
 * @throws DATABASE_FAILED when the query is wrong.
 */
export async function queryRows(
  query: string,
  day: Day,
  source: Connection,
  who: string,
): Promise<DayRows> {
  const text = `SELECT * FROM (${bindDay(query, day, who)}\n) AS rows_of_day`;
  const { client } = source;
  const attempt = async <T>(step: Promise<T>): Promise<T> =>
    step.catch((error: unknown) => {
      throw databaseError(error, who);
    });
  await attempt(client.query("BEGIN TRANSACTION READ ONLY"));
  const { fields } = await attempt(client.query(`${text} LIMIT 0`));
  return {
    columns: fields.map(({ name }) => name),
    format: "text",
    location: (row) => `${who}: row ${row}`,
    async *bytes() {
      const rows: Readable = client.query(pgCopyStreams.to(`COPY (${text}) TO STDOUT`));
      try {
        yield* rows as AsyncIterable<Buffer>;
      } catch (error) {
        throw databaseError(error, who);
      }
    },
  };
}
