/** Converts the times of a zone's clock to UTC, in seconds. */
import { TidemarkError } from "../errors.ts";
import { dayOf } from "./civil.ts";

const DAY = 86_400;
const MAX_CACHED_DAYS = 20_000;

/**
 * The offsets of a zone on one day of UTC, in seconds east.
 * `before` holds until the second `changesAt`, and `after` from then on.
 * `changesAt` is Infinity on a day without a change.
 */
interface ZoneDay {
  readonly changesAt: number;
  readonly before: number;
  readonly after: number;
}

/** The clock of a time zone. */
export interface Zone {
  /**
   * Converts `local`, a time of the zone's clock in seconds as if UTC, to UTC seconds.
   * Clock changes are read as Temporal's `compatible` reads them.
   * A time that comes twice is its first occurrence.
   * A skipped time is as late after the change as it lies in the gap.
   */
  toUtc(local: number): number;
  /**
   * Converts UTC seconds to the zone's clock, in seconds as if UTC.
   * The result is null where `toUtc` would read the clock as another instant.
   */
  toLocal(utc: number): number | null;
  /** The seconds by which the zone's clock is ahead of UTC at an instant, in seconds of UTC. */
  offset(utc: number): number;
}

const zones = new Map<string, Zone>();

/**
 * Returns the zone of an IANA name.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    zone = intlZone(name);
    zones.set(name, zone);
  }
  return zone;
}

/**
 * The clock of a zone from 1970 to 2037 as text: each offset, and the second at which it begins.
 * Two runtimes with equal texts read and show the zone's clock alike. This is slow.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 */
export function zoneRules(name: string): string {
  const offsetAt = offsetReader(name);
  let last = offsetAt(0);
  const rules = [`0 ${last}`];
  for (let day = 1; day <= LAST_RULE_DAY; day++) {
    const offset = offsetAt(day * DAY);
    if (offset === last) continue;
    rules.push(`${changeIn((day - 1) * DAY, last, offsetAt)} ${offset}`);
    last = offset;
  }
  return rules.join("\n");
}

/** 2037-12-31. Rules beyond are guesses. */
const LAST_RULE_DAY = 24_836;

/** The first second of the day from `start` on that has no more the offset `before`. */
function changeIn(start: number, before: number, offsetAt: (utc: number) => number): number {
  let low = start;
  let high = low + DAY;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** Makes the reader of a zone's offset in seconds east of UTC, from Intl. This is slow. */
function offsetReader(name: string): (utc: number) => number {
  const format = formatter(name);
  return (utc) => {
    const [, year, month, day, hour, minute, second] = /^(\d+)-(\d+)-(\d+)\D+(\d+):(\d+):(\d+)$/
      .exec(format.format(utc * 1000))!
      .map(Number);
    return dayOf(year!, month!, day!) * DAY + hour! * 3600 + minute! * 60 + second! - utc;
  };
}

function intlZone(name: string): Zone {
  const offsetFromIntl = offsetReader(name);
  const days = new Map<number, ZoneDay>();

  const findZoneDay = (day: number): ZoneDay => {
    const before = offsetFromIntl(day * DAY);
    const after = offsetFromIntl((day + 1) * DAY);
    if (before === after) return { changesAt: Infinity, before, after };
    // No zone has changed twice within one day of UTC.
    return { changesAt: changeIn(day * DAY, before, offsetFromIntl), before, after };
  };
  const offset = (utc: number): number => {
    const number = Math.floor(utc / DAY);
    let day = days.get(number);
    if (day === undefined) {
      if (days.size >= MAX_CACHED_DAYS) days.clear();
      day = findZoneDay(number);
      days.set(number, day);
    }
    return utc < day.changesAt ? day.before : day.after;
  };

  const toUtc = (local: number): number => {
    const earlier = offset(local - DAY);
    if (offset(local - earlier) === earlier) return local - earlier;
    const later = offset(local + DAY);
    return offset(local - later) === later ? local - later : local - earlier;
  };
  return {
    toUtc,
    toLocal(utc) {
      const local = utc + offset(utc);
      return toUtc(local) === utc ? local : null;
    },
    offset,
  };
}

function formatter(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "iso8601",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  } catch (cause) {
    throw new TidemarkError(
      "TIME_ZONE_UNKNOWN",
      `no time zone "${name}" is known here; declare an IANA name such as "Europe/Berlin", ` +
        'or "UTC"',
      { cause },
    );
  }
}

/** Whether this machine knows a time zone. */
export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
