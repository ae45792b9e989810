/**
 * Converts times on their way into PostgreSQL (law 10). PostgreSQL itself would take the second of
 * an hour that comes twice, drop an offset in a column without a zone, and round digits.
 */
import type { TimeUnit } from "@tidemark/core";
import { formatTime, parseDate, parseTime } from "@tidemark/core/spi";
import {
  instantText,
  localClockText,
  microsOfNumber,
  timeProblemOfText,
  withClock,
} from "@tidemark/core/internal";
import { rowInvalid } from "./copy-text.ts";
import type { TargetColumn } from "./table.ts";

/** What the times of the rows mean. */
export interface LoadTimes {
  /** The zone of texts without a zone. */
  readonly zone: string;
  /** The unit of bare numbers; null refuses them. */
  readonly timeUnit: TimeUnit | null;
  /** The zone of a column that has none in the database; null where no source declares it. */
  readonly clockZone: (column: string) => string | null;
}

/** Makes what COPY reads of the values of a column. */
export interface ColumnWriter {
  /** The column's type as PostgreSQL names it. */
  readonly type: string;
  /**
   * Converts a value that is not null. Values that are no times stay as they are.
   * @throws LOAD_ROW_INVALID when the value is no such time; `location` names its place.
   */
  write(value: unknown, location: () => string): unknown;
}

/** The writer of a column by its type, as PostgreSQL names types; undefined: it holds no time. */
export function timeWriter(
  { name, type }: TargetColumn,
  times: LoadTimes,
): ColumnWriter | undefined {
  const write = ((): ColumnWriter["write"] | undefined => {
    switch (type) {
      case "timestamp with time zone":
        return (value, location) => instantOf(value, times, location);
      case "timestamp with time zone[]":
        return (value, location) => instantsOf(value, times, location);
      case "timestamp without time zone":
        return (value, location) => localTimeOf(value, name, times, location);
      case "date":
        return (value, location) => dateOf(value, times, location);
      case "time without time zone":
        return (value, location) => clockOf(value, CLOCK, location);
      case "time with time zone":
        return (value, location) => clockOf(value, ZONED_CLOCK, location);
      case "tstzrange":
      case "tstzmultirange":
        return zonedRangeOf;
      default:
        return undefined;
    }
  })();
  return write === undefined ? undefined : { type, write };
}

const CLOCK = /^\d\d?:\d\d(?::\d\d(?:\.\d+)?)?$/;
const ZONED_CLOCK = /^\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)$/i;
const INFINITE = /^\s*[+-]?infinity\s*$/i;
const NUMBER = /^\s*[+-]?\d+\s*$/;

function instantOf(value: unknown, times: LoadTimes, location: () => string): unknown {
  if (typeof value === "string" && isPlainInstant(value)) return value;
  if (isNumber(value)) return instantOfNumber(value, times, location);
  if (typeof value !== "string" || INFINITE.test(value)) return value;
  const text = instantText(withClock(value), times.zone);
  if (text === null) throw noTime(value, times, location);
  return databaseYear(text);
}

/** Whether PostgreSQL reads the text as Tidemark does: a valid time with at most µs, and a Z. */
function isPlainInstant(text: string): boolean {
  return (
    text.length >= 17 &&
    text.length <= 27 &&
    text.charCodeAt(text.length - 1) === 0x5a &&
    !text.includes(",") &&
    parseTime(text, null) !== null
  );
}

/** PostgreSQL's form of an array of times with a zone: `{"2025-06-14 09:30:00+00",NULL}`. */
function instantsOf(value: unknown, times: LoadTimes, location: () => string): unknown {
  if (typeof value !== "string") return value;
  const [, inner] = /^\s*\{([^{}]*)\}\s*$/.exec(value) ?? [];
  if (inner === undefined)
    throw rowInvalid(`${location()} is no list of times; write {"2026-01-31T09:30:00Z"}`);
  if (inner.trim() === "") return value;
  const elements = inner.split(",").map((element) => {
    const text = element.trim().replace(/^"(.*)"$/, "$1");
    return /^null$/i.test(text) ? "NULL" : `"${String(instantOf(text, times, location))}"`;
  });
  return `{${elements.join(",")}}`;
}

/** A time by a clock. An instant becomes one by the zone that a source declares for the column. */
function localTimeOf(
  value: unknown,
  column: string,
  times: LoadTimes,
  location: () => string,
): unknown {
  const given = isNumber(value) ? instantOfNumber(value, times, location) : instantGiven(value);
  if (typeof given !== "string" || INFINITE.test(given)) return given;
  const text = withClock(given);
  if (instantText(text, null) === null) {
    const local = instantText(text, "UTC");
    if (local === null) throw noTime(given, times, location);
    return databaseYear(local).slice(0, -1);
  }
  const zone = times.clockZone(column) ?? (times.zone === "UTC" ? "UTC" : null);
  if (zone === null)
    throw rowInvalid(
      `${location()} has a zone and the column has none, so PostgreSQL would drop it; write the ` +
        "time without a zone, or declare the column in a source, as in " +
        `timestamp("${column}", { zone: "${times.zone}" })`,
    );
  const local = localClockText(text, zone);
  if (local === null)
    throw rowInvalid(
      `${location()} is the second of two times that the clocks of ${zone} show alike, and the ` +
        "column has no zone; make the column timestamptz",
    );
  return databaseYear(local);
}

/** A day. A midnight without a zone is its day; any other time would lose its clock. */
function dateOf(value: unknown, times: LoadTimes, location: () => string): unknown {
  const given = instantGiven(value);
  if (typeof given !== "string" || INFINITE.test(given)) return given;
  const text = given.trim();
  if (parseDate(text) !== null || /^\d{8}$/.test(text)) return text;
  const zoned = instantText(text, null) !== null;
  const day = zoned && times.zone !== "UTC" ? null : instantText(text, "UTC");
  if (day?.endsWith("T00:00:00.000000Z") === true) return databaseYear(day).slice(0, -17);
  throw rowInvalid(
    instantText(text, "UTC") === null
      ? `${location()} is no day of the calendar; write it as 2026-01-31`
      : `${location()} is a time, and the column holds days; write the day, as 2026-01-31`,
  );
}

function clockOf(value: unknown, form: RegExp, location: () => string): unknown {
  const given = instantGiven(value);
  if (typeof given !== "string" || form.test(given.trim())) return given;
  throw rowInvalid(
    form === CLOCK
      ? `${location()} is no time of day alone, which the column holds; write it as 09:30:00`
      : `${location()} is no time of day with an offset; write it as 09:30:00+02:00`,
  );
}

/** PostgreSQL would read a bound without an offset by its own rule. */
function zonedRangeOf(value: unknown, location: () => string): unknown {
  if (typeof value !== "string") return value;
  const dates = value.match(/\d{4}-\d\d-\d\d/g) ?? [];
  const zoned = value.match(/\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:[+-]\d\d|Z)/g) ?? [];
  if (zoned.length === dates.length) return value;
  throw rowInvalid(
    `${location()} is a range with a bound without an offset; write each bound as ` +
      "2026-01-31 09:30:00+00",
  );
}

/** A Date as its text; other values as they are. */
function instantGiven(value: unknown): unknown {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value;
}

const isNumber = (value: unknown): value is number | bigint | string =>
  typeof value === "number" ||
  typeof value === "bigint" ||
  (typeof value === "string" && NUMBER.test(value) && !/^\s*\d{8}\s*$/.test(value));

function instantOfNumber(
  value: number | bigint | string,
  { timeUnit }: LoadTimes,
  location: () => string,
): string {
  if (timeUnit === null)
    throw rowInvalid(
      `${location()} is a bare number without a unit; name it in the job's timeUnit or with ` +
        '--time-unit, as in timeUnit: "ms"',
    );
  const whole = typeof value === "number" && !Number.isSafeInteger(value) ? null : BigInt(value);
  const micros = whole === null ? NaN : microsOfNumber(whole, timeUnit);
  if (!Number.isSafeInteger(micros))
    throw rowInvalid(
      `${location()} is no whole number of ${timeUnit} since 1970 in the years 1684 to 2255; ` +
        "see the unit, or give a text",
    );
  return formatTime(micros);
}

function noTime(text: string, { zone }: LoadTimes, location: () => string): Error {
  return rowInvalid(`${location()} is ${timeProblemOfText(text, zone)}`);
}

/** A year beyond 9999 has a sign and six digits in ISO 8601, and no sign in PostgreSQL. */
function databaseYear(text: string): string {
  return text.startsWith("+") ? text.replace(/^\+0*/, "") : text;
}
