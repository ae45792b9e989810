/** Law 10: times as text. Never `Date.parse`, which reads 30 February. */
import { dateText, dayOf, daysInMonth } from "./civil.ts";
import { zoneOf } from "./zone.ts";

const MAX_MICROS = 2 ** 53;
const DAY_MICROS = 86_400_000_000;

/**
 * Microseconds since the epoch of `YYYY-MM-DD[T ]HH:MM[:SS[.f1–9]][Z|±HH[:MM]]`; null where the
 * text is unreadable: another form, no day of the calendar, a leap second (UTC as µs since the
 * epoch has no room for one), |µs| ≥ 2^53, or no zone in the text and `zone` null. Digits beyond
 * six are floored, before 1970 too. A text without a zone is read in `zone`; at a clock change, as
 * Temporal's `compatible` does.
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
      // Intl is not asked about times that no answer can hold.
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
  // The product is a multiple of 64, so exact far beyond the range; the sum is exact within it.
  const result = seconds * 1e6 + micros;
  return result > -MAX_MICROS && result < MAX_MICROS ? result : null;
}

/** The time in UTC with six digits after the point; `micros` is a safe integer. */
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
 * Days since 1970-01-01 of `YYYY-MM-DD` (or `±YYYYYY-MM-DD`, as `formatDate` writes years beyond
 * four digits); null where the text is unreadable.
 */
export function parseDate(text: string): number | null {
  if (text.length === 10) return dayAt(text);
  const [, sign, year, month, day] = /^([+-])(\d{6,7})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return null;
  return validDayOf((sign === "-" ? -1 : 1) * Number(year), Number(month), Number(day));
}

/** `YYYY-MM-DD` of a day. */
export function formatDate(days: number): string {
  return dateText(days);
}

/** The day at the start of the text; null: it is none. The years are 0001 to 9999. */
function dayAt(text: string): number | null {
  const century = twoDigits(text, 0);
  const ofCentury = twoDigits(text, 2);
  if (
    century < 0 ||
    ofCentury < 0 ||
    century + ofCentury === 0 ||
    text.charCodeAt(4) !== 0x2d ||
    text.charCodeAt(7) !== 0x2d
  )
    return null; // -
  return validDayOf(century * 100 + ofCentury, twoDigits(text, 5), twoDigits(text, 8));
}

function validDayOf(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || (day > 28 && day > daysInMonth(year, month)))
    return null;
  return dayOf(year, month, day);
}

/** Seconds of `±HH[:MM]` from `at` to the end of the text; null: it is none. */
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

/** 0–99, or −1 where there are no two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
