/**
 * Reads the rows of PostgreSQL's tables by SQL and computes the seven features of a user. The
 * computation is independent of Tidemark, exact and simple.
 */
import type { Value } from "@tidemark/core";
import type { Pool } from "pg";
import { DAY } from "./bank-events.ts";

/** A row's key, and its columns in the order of the definitions. */
export interface TableRow {
  readonly key: string;
  readonly values: readonly Value[];
}

/** Reads id · user_id, vendor, channel, amount, and time in µs; an invalid time is null. */
export async function transactionRows(database: Pool): Promise<TableRow[]> {
  const { rows } = await database.query<
    Record<string, string> & { readonly Amount: number | null }
  >(
    `SELECT id::text, "User ID", "Vendor", "Sources", "Amount", ` +
      `"Time" FROM public.transaction_data`,
  );
  return rows.map((row) => ({
    key: row["id"]!,
    values: [
      row["User ID"]!,
      row["Vendor"]!,
      row["Sources"]!,
      row.Amount,
      parseTimeText(row["Time"]!),
    ],
  }));
}

/** Reads id · name, gender, birth date in days, address, segment, and created in µs. */
export async function customerRows(database: Pool): Promise<TableRow[]> {
  const { rows } = await database.query<Record<string, string>>(
    `SELECT id, name, gender, ("birth date" - date '1970-01-01')::text AS born, address, ` +
      "segment, (extract(epoch FROM created) * 1000000)::bigint::text AS created FROM " +
      "public.customer_data",
  );
  return rows.map((row) => ({
    key: row["id"]!,
    values: [
      row["name"]!,
      row["gender"]!,
      Number(row["born"]),
      row["address"]!,
      row["segment"]!,
      Number(row["created"]),
    ],
  }));
}

/**
 * Selects the bank's transactions for the SQL of features. A day 32, which the bank's bug writes,
 * is no time.
 */
export const POSTGRES_PAYMENTS = `
  SELECT id, "User ID" AS user_id, "Vendor" AS vendor, "Sources" AS channel,
    CAST("Amount" AS decimal(12, 2)) AS amount,
    CASE WHEN "Time" NOT LIKE '%-32 %' THEN CAST("Time" AS timestamp) END AS paid_at
  FROM public.transaction_data`;

/** Parses a time to µs; null if the calendar has no such time. */
function parseTimeText(text: string): number | null {
  const time = Date.parse(`${text.replace(" ", "T")}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 19).replace("T", " ") === text
    ? time * 1000
    : null;
}

/**
 * Computes the features of `weekly` at `t` (ms) from the rows of one user with t − 7 d ≤ time < t.
 */
export function weeklyFromRows(
  rows: readonly TableRow[],
  t: number,
): Record<string, number | null> {
  const inside = rows.filter(
    ({ values: [, , , , time] }) =>
      time !== null && (t - 7 * DAY) * 1000 <= (time as number) && (time as number) < t * 1000,
  );
  const column = (at: number): Value[] =>
    inside.map(({ values }) => values[at]!).filter((value) => value !== null);
  const amounts = column(3) as number[];
  const total = exactSum(amounts);
  return {
    num_transactions_l1w: inside.length,
    total_amount_l1w: total,
    avg_amount_l1w: amounts.length === 0 ? null : total / amounts.length,
    min_amount_l1w: amounts.length === 0 ? null : Math.min(...amounts),
    max_amount_l1w: amounts.length === 0 ? null : Math.max(...amounts),
    num_vendors_l1w: new Set(column(1)).size,
    num_sources_l1w: new Set(column(2)).size,
  };
}

/**
 * Sums integers of 2^-60 without rounding. `Number` then rounds once, half to even. No amount of
 * cents is finer.
 */
function exactSum(amounts: readonly number[]): number {
  const units = amounts.map((amount) => {
    if (!Number.isInteger(amount * 2 ** 60))
      throw new Error(`demo: ${amount} is finer than this sum is exact for`);
    return BigInt(amount * 2 ** 60);
  });
  return Number(units.reduce((sum, one) => sum + one, 0n)) / 2 ** 60;
}
