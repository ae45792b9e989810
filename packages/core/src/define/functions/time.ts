/** Functions of times. */
import * as timeFunctions from "../../expr/functions/time.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import { TidemarkError } from "../../errors.ts";
import { DURATION_UNITS, type DurationUnit } from "../../time/duration-unit.ts";
import { zoneOf } from "../../time/zone.ts";
import { described } from "../definition.ts";
import { argumentOf, defineCall, operandOf, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  Arg,
  ClockScope,
  Expr,
  NullOf,
  Operand,
  SourceOf,
} from "../expression-types.ts";

type TimeArg<A extends AnyExpr> = Arg<A, "timestamp", "this takes a timestamp">;
type Part<A extends AnyExpr> = Expr<SourceOf<A>, "int32", number | NullOf<A>>;

/**
 * The hour that the clock of the zone shows, 0 to 23.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const late = gt(hourOf(transactions.time, "Europe/Zurich"), 22);
 */
export function hourOf<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.hourOf, x, zone);
}

/**
 * The minute of the day that the clock of the zone shows, 0 to 1439.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const minute = minuteOfDay(transactions.time, "Europe/Zurich");
 */
export function minuteOfDay<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.minuteOfDay, x, zone);
}

/**
 * The day of the week in the zone. Monday is 1, Sunday 7.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const monday = eq(dayOfWeek(transactions.time, "Europe/Zurich"), 1);
 */
export function dayOfWeek<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.dayOfWeek, x, zone);
}

/**
 * The day of the month in the zone, from 1.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const first = eq(dayOfMonth(transactions.time, "Europe/Zurich"), 1);
 */
export function dayOfMonth<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.dayOfMonth, x, zone);
}

/**
 * The month in the zone, 1 to 12.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const december = eq(monthOf(transactions.time, "Europe/Zurich"), 12);
 */
export function monthOf<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.monthOf, x, zone);
}

/**
 * The year in the zone.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const year = yearOf(transactions.time, "Europe/Zurich");
 */
export function yearOf<A extends AnyExpr>(x: TimeArg<A>, zone: string): Part<A> {
  return inZone(timeFunctions.yearOf, x, zone);
}

/**
 * True on Saturdays and Sundays of the zone.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const weekend = isWeekend(transactions.time, "Europe/Zurich");
 */
export function isWeekend<A extends AnyExpr>(
  x: TimeArg<A>,
  zone: string,
): Expr<SourceOf<A>, "boolean", boolean | NullOf<A>> {
  return inZone(timeFunctions.isWeekend, x, zone);
}

/**
 * The date in the zone.
 *
 * @throws TIME_ZONE_UNKNOWN when this runtime knows no such zone.
 * @throws TYPE_MISMATCH when the argument is no timestamp.
 *
 * @example
 * const day = dateOf(transactions.time, "Europe/Zurich");
 */
export function dateOf<A extends AnyExpr>(
  x: TimeArg<A>,
  zone: string,
): Expr<SourceOf<A>, "date", string | NullOf<A>> {
  return inZone(timeFunctions.dateOf, x, zone);
}

/**
 * The time from `start` to `end` in a unit, as a double.
 *
 * @throws VALUE_INVALID when the unit is none of seconds, minutes, hours and days.
 * @throws TYPE_MISMATCH when an argument is no timestamp.
 *
 * @example
 * const hours = elapsed("hours", transactions.time, "2027-01-01T00:00:00Z");
 */
export function elapsed<A extends AnyExpr, B>(
  unit: DurationUnit,
  start: TimeArg<A>,
  end: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, "float64", number | NullOf<A> | NullOf<B>> {
  const first = argumentOf("elapsed", start);
  const who = whoCalls("elapsed", [first]);
  // A caller without types may give any unit.
  if (!DURATION_UNITS.includes(unit))
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: the unit is seconds, minutes, hours or days, got ${described(unit)}`,
    );
  return defineCall(
    timeFunctions.elapsed,
    [first, operandOf(who, end, first.expression)],
    { unit },
    who,
  );
}
/**
 * The days from `start` to `end` in the calendar.
 *
 * @throws TYPE_MISMATCH when an argument is no date.
 *
 * @example
 * const days = daysBetween(dateOf(transactions.time, "UTC"), "2026-12-31");
 */
export function daysBetween<A extends AnyExpr, B>(
  start: Arg<A, "date", "this takes dates">,
  end: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, "int32", number | NullOf<A> | NullOf<B>> {
  const first = argumentOf("daysBetween", start);
  const who = whoCalls("daysBetween", [first]);
  return defineCall(
    timeFunctions.daysBetween,
    [first, operandOf(who, end, first.expression)],
    {},
    who,
  );
}

function inZone<T>(of: ScalarFunction, x: unknown, zone: unknown): T {
  const { name } = of;
  const argument = argumentOf(name, x);
  const who = whoCalls(name, [argument]);
  if (typeof zone !== "string")
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: name its zone, such as "Europe/Zurich" or "UTC", got ${described(zone)}`,
    );
  zoneOf(zone);
  return defineCall(of, [argument], { zone }, who);
}

/**
 * The time of the answer: of the request online, of the row in a training set. It moves with the
 * clock, so no row knows it: it is compared with windows and with features.
 *
 * @example
 * const idle_hours = elapsed("hours", last(transactions.time).over("90d"), asOf());
 */
export function asOf(): Expr<ClockScope, "timestamp", Date> {
  return defineCall(timeFunctions.asOf, []);
}
