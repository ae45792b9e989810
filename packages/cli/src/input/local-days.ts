/** Days of a zone, as `--date` names them. */
import { formatDate, parseDate, parseTime } from "@tidemark/core/spi";
import { usage } from "../terminal/options.ts";
import type { Day } from "../config/load-jobs.ts";

/**
 * The day of this date in the zone.
 * @throws USAGE when `date` is no day of the calendar.
 */
export function localDay(date: string, zone: string, option: string): Day {
  const number = dayNumber(date, option);
  return { date, from: midnight(number, zone), to: midnight(number + 1, zone), zone };
}

/**
 * The days from `from` up to the day before `to`.
 * @throws USAGE when `to` is not after `from`.
 */
export function localDays(from: string, to: string, zone: string): Day[] {
  const first = dayNumber(from, "--from");
  const last = dayNumber(to, "--to");
  if (last <= first)
    throw usage(
      `--to ${to}: the last day is the one before it, so it must be later than --from ${from}`,
    );
  return Array.from({ length: last - first }, (_, i) =>
    localDay(formatDate(first + i), zone, "--from"),
  );
}

/** The last complete day in the zone at `now`. */
export function yesterday(zone: string, now: Date): Day {
  const today = parseDate(
    new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      calendar: "iso8601",
      numberingSystem: "latn",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    }).format(now),
  )!;
  return localDay(formatDate(today - 1), zone, "--date");
}

function dayNumber(date: string, option: string): number {
  const number = /^\d{4}-\d\d-\d\d$/.test(date) ? parseDate(date) : null;
  if (number === null)
    throw usage(`${option} ${date}: this is no day of the calendar; write it as 2025-06-14`);
  return number;
}

/**
 * The first instant of a day. If the clocks skip midnight, the day begins after the gap (law 10:
 * Temporal's `compatible`).
 */
function midnight(day: number, zone: string): Date {
  return new Date(parseTime(`${formatDate(day)}T00:00`, zone)! / 1000);
}
