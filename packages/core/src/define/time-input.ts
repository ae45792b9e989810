/** Reads the forms in which a caller may give a time (law 10: never a bare number). */
import type { ErrorCode } from "../error-codes.ts";
import { TidemarkError } from "../errors.ts";
import { formatTime, parseTime } from "../time/parse-time.ts";
import { describeTimeProblem } from "../time/time-problem.ts";
import { definitionOfKind, described, makeDefinition } from "./definition.ts";
import type { shape } from "./shape.ts";

/** A time in microseconds, made by `micros`. */
export interface Micros {
  readonly [shape]: "micros";
}

/**
 * A time: a Date, an ISO string with a zone, a Temporal.Instant, or `micros(n)`.
 * A bare number is refused, because its unit is unknown.
 */
export type TimeInput = Date | string | Micros | { readonly epochNanoseconds: bigint };

/**
 * Makes a time of microseconds since the epoch.
 *
 * @throws TIME_INVALID when the number is not whole, or lies beyond ±2^53.
 *
 * @example
 * const asOf = micros(1_767_225_600_000_000n);
 * const rows = await store.getOnlineFeatures({ features: fraud, entities, asOf });
 */
export function micros(since: bigint | number): Micros {
  if (typeof since !== "bigint" && typeof since !== "number")
    throw invalid("micros", `it takes a bigint or a whole number, got ${described(since)}`);
  const value = Number(since);
  if (!Number.isSafeInteger(value))
    throw invalid(
      "micros",
      `${String(since)} is not a whole number of microseconds between -2^53 and 2^53`,
    );
  return makeDefinition({ kind: "micros", micros: value }, formatTime(value));
}

/**
 * Reads a time as µs since the epoch, a safe integer.
 * `who` begins the message of an error, and `code` is its code.
 *
 * @throws TIME_INVALID when the input is no time, unless `code` names another code.
 *
 * @example
 * timeOf("2026-01-31T09:30:00Z"); // 1769851800000000
 */
export function timeOf(input: unknown, who = "time", code: ErrorCode = "TIME_INVALID"): number {
  const value = microsOf(input, who, code);
  if (!Number.isSafeInteger(value))
    throw invalid(who, "the time lies beyond ±2^53 microseconds", code);
  return value === 0 ? 0 : value;
}

function microsOf(input: unknown, who: string, code: ErrorCode): number {
  if (input instanceof Date) {
    if (Number.isNaN(input.getTime())) throw invalid(who, "the Date is invalid", code);
    return input.getTime() * 1000;
  }
  if (typeof input === "string") {
    const parsed = parseTime(input, null);
    if (parsed === null) throw invalid(who, describeTimeProblem(input, null, null), code);
    return parsed;
  }
  const made = definitionOfKind(input, "micros");
  if (made !== undefined) return made.micros;
  if (
    typeof input === "object" &&
    input !== null &&
    "epochNanoseconds" in input &&
    typeof input.epochNanoseconds === "bigint"
  ) {
    const nanos = input.epochNanoseconds;
    const floored = nanos / 1000n - (nanos % 1000n < 0n ? 1n : 0n);
    return Number(floored);
  }
  if (typeof input === "number" || typeof input === "bigint")
    throw invalid(
      who,
      `the bare number ${String(input)} has no unit; ` +
        "write micros(n), a Date or an ISO string with a zone",
      code,
    );
  throw invalid(
    who,
    `${described(input)} is not a time; give a Date, an ISO string with a zone, ` +
      "a Temporal.Instant or micros(n)",
    code,
  );
}

function invalid(who: string, why: string, code: ErrorCode = "TIME_INVALID"): TidemarkError {
  return new TidemarkError(code, `${who}: ${why}`);
}
