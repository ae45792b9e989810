/**
 * Copies the rows of a query from one PostgreSQL to the other. Only times that the other table
 * would read otherwise pass through JavaScript.
 */
import type { Readable } from "node:stream";
import pgCopyStreams from "pg-copy-streams";
import { copyField } from "./copy-text.ts";
import { databaseError, type Connection } from "./database.ts";
import { bindDay } from "./day-statement.ts";
import type { ColumnWriters, DayRows } from "./day-rows.ts";
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
    location: (row) => `${who}: row ${row}`,
    reopen: null,
    async *bytes(writers) {
      const rows: Readable = client.query(pgCopyStreams.to(`COPY (${text}) TO STDOUT`));
      const names = fields.map(({ name }) => name);
      const needed = writers.map((writer, c) =>
        writer !== undefined && isAmbiguous(fields[c]!.dataTypeID, writer.type)
          ? writer
          : undefined,
      );
      try {
        if (needed.every((writer) => writer === undefined)) yield* rows as AsyncIterable<Buffer>;
        else yield* convertedRows(rows as AsyncIterable<Buffer>, names, needed, who);
      } catch (error) {
        throw databaseError(error, who);
      }
    },
  };
}

const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
const TEXTS = [25, 1042, 1043];

/** Whether PostgreSQL would read the text of a column otherwise than law 10. */
function isAmbiguous(from: number, to: string): boolean {
  return (
    TEXTS.includes(from) ||
    (from === TIMESTAMP && to === "timestamp with time zone") ||
    (from === TIMESTAMPTZ && to === "timestamp without time zone")
  );
}

/** Converts the columns that have a writer. In COPY's text no value has a tab or a line break. */
async function* convertedRows(
  rows: AsyncIterable<Buffer>,
  names: readonly string[],
  writers: ColumnWriters,
  who: string,
): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let row = 0;
  for await (const bytes of rows) {
    const end = bytes.lastIndexOf(0x0a) + 1;
    rest.push(end === 0 ? bytes : bytes.subarray(0, end));
    if (end === 0) continue;
    let text = "";
    for (const line of Buffer.concat(rest).toString("utf8").split("\n").slice(0, -1)) {
      row++;
      const fields = line.split("\t").map((field, c) => {
        const writer = writers[c];
        if (writer === undefined || field === "\\N") return field;
        const location = (): string => `${who}: row ${row}: ${names[c]!}`;
        return copyField(writer.write(field, location), location);
      });
      text += `${fields.join("\t")}\n`;
    }
    rest = [bytes.subarray(end)];
    yield Buffer.from(text);
  }
}
