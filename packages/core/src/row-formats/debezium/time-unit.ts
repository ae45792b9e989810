/** The units of numbers in time columns: what the schema says, and what a number looks like. */
import { didYouMean } from "../../did-you-mean.ts";
import { formatTime } from "../../time/parse-time.ts";
import type { SourceSpec } from "../../specs.ts";
import type { ConnectField } from "./connect-schema.ts";

/** The unit of a number in a timestamp column, where no schema gives it. */
export type TimeUnit = "ns" | "us" | "ms" | "s" | "days";

/** The microseconds of one unit. A ns has 1/1000. */
export const MICROS_OF: Readonly<Record<TimeUnit, number>> = {
  ns: 1e-3,
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  days: 86_400_000_000,
};

const UNIT_NAMES: Readonly<Record<TimeUnit, string>> = {
  ns: "nanoseconds",
  us: "microseconds",
  ms: "milliseconds",
  s: "seconds",
  days: "days",
};

const SCHEMA_UNITS: Readonly<Record<string, TimeUnit>> = {
  "io.debezium.time.Timestamp": "ms",
  "org.apache.kafka.connect.data.Timestamp": "ms",
  "io.debezium.time.MicroTimestamp": "us",
  "io.debezium.time.NanoTimestamp": "ns",
  "io.debezium.time.Date": "days",
  "org.apache.kafka.connect.data.Date": "days",
};

/** Gives the unit that the schema says; null: it says none. */
export function unitOfSchema(field: ConnectField | null): TimeUnit | null {
  return field?.name == null ? null : (SCHEMA_UNITS[field.name] ?? null);
}

/**
 * Says whether the schema is named and its name says no unit: a time of day, a duration, a year or
 * something unknown.
 */
export function isOtherSchema(field: ConnectField | null): boolean {
  return field?.name != null && SCHEMA_UNITS[field.name] === undefined;
}

/** Whether the name is Debezium's or Kafka Connect's. Their other times are no instant. */
export const isKnownSchema = (name: string): boolean =>
  name.startsWith("io.debezium.") || name.startsWith("org.apache.kafka.connect.data.");

const YEAR = 365.25 * 86_400e6;
const DAY = 86_400e6;
/** 1990-01-01, µs. An earlier commit time says nothing about the times of a row. */
export const OLDEST_COMMIT = 631_152_000_000_000;
/** January 1970, µs, and as much before it. */
export const JANUARY_1970: number = 31 * DAY;
/** The years before a commit in which its event times are expected. */
const EVENT_YEARS = 20;

/**
 * Gives the unit in which the number is a time of the years before the commit, or null if there is
 * none.
 */
export function fittingUnit(
  number: number,
  committed: number,
  years: number = EVENT_YEARS,
): TimeUnit | null {
  return (
    (["ms", "s", "days", "ns"] as const).find((unit) =>
      isNear(number * MICROS_OF[unit], committed, years),
    ) ?? null
  );
}

/** Says whether a time lies in the years before the commit, and not in January 1970. */
export function isNear(micros: number, committed: number, years: number = EVENT_YEARS): boolean {
  const earliest = Math.max(JANUARY_1970, committed - years * YEAR);
  return micros >= earliest && micros <= committed + YEAR;
}

/** Says what a number is in the unit, such as `1749114000000 milliseconds are 2025-06-05T…`. */
export function inUnit(number: number, unit: TimeUnit): string {
  const micros = Math.floor(number * MICROS_OF[unit]);
  const time = Number.isSafeInteger(micros) ? formatTime(micros) : "beyond the year 2255";
  return `${number} ${UNIT_NAMES[unit]} are ${time}`;
}

/** The setting that gives the unit of a column. */
export function unitSetting(column: string, unit: TimeUnit): string {
  return `set times: { ${JSON.stringify(column)}: "${unit}" } (--time-unit ${column}=${unit})`;
}

/**
 * Says what the unit of a schema contradicts: the declared unit, or microseconds that were assumed
 * before; null: nothing.
 */
export function unitContradiction(
  column: string,
  schema: TimeUnit,
  declared: TimeUnit | null,
  assumedMicros: boolean,
): string | null {
  if (declared !== null)
    return declared === schema
      ? null
      : `times gives ${column} the unit "${declared}", and the schema says "${schema}"; the ` +
          "schema is followed: correct times";
  if (!assumedMicros || schema === "us") return null;
  return (
    `earlier messages without a schema gave ${column} in numbers that were read as ` +
    `microseconds, and the schema now says "${schema}": ${unitSetting(column, schema)}, and read ` +
    "the log again from its beginning"
  );
}

/** Finds the names in `times` that are of the source's table and name no timestamp of it. */
export function unusedTimes(
  { table, columns }: SourceSpec,
  times: Readonly<Record<string, TimeUnit>>,
): (readonly [name: string, text: string])[] {
  const names = columns
    .filter(({ type }) => type === "timestamp")
    .map(({ database }) => `${table}.${database}`);
  return Object.keys(times)
    .filter((name) => name.startsWith(`${table}.`) && !names.includes(name))
    .map((name) => [
      name,
      `times names "${name}", which is no timestamp column of the source` + didYouMean(name, names),
    ]);
}
