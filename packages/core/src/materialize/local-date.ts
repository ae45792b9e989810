/** Days of a time zone, as the option `--date` means them. */
import { TidemarkError } from "../errors.ts";
import { formatDate, formatTime, parseDate } from "../time/parse-time.ts";
import { zoneOf } from "../time/zone.ts";

/**
 * A day, and the moment that its rows are stamped with.
 * That moment is the end of the day, so its windows hold the whole day (law 1: events before t).
 */
export interface LocalDate {
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** End of the day, µs. */
  readonly time: number;
}

const DAY = 86_400;

/**
 * Reads a day.
 *
 * @throws DATE_INVALID when the text is no day of the calendar.
 * @throws TIME_ZONE_UNKNOWN when the zone is no IANA name.
 */
export function localDate(text: unknown, zone: string, who: string): LocalDate {
  return localDay(dayNumber(text, who), zone, who);
}

/**
 * Lists the days of [from, to).
 *
 * @throws DATES_EMPTY when there is none.
 */
export function localDates(
  from: unknown,
  to: unknown,
  zone: string,
  who: string,
): readonly LocalDate[] {
  const [first, end] = [dayNumber(from, `${who}: from`), dayNumber(to, `${who}: to`)];
  if (first >= end)
    throw new TidemarkError(
      "DATES_EMPTY",
      `${who}: from ${String(from)} to ${String(to)} holds no day; ` +
        "from is in and to is not, so for one day give the day after it as to",
    );
  return Array.from({ length: end - first }, (_, i) => localDay(first + i, zone, who));
}

export function dayAfter({ date }: LocalDate): string {
  return formatDate(parseDate(date)! + 1);
}

/** The last day before `to`. */
export function lastDayBefore(to: unknown, zone: string, who: string): LocalDate {
  return localDay(dayNumber(to, who) - 1, zone, who);
}

/** The current day in the zone. */
export function today(now: number, zone: string): string {
  let day = Math.floor(now / 1e6 / DAY) - 2;
  while (startOf(day + 1, zone) <= now) day++;
  return formatDate(day);
}

function dayNumber(text: unknown, who: string): number {
  const day = typeof text === "string" ? parseDate(text) : null;
  if (day === null)
    throw new TidemarkError(
      "DATE_INVALID",
      `${who}: ${typeof text === "string" ? JSON.stringify(text) : `a ${typeof text}`} is no ` +
        'day of the calendar; write it as "2025-06-14"',
    );
  return day;
}

function localDay(day: number, zone: string, who: string): LocalDate {
  const time = startOf(day + 1, zone);
  if (!Number.isSafeInteger(time))
    throw new TidemarkError(
      "DATE_INVALID",
      `${who}: ${formatDate(day)} ends beyond the times that there are (law 10)`,
    );
  return { date: formatDate(day), time };
}

function startOf(day: number, zone: string): number {
  return (zone === "UTC" ? day * DAY : zoneOf(zone).toUtc(day * DAY)) * 1e6;
}

/** Refuses days that have not ended, since events of them may still come. */
export function refuseUnfinished(dates: readonly LocalDate[], now: number, who: string): void {
  const open = dates.find(({ time }) => time > now);
  if (open !== undefined)
    throw new TidemarkError(
      "DATE_NOT_OVER",
      `${who}: ${open.date} ends at ${formatTime(open.time)}, and now it is ${formatTime(now)}; ` +
        "materialize a day when it is over",
    );
}
