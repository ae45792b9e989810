/**
 * Reads and prints times and dates as text (law 10: never by `Date.parse`, which reads 30
 * February).
 */
import { dateText, dayOf, daysInMonth } from "./civil.ts";
import { zoneOf } from "./zone.ts";

const MAX_MICROS = 2 ** 53;
const DAY_MICROS = 86_400_000_000;

/**
 * Reads `YYYY-MM-DD[T ]HH:MM[:SS[.f1–9]][Z|±HH[:MM]]` as microseconds since the epoch.
 * Digits of the fraction beyond six are floored, before 1970 too.
 * A text without a zone is read in `zone`; at a clock change as Temporal's `compatible` reads it.
 *
 * The result is null if the text has another form or names no day of the calendar.
 * It is also null for a leap second, because µs since the epoch cannot hold one.
 * It is null if |µs| ≥ 2^53, or if the text has no zone and `zone` is null.
 *
 * @throws TIME_ZONE_UNKNOWN when the text has no zone and `zone` is no IANA name.
 *
 * @example
 * parseTime("2026-01-31T09:30:00+01:00", null); // 1769848200000000
 */
export function parseTime(text: string, zone: string | null): number | null {
  const length = text.length;
  if (length < 16) return null;
  const days = dayAt(text);
  if (days === null) return null;
  const separator = text.charCodeAt(10);
  if (separator !== 0x20 && separator !== 0x54) return null; // space, T
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text.charCodeAt(13) !== 0x3a)
    return null;
  let at = 16;
  let second = 0;
  let micros = 0;
  if (text.charCodeAt(at) === 0x3a) {
    // :
    second = twoDigits(text, 17);
    if (second < 0 || second > 59) return null;
    at = 19;
    if (text.charCodeAt(at) === 0x2e) {
      // .
      const first = ++at;
      let weight = 100_000;
      for (; at < length; at++) {
        const digit = text.charCodeAt(at) - 48;
        if (digit < 0 || digit > 9) break;
        micros += digit * weight;
        weight = weight === 1 ? 0 : weight / 10;
      }
      if (at === first || at > first + 9) return null;
    }
  }
  const local = ((days * 24 + hour) * 60 + minute) * 60 + second;
  let seconds = local;
  if (at === length) {
    if (zone === null) return null;
    if (zone !== "UTC") {
      // Intl is slow, so it is not called for times that are out of range.
      if (Math.abs(local) * 1e6 > MAX_MICROS + 2 * DAY_MICROS) return null;
      seconds = zoneOf(zone).toUtc(local);
    }
  } else if (text.charCodeAt(at) === 0x5a) {
    // Z
    if (at + 1 !== length) return null;
  } else {
    const offset = offsetAt(text, at);
    if (offset === null) return null;
    seconds = local - offset;
  }
  // The product is a multiple of 64, so it is exact far beyond the range. The sum is exact within
  // it.
  const result = seconds * 1e6 + micros;
  return result > -MAX_MICROS && result < MAX_MICROS ? result : null;
}

/**
 * Formats a time in UTC with six digits after the point. `micros` must be a safe integer.
 *
 * @example
 * formatTime(1_769_848_200_000_000); // "2026-01-31T08:30:00.000000Z"
 */
export function formatTime(micros: number): string {
  const days = Math.floor(micros / DAY_MICROS);
  const rest = micros - days * DAY_MICROS;
  const seconds = Math.floor(rest / 1e6);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  return `${dateText(days)}T${clock}.${String(rest - seconds * 1e6).padStart(6, "0")}Z`;
}

/**
 * Reads `YYYY-MM-DD` as days since 1970-01-01, or null if the text is not a date.
 * It also reads `±YYYYYY-MM-DD`, the form in which `formatDate` writes years beyond four digits.
 *
 * @example
 * parseDate("1970-01-31"); // 30
 */
export function parseDate(text: string): number | null {
  if (text.length === 10) return dayAt(text);
  const [, sign, year, month, day] = /^([+-])(\d{6,7})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return null;
  return validDayOf((sign === "-" ? -1 : 1) * Number(year), Number(month), Number(day));
}

/**
 * Formats days since 1970-01-01 as `YYYY-MM-DD`.
 *
 * @example
 * formatDate(30); // "1970-01-31"
 */
export function formatDate(days: number): string {
  return dateText(days);
}

/**
 * The day at the start of the text, with a year from 0001 to 9999. null: the text has none there.
 */
function dayAt(text: string): number | null {
  const century = twoDigits(text, 0);
  const ofCentury = twoDigits(text, 2);
  if (
    century < 0 ||
    ofCentury < 0 ||
    century + ofCentury === 0 ||
    text.charCodeAt(4) !== 0x2d || // -
    text.charCodeAt(7) !== 0x2d
  )
    return null;
  return validDayOf(century * 100 + ofCentury, twoDigits(text, 5), twoDigits(text, 8));
}

function validDayOf(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || (day > 28 && day > daysInMonth(year, month)))
    return null;
  return dayOf(year, month, day);
}

/** Seconds of `±HH[:MM]` from `at` to the end of the text. null: the text has no offset there. */
function offsetAt(text: string, at: number): number | null {
  const sign = text.charCodeAt(at) === 0x2b ? 1 : text.charCodeAt(at) === 0x2d ? -1 : 0; // + -
  const hours = twoDigits(text, at + 1);
  if (sign === 0 || hours < 0 || hours > 23) return null;
  if (text.length === at + 3) return sign * hours * 3600;
  const minutes = twoDigits(text, at + 4);
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== 0x3a || minutes < 0 || minutes > 59)
    return null;
  return sign * (hours * 3600 + minutes * 60);
}

/** A number from 0 to 99, or −1 if the text has no two digits there. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
