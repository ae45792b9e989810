/**
 * Reads and prints times and dates as text (law 10: never by `Date.parse`, which reads 30
 * February).
 */
import { dateText, dayOf, daysInMonth } from "./civil.ts";
import { zoneOf } from "./zone.ts";

const MAX_MICROS = 2 ** 53;
const DAY_MICROS = 86_400_000_000;

/** Why a text is no time. `describeTimeProblem` says it in words. */
export type TimeProblem =
  | "form"
  | "day"
  | "date alone"
  | "clock"
  | "fraction"
  | "offset"
  | "no zone"
  | "range";

/** The instant that `scanTime` read: whole seconds since the epoch, and the µs after them. */
let scannedSeconds = 0;
let scannedMicros = 0;

/**
 * Reads `YYYY-MM-DD[T ]HH:MM[:SS[.f1–9]][Z|UTC|±HH[[:]MM[:SS]]]` as microseconds since the epoch.
 * Lower-case `t` and `z`, a comma for the point and spaces around the text change nothing.
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
  if (scanTime(text, zone) !== null) return null;
  // The product is a multiple of 64, so it is exact far beyond the range. The sum is exact within
  // it.
  const result = scannedSeconds * 1e6 + scannedMicros;
  return result > -MAX_MICROS && result < MAX_MICROS ? result : null;
}

/** The instant of a text as `parseTime` reads it, without a limit on its distance from 1970. */
export function scanInstant(
  text: string,
  zone: string | null,
): { readonly seconds: number; readonly micros: number } | null {
  return scanTime(text, zone) === null ? { seconds: scannedSeconds, micros: scannedMicros } : null;
}

/** Says why `parseTime` reads no time in the text; null if it reads one. */
export function timeProblemOf(text: string, zone: string | null): TimeProblem | null {
  return scanTime(text, zone) ?? (parseTime(text, zone) === null ? "range" : null);
}

/** Reads the text into `scannedSeconds` and `scannedMicros`. null: it is a time. */
function scanTime(given: string, zone: string | null): TimeProblem | null {
  const text =
    isSpace(given.charCodeAt(0)) || isSpace(given.charCodeAt(given.length - 1))
      ? given.trim()
      : given;
  const length = text.length;
  if (length < 10) return "form";
  const days = dayAt(text);
  if (days === null) return /^\d{4}-\d\d-\d\d/.test(text) ? "day" : "form";
  if (length === 10) return "date alone";
  const separator = text.charCodeAt(10) | 0x20;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  if (
    (separator !== 0x20 && separator !== 0x74) || // space, T, t
    hour < 0 ||
    minute < 0 ||
    text.charCodeAt(13) !== 0x3a // :
  )
    return "form";
  scannedMicros = 0;
  let at = 16;
  let second = 0;
  if (text.charCodeAt(at) === 0x3a) {
    second = twoDigits(text, 17);
    if (second < 0) return "form";
    at = 19;
    if (text.charCodeAt(at) === 0x2e || text.charCodeAt(at) === 0x2c) {
      // . ,
      const end = scanFraction(text, at + 1);
      if (end === at + 1) return "form";
      if (end > at + 10) return "fraction";
      at = end;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return "clock";
  const local = ((days * 24 + hour) * 60 + minute) * 60 + second;
  if (at === length) {
    if (zone === null) return "no zone";
    scannedSeconds = zone === "UTC" ? local : zoneOf(zone).toUtc(local);
    return null;
  }
  const offset = offsetAt(text, at);
  if (typeof offset !== "number") return offset;
  scannedSeconds = local - offset;
  return null;
}

/** Reads the digits from `at` on into `scannedMicros` and returns the place behind them. */
function scanFraction(text: string, from: number): number {
  let at = from;
  let micros = 0;
  let weight = 100_000;
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    micros += digit * weight;
    weight = weight === 1 ? 0 : weight / 10;
  }
  scannedMicros = micros;
  return at;
}

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/**
 * Formats a time in UTC with six digits after the point. `micros` is a safe integer or a bigint.
 *
 * @example
 * formatTime(1_769_848_200_000_000); // "2026-01-31T08:30:00.000000Z"
 */
export function formatTime(micros: number | bigint): string {
  if (typeof micros === "bigint") return formatFarTime(micros);
  const days = Math.floor(micros / DAY_MICROS);
  const rest = micros - days * DAY_MICROS;
  const seconds = Math.floor(rest / 1e6);
  return secondsText(days * 86_400 + seconds, rest - seconds * 1e6);
}

/** Formats seconds since the epoch and the µs after them, in UTC. */
export function secondsText(seconds: number, micros: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const clock = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  return `${dateText(days)}T${clock}.${String(micros).padStart(6, "0")}Z`;
}

/** Formats a time that may lie beyond 2^53 µs: the day from its number, the clock from the rest. */
function formatFarTime(micros: bigint): string {
  const day = BigInt(DAY_MICROS);
  const rest = ((micros % day) + day) % day;
  return `${dateText(Number((micros - rest) / day))}T${formatTime(Number(rest)).slice(11)}`;
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

/** Seconds of `Z`, `UTC`, `GMT` or `±HH[[:]MM[:SS]]` from `from` to the end of the text. */
function offsetAt(text: string, from: number): number | TimeProblem {
  if (text.charCodeAt(from) === 0x5a && from + 1 === text.length) return 0; // Z
  const [, utc, sign, hours, minutes = "0", seconds = "0"] =
    /^ ?(?:([Zz]|UTC|GMT)|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)$/.exec(text.slice(from)) ?? [];
  if (utc !== undefined) return 0;
  if (sign === undefined) return "form";
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return "offset";
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === "-" ? -offset : offset;
}

/** A number from 0 to 99, or −1 if the text has no two digits there. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
