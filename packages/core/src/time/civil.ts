/** Days of the proleptic Gregorian calendar, counted from 1970-01-01. */

/** Returns the day of a calendar date. The month (1–12) and the day must be valid. */
export function dayOf(year: number, month: number, day: number): number {
  // A year that begins in March ends in the leap day. So the days before a month need no table.
  const y = month > 2 ? year : year - 1;
  const cycle = Math.floor(y / 400);
  const yearOfCycle = y - cycle * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  return (
    cycle * 146_097 +
    yearOfCycle * 365 +
    ((yearOfCycle / 4) | 0) -
    ((yearOfCycle / 100) | 0) +
    dayOfYear -
    719_468
  );
}

/**
 * Formats a day as `YYYY-MM-DD`.
 * A year outside 0001–9999 has a sign and at least six digits, as in ISO 8601.
 */
export function dateText(days: number): string {
  const { year, month, day } = civilDate(days);
  const years =
    year >= 1 && year <= 9999
      ? String(year).padStart(4, "0")
      : (year < 0 ? "-" : "+") + String(Math.abs(year)).padStart(6, "0");
  return `${years}-${month < 10 ? "0" : ""}${month}-${day < 10 ? "0" : ""}${day}`;
}

/** A date of the calendar. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** Returns the date of a day. */
export function civilDate(days: number): CivilDate {
  const shifted = days + 719_468;
  const cycle = Math.floor(shifted / 146_097);
  const dayOfCycle = shifted - cycle * 146_097;
  const yearOfCycle = Math.floor(
    (dayOfCycle -
      Math.floor(dayOfCycle / 1_460) +
      Math.floor(dayOfCycle / 36_524) -
      Math.floor(dayOfCycle / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfCycle - (365 * yearOfCycle + ((yearOfCycle / 4) | 0) - ((yearOfCycle / 100) | 0));
  const march = ((5 * dayOfYear + 2) / 153) | 0;
  const month = march < 10 ? march + 3 : march - 9;
  const year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - (((153 * march + 2) / 5) | 0) + 1 };
}

/** The number of days of a month. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
