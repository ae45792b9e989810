/** Days of a time zone as numbers. */
import { formatDate, parseDate } from "../time/parse-time.ts";
import { zoneOf } from "../time/zone.ts";

const SECONDS = 86_400;
const DAY = SECONDS * 1e6;

/** The days of one zone, counted from 1970-01-01. */
export interface Days {
  readonly zone: string;
  /** The day of a time, µs. */
  of(time: number): number;
  /** The first moment of a day, µs; infinite for an infinite day. */
  startOf(day: number): number;
}

/**
 * Makes the days of a zone.
 *
 * @throws TIME_ZONE_UNKNOWN when the zone is no IANA name.
 */
export function daysIn(zone: string): Days {
  if (zone === "UTC")
    return { zone, of: (time) => Math.floor(time / DAY), startOf: (day) => day * DAY };
  const { offset, toUtc } = zoneOf(zone);
  return {
    zone,
    of: (time) => {
      const seconds = Math.floor(time / 1e6);
      return Math.floor((seconds + offset(seconds)) / SECONDS);
    },
    startOf: (day) => (Number.isFinite(day) ? toUtc(day * SECONDS) * 1e6 : day),
  };
}

/** The text of a day: `YYYY-MM-DD`. */
export function dayText(day: number): string {
  return formatDate(day);
}

/** The day of a text; null: it is none. */
export function dayOfText(text: unknown): number | null {
  return typeof text === "string" ? parseDate(text) : null;
}
