/** Names the row of the day that the database cannot take. No message shows a value of a row. */
import { TidemarkError } from "@tidemark/core";
import pg from "pg";
import { rowInvalid } from "./copy-text.ts";
import { isPostgresError, postgresMessage } from "./database.ts";
import type { ColumnWriters, DayRows } from "./day-rows.ts";
import type { TargetTable, UniqueIndex } from "./table.ts";

/** The column of the temporary table that counts the rows of the day. */
export const ROW_NUMBER = "tidemark_row_number";

/**
 * Refuses a day in which two rows have one key, before the table sees them: of two rows for one
 * key nobody can know which is right.
 * @throws LOAD_ROW_INVALID with both rows.
 */
export async function refuseKeyTwice(
  client: pg.Client,
  table: TargetTable,
  rows: DayRows,
  who: string,
): Promise<void> {
  for (const unique of table.uniques) {
    if (!unique.columns.every((name) => rows.columns.includes(name))) continue;
    const names = unique.columns.map(pg.escapeIdentifier);
    const {
      rows: [first],
    } = await client.query<{ row: string }>(
      `SELECT min(${ROW_NUMBER}) AS row FROM pg_temp.tidemark_day
       WHERE ${names.map((name) => `${name} IS NOT NULL`).join(" AND ")}
       GROUP BY ${names.join(", ")} HAVING count(*) > 1 ORDER BY 1 LIMIT 1`,
    );
    if (first === undefined) continue;
    const {
      rows: [second],
    } = await client.query<{ row: string }>(
      `SELECT min(later.${ROW_NUMBER}) AS row
       FROM pg_temp.tidemark_day AS later JOIN pg_temp.tidemark_day AS first
         ON ${names.map((name) => `later.${name} = first.${name}`).join(" AND ")}
       WHERE first.${ROW_NUMBER} = $1 AND later.${ROW_NUMBER} > $1`,
      [first.row],
    );
    throw await keyTwice(rows, Number(first.row), Number(second!.row), unique, who);
  }
}

interface FailedCopy {
  readonly table: TargetTable;
  readonly rows: DayRows;
  readonly writers: ColumnWriters;
  readonly who: string;
}

/** The error of COPY, with the row and the column where it stopped. */
export async function rowError(error: unknown, copy: FailedCopy): Promise<unknown> {
  if (!isPostgresError(error)) return error;
  const { rows, table, who } = copy;
  const [, line, column] =
    /^COPY [^\n]*?, line (\d+)(?:, column (.*?))?(?::|$)/m.exec(
      (error as { readonly where?: string }).where ?? "",
    ) ?? [];
  if (line === undefined) return error;
  const row = Number(line);
  const unique =
    error.code === "23505"
      ? table.uniques.find(({ name }) => name === error.constraint)
      : undefined;
  if (unique !== undefined) {
    const earlier = await earlierRow(row, unique, copy);
    if (typeof earlier === "number") return keyTwice(rows, earlier, row, unique, who);
    return rowInvalid(
      `${who}: ${await rows.location(row)}: its key (${unique.columns.join(", ")}) is ` +
        `${earlier === null ? "in the table already" : "in the table, or came before in the day"}` +
        '; take the row out, or set whenPresent to "keep" or "replace"; nothing of the day was ' +
        "written",
    );
  }
  const of = column === undefined ? "" : `${column}: `;
  return new TidemarkError(
    "LOAD_ROW_INVALID",
    `${who}: ${await rows.location(row)}: ${of}${postgresMessage(error)}; repair that row, ` +
      "nothing of the day was written",
  );
}

async function keyTwice(
  rows: DayRows,
  first: number,
  second: number,
  { columns }: UniqueIndex,
  who: string,
): Promise<TidemarkError> {
  return rowInvalid(
    `${who}: ${await rows.location(first)} and ${await rows.location(second)} have the same key ` +
      `(${columns.join(", ")}); take one of them out, nothing of the day was written`,
  );
}

/**
 * Reads the rows of the day again for the first one with the key of this row.
 * null: there is none before it. undefined: these rows come once, or have no such columns.
 */
async function earlierRow(
  row: number,
  { columns }: UniqueIndex,
  { rows, writers }: FailedCopy,
): Promise<number | null | undefined> {
  if (rows.reopen === null || !columns.every((name) => rows.columns.includes(name)))
    return undefined;
  const { reopen } = rows;
  const places = columns.map((name) => rows.columns.indexOf(name));
  /** The first row for which the test of its key holds. */
  const find = async (
    test: (key: string, number: number) => boolean,
  ): Promise<{ readonly key: string; readonly number: number } | null> => {
    let number = 0;
    let rest = "";
    const again = await reopen();
    for await (const bytes of again.bytes(writers)) {
      const lines = (rest + bytes.toString("utf8")).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const fields = line.split("\t");
        const key = places.map((place) => fields[place]).join("\t");
        if (test(key, ++number)) return { key, number };
      }
    }
    return null;
  };
  const failed = await find((_, number) => number === row);
  if (failed === null) return undefined;
  const first = await find((key) => key === failed.key);
  return first === null || first.number >= row ? null : first.number;
}
