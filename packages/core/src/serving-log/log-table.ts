/** The table of the serving log: one row for each entity row that was answered. */
import { tableColumn } from "../columns/table-column.ts";
import type { ColumnSpec } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { formatDate } from "../time/parse-time.ts";

/**
 * The columns of the serving log. Services answer other features and change over time, so keys,
 * values and statuses are JSON objects. One table then holds every service. JSON keeps the exact
 * value: a double has the shortest text that parses to the same bits, and a decimal all its digits.
 *
 * - `date`: the day of `answered_at`, UTC. Files are split by it.
 * - `answered_at`: the store's clock when the request was read.
 * - `as_of`: the end of the windows. It equals `answered_at` unless the request named a time.
 * - `service`: the name of the feature service; null: the request named features.
 * - `request_id`: the id of the request, if the caller gave one.
 * - `entity`, `request_data`: the keys and the request data.
 * - `values`: the answered values, by name.
 * - `statuses`: the statuses other than `PRESENT`, by name.
 * - `newest_event`: the newest event time behind the values.
 * - `features`: the feature of each name, as `view:feature`.
 * - `fingerprints`: the fingerprint of each feature's definition.
 * - `taken`: what the online store had taken of each source before the answer. See `TakenChanges`.
 * - `process`, `sequence`: the process that answered, and the number of the row there.
 */
export const LOG_COLUMNS: readonly ColumnSpec[] = [
  tableColumn("date", "string", false),
  tableColumn("answered_at", "timestamp", false),
  tableColumn("as_of", "timestamp", false),
  tableColumn("service", "string"),
  tableColumn("request_id", "string"),
  tableColumn("entity", "string", false),
  tableColumn("request_data", "string"),
  tableColumn("values", "string", false),
  tableColumn("statuses", "string", false),
  tableColumn("newest_event", "timestamp"),
  tableColumn("features", "string", false),
  tableColumn("fingerprints", "string", false),
  tableColumn("taken", "string"),
  tableColumn("process", "string", false),
  tableColumn("sequence", "int64", false),
];

/** The table of the serving log. */
export const LOG_TABLE: TableSpec = {
  name: "serving-log/answers",
  columns: LOG_COLUMNS,
  partitionBy: ["date"],
};

/** Microseconds of a UTC day. */
export const DAY_MICROS = 86_400_000_000;

/** The UTC day of a time (µs), as in 2026-03-01. */
export function dayOf(time: number): string {
  return formatDate(Math.floor(time / DAY_MICROS));
}

/** The UTC days from one time to another (µs), both ends included. */
export function daysBetween(from: number, to: number): readonly string[] {
  const days: string[] = [];
  for (let day = Math.floor(from / DAY_MICROS); day <= Math.floor(to / DAY_MICROS); day++)
    days.push(formatDate(day));
  return days;
}
