/**
 * The units of a zone's calendar: hours, days, weeks, months, quarters and years. Times are µs.
 * Units follow each other without a gap. A unit around a clock change is longer or shorter, and a
 * unit that a zone leaves out is none.
 */
import type { CalendarUnit } from "../specs.ts";
import { civilDate, dayOf } from "../time/civil.ts";
import { zoneOf, type Zone } from "../time/zone.ts";

const SECOND = 1e6;
const HOUR = 3600;
const DAY = 86_400;

/** The units of one kind in one zone. */
export interface Calendar {
  /** The start of the unit that holds `t`. */
  start(t: number): number;
  /** The start of the unit after the one that holds `t`. */
  next(t: number): number;
}

const calendars = new Map<string, Calendar>();

/**
 * Returns the calendar of a unit and a zone.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 */
export function calendarOf(unit: CalendarUnit, zone: string): Calendar {
  const name = `${unit} ${zone}`;
  let calendar = calendars.get(name);
  if (calendar === undefined) {
    calendar = unit === "hour" ? hours(zoneOf(zone)) : dates(zoneOf(zone), dateUnits[unit]);
    calendars.set(name, calendar);
  }
  return calendar;
}

/** Units of whole dates, numbered one after another. */
interface DateUnit {
  /** The number of the unit that has a date, given as days since 1970-01-01. */
  numberOf(day: number): number;
  /** The first day of a unit, as days since 1970-01-01. */
  firstDay(number: number): number;
}

/** Units of a number of months. */
function monthUnit(months: number): DateUnit {
  return {
    numberOf(day) {
      const { year, month } = civilDate(day);
      return Math.floor((year * 12 + month - 1) / months);
    },
    firstDay(number) {
      const first = number * months;
      const year = Math.floor(first / 12);
      return dayOf(year, first - year * 12 + 1, 1);
    },
  };
}

const dateUnits: Readonly<Record<Exclude<CalendarUnit, "hour">, DateUnit>> = {
  day: { numberOf: (day) => day, firstDay: (number) => number },
  // 1970-01-01 was a Thursday, and weeks begin on Monday.
  week: { numberOf: (day) => Math.floor((day + 3) / 7), firstDay: (number) => number * 7 - 3 },
  month: monthUnit(1),
  quarter: monthUnit(3),
  year: monthUnit(12),
};

function dates(zone: Zone, { numberOf, firstDay }: DateUnit): Calendar {
  const startOf = (number: number): number => startOfDate(zone, firstDay(number)) * SECOND;
  const numberAt = (t: number): number => {
    const second = Math.floor(t / SECOND);
    const number = numberOf(Math.floor((second + zone.offset(second)) / DAY));
    // A clock that is set back over midnight shows a date again whose unit has ended.
    return startOf(number + 1) <= t ? number + 1 : number;
  };
  return { start: (t) => startOf(numberAt(t)), next: (t) => startOf(numberAt(t) + 1) };
}

/** The first second of a date. A midnight that a clock change skips is the second of the change. */
function startOfDate(zone: Zone, date: number): number {
  const midnight = date * DAY;
  const utc = zone.toUtc(midnight);
  return utc + zone.offset(utc) === midnight ? utc : lastChange(zone, utc - DAY, utc);
}

/** An hour begins where the clock of the zone shows minute 0. */
function hours(zone: Zone): Calendar {
  const startBefore = (second: number): number => {
    const offset = zone.offset(second);
    const start = second - modulo(second + offset, HOUR);
    if (zone.offset(start) === offset) return start;
    // The clock was changed within the hour, which began before the change.
    return startBefore(lastChange(zone, start, second) - 1);
  };
  const startAfter = (second: number): number => {
    const start = second - modulo(second + zone.offset(second), HOUR) + HOUR;
    const change = firstChange(zone, second, start);
    if (change === null) return start;
    return modulo(change + zone.offset(change), HOUR) === 0 ? change : startAfter(change);
  };
  return {
    start: (t) => startBefore(Math.floor(t / SECOND)) * SECOND,
    next: (t) => startAfter(Math.floor(t / SECOND)) * SECOND,
  };
}

/** The first second in (from, to] with another offset than `from`; null: there is none. */
function firstChange(zone: Zone, from: number, to: number): number | null {
  return zone.offset(to) === zone.offset(from) ? null : lastChange(zone, from, to);
}

/** The second in (from, to] from which the zone has the offset of `to`. */
function lastChange(zone: Zone, from: number, to: number): number {
  const offset = zone.offset(to);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offset(middle) === offset) high = middle;
    else low = middle;
  }
  return high;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
