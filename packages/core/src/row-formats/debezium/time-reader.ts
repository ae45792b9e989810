/**
 * Reads timestamps and dates. A number counts the unit that the schema says, else the declared one,
 * else microseconds. A number that fits another unit better is refused (what cannot be known is
 * asked for).
 */
import { parseDate, parseTime } from "../../time/parse-time.ts";
import type { ReaderOptions, ValueReader } from "./value-reader.ts";
import { Failure, UnclearValue } from "../values/failure.ts";
import { NUMBER } from "./json-text.ts";
import {
  fittingUnit,
  inUnit,
  isKnownSchema,
  isNear,
  isOtherSchema,
  JANUARY_1970,
  MICROS_OF,
  OLDEST_COMMIT,
  type TimeUnit,
  unitOfSchema,
  unitSetting,
} from "./time-unit.ts";

const NOT_A_TIME = new Failure("NOT_A_TIME");
const TIME_INFINITE = new Failure("TIME_INFINITE");
const TIME_OUT_OF_RANGE = new Failure("TIME_OUT_OF_RANGE");
const NOT_A_DATE = new Failure("NOT_A_DATE");

/**
 * PostgreSQL's infinity and −infinity, as µs and as ms in a timestamp. In a date they overflow the
 * int32 of the days.
 */
const INFINITE_TIMES = new Set([
  "9223372036825200000",
  "-9223372036832400000",
  "9223372036825200",
  "-9223372036832400",
]);
const INFINITE_DAYS = new Set(["-2147472692", "-2147472691"]);
const INFINITE_TEXT = /^[+-]?infinity$/;
const INTEGER = /^-?\d+$/;

const TIME_LIMIT = 2 ** 53;
/** Times of other columns than the event time are expected in the ten years before the commit. */
const OTHER_YEARS = 10;
/** 9999-12-31 in days. */
const LAST_DAY = 2_932_896;

/** Makes the reader of a timestamp column. */
export function timeReader(options: ReaderOptions): ValueReader {
  const { column, field } = options;
  const zone = column.zone ?? null;
  const declared = unitOfSchema(field) === null;
  const unit = unitOfSchema(field) ?? options.unit;
  const refused = refusedSchema(options);
  return (row, i) => {
    if (row.isString(i)) {
      const text = row.string(i);
      return parseTime(text, zone) ?? unreadText(text, zone);
    }
    if (row.kind(i) !== NUMBER) return NOT_A_TIME;
    const raw = row.raw(i);
    if (!INTEGER.test(raw)) return NOT_A_TIME;
    if (refused !== null) return refused;
    if (unit === null) return assumedMicros(raw, options);
    const micros = inUnitOf(raw, unit);
    if (!declared) return micros;
    if (micros === TIME_OUT_OF_RANGE) return beyondRange(Number(raw), unit, options);
    return inJanuary1970(micros, options)
      ? otherUnit(raw, unit, micros as number, options)
      : micros;
  };
}

function inUnitOf(raw: string, unit: TimeUnit): number | Failure {
  if (unit === "ns") {
    const nanos = BigInt(raw);
    return inRange(Number((nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n));
  }
  if (INFINITE_TIMES.has(raw)) return TIME_INFINITE;
  if (unit === "days" && INFINITE_DAYS.has(raw)) return TIME_INFINITE;
  // A number beyond 2^53 stays beyond 2^53 when it loses its last digits, so the check is right.
  return inRange(Number(raw) * MICROS_OF[unit]);
}

const inRange = (micros: number): number | Failure =>
  micros > -TIME_LIMIT && micros < TIME_LIMIT ? micros + 0 : TIME_OUT_OF_RANGE;

/** Reads µs that nothing says to be µs, unless the number fits another unit. */
function assumedMicros(raw: string, options: ReaderOptions): number | Failure {
  const { context, role, name } = options;
  if (context.schemaUnit !== null)
    return new UnclearValue(
      "TIME_UNIT_FORGOTTEN",
      `earlier messages had a schema, which said ${context.schemaUnit}, and this one has none; ` +
        `send schemas (value.converter.schemas.enable=true), or ` +
        unitSetting(name, context.schemaUnit),
    );
  const micros = inUnitOf(raw, "us");
  const { committed } = context.row;
  if (committed === null || committed < OLDEST_COMMIT || micros === TIME_INFINITE) {
    context.assumedMicros = true;
    return micros;
  }
  const number = Number(raw);
  if (micros instanceof Failure) {
    const unit = fittingUnit(number, committed);
    return unit === null ? micros : unitUnclear(micros.reason, number, unit, name);
  }
  const early = micros !== 0 && Math.abs(micros) < JANUARY_1970;
  if (early && role === "event time")
    return unitUnclear("EVENT_TIMES_IN_1970", number, fittingUnit(number, committed), name);
  const unit = early ? fittingUnit(number, committed, OTHER_YEARS) : null;
  if (unit !== null) return unitUnclear("TIME_UNIT_UNCLEAR", number, unit, name);
  context.assumedMicros = true;
  return micros;
}

/** Whether an event time lies in January 1970. The epoch itself is a default of databases. */
const inJanuary1970 = (micros: number | Failure, { role }: ReaderOptions): boolean =>
  role === "event time" &&
  typeof micros === "number" &&
  micros !== 0 &&
  Math.abs(micros) < JANUARY_1970;

/** Refuses an event time in January 1970 if its number is near the commit in another unit. */
function otherUnit(
  raw: string,
  unit: TimeUnit,
  micros: number,
  options: ReaderOptions,
): number | Failure {
  return contradicted(Number(raw), unit, "EVENT_TIMES_IN_1970", options) ?? micros;
}

/** Makes the failure of a number that is out of range in its declared unit. */
function beyondRange(number: number, unit: TimeUnit, options: ReaderOptions): Failure {
  const { reason } = TIME_OUT_OF_RANGE;
  return (
    contradicted(number, unit, reason, options) ??
    new Failure(reason, `${inUnit(number, unit)}; check the unit of ${options.name}`)
  );
}

/** Says that another unit than the declared one brings the number near the commit; null: none. */
function contradicted(
  number: number,
  unit: TimeUnit,
  reason: string,
  { name, context }: ReaderOptions,
): UnclearValue | null {
  const { committed } = context.row;
  if (committed === null || committed < OLDEST_COMMIT) return null;
  const fitting = isNear(number, committed) ? "us" : fittingUnit(number, committed);
  if (fitting === null) return null;
  return new UnclearValue(
    reason,
    `times gives ${name} the unit "${unit}": ${inUnit(number, unit)}, but ` +
      `${inUnit(number, fitting)}, near the commit time; ${unitSetting(name, fitting)}`,
  );
}

function unitUnclear(reason: string, number: number, unit: TimeUnit | null, name: string): Failure {
  const found =
    unit === null
      ? "which no unit brings near the commit time; "
      : `but ${inUnit(number, unit)}, near the commit time; `;
  return new UnclearValue(
    reason,
    `nothing says the unit of ${name}: ${inUnit(number, "us")}, ${found}` +
      (unit === null
        ? `if they are microseconds, ${unitSetting(name, "us")}`
        : `${unitSetting(name, unit)}, or send schemas (value.converter.schemas.enable=true)`),
  );
}

/** The failure of numbers whose schema names something else than an instant; null: none does. */
function refusedSchema({ field, unit, name }: ReaderOptions): Failure | null {
  if (!isOtherSchema(field) || (unit !== null && !isKnownSchema(field!.name!))) return null;
  return new Failure(
    "NOT_A_TIME",
    `the schema says ${field!.name}, which is no point in time; ` +
      (isKnownSchema(field!.name!)
        ? "declare the column as int32() or int64()"
        : `${unitSetting(name, "ms")} if that is its unit, or declare the column as int64()`),
  );
}

function unreadText(text: string, zone: string | null): Failure {
  if (INFINITE_TEXT.test(text)) return TIME_INFINITE;
  return zone === null && parseTime(text, "UTC") !== null ? WITHOUT_ZONE : NOT_A_TIME;
}

const WITHOUT_ZONE = new Failure(
  "NOT_A_TIME",
  'the text has no zone; declare it, as in timestamp("at", { zone: "UTC" })',
);

/** Makes the reader of a date column. */
export function dateReader({ field, context }: ReaderOptions): ValueReader {
  const unit = unitOfSchema(field);
  const refused =
    field?.name != null && unit !== "days"
      ? new Failure("NOT_A_DATE", `the schema says ${field.name}, which is no day`)
      : null;
  return (row, i) => {
    if (row.isString(i)) {
      const text = row.string(i);
      return (
        parseDate(text.endsWith("Z") ? text.slice(0, -1) : text) ??
        (INFINITE_TEXT.test(text) ? TIME_INFINITE : NOT_A_DATE)
      );
    }
    const raw = row.raw(i);
    if (row.kind(i) !== NUMBER || !INTEGER.test(raw)) return NOT_A_DATE;
    if (refused !== null) return refused;
    if (INFINITE_DAYS.has(raw)) return TIME_INFINITE;
    const days = Number(raw);
    if (unit === null && Math.abs(days) > LAST_DAY) {
      const fitting = fittingUnit(days, context.row.committed ?? 0);
      if (fitting !== null || days === (days | 0)) return notDays(days, fitting);
    }
    return days === (days | 0) ? days + 0 : TIME_OUT_OF_RANGE;
  };
}

function notDays(number: number, unit: TimeUnit | null): Failure {
  const found = unit === null ? "" : `${inUnit(number, unit)}, and `;
  return new Failure(
    "NOT_A_DATE",
    `${found}as days the number lies beyond the year 9999; ` +
      (unit === null
        ? "if it counts another unit, declare the column as timestamp(), with its unit in times; " +
          "if it counts days, send schemas (value.converter.schemas.enable=true)"
        : `declare the column as timestamp(), with its unit "${unit}" in times`),
  );
}
