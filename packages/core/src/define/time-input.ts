/** The forms in which a time may be handed in (law 10). */
import { TidemarkError } from "../errors.ts";
import { formatTime, parseTime } from "../time/parse-time.ts";
import { definitionOfKind, described, makeDefinition } from "./definition.ts";
import type { shape } from "./shape.ts";

/** A time in microseconds, made by `micros`. */
export interface Micros {
  readonly [shape]: "micros";
}

/**
 * A Date, an ISO string with a zone, a Temporal.Instant, or `micros(n)`. Never a bare number:
 * nobody can tell its unit.
 */
export type TimeInput = Date | string | Micros | { readonly epochNanoseconds: bigint };

/**
 * A time given in microseconds since the epoch. Beyond ±2^53 it is a `TIME_INVALID`.
 *
 * @example
 * await store.getOnlineFeatures({ features: fraud, entities, asOf: micros(1_767_225_600_000_000n) });
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
 * µs since the epoch, a safe integer; anything that is not a time is `TIME_INVALID`, or the code
 * given.
 */
export function timeOf(input: unknown, who = "time", code = "TIME_INVALID"): number {
  const value = microsOf(input, who, code);
  if (!Number.isSafeInteger(value))
    throw invalid(who, "the time lies beyond ±2^53 microseconds", code);
  return value === 0 ? 0 : value;
}

function microsOf(input: unknown, who: string, code: string): number {
  if (input instanceof Date) {
    if (Number.isNaN(input.getTime())) throw invalid(who, "the Date is invalid", code);
    return input.getTime() * 1000;
  }
  if (typeof input === "string") {
    const parsed = parseTime(input, null);
    if (parsed === null)
      throw invalid(
        who,
        `${JSON.stringify(input)} is not a time with a zone; write it as ` +
          `"2026-01-31T09:30:00.125Z" or with an offset such as +01:00`,
        code,
      );
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
      `the bare number ${String(input)} has no unit; write micros(n), a Date or an ISO string ` +
        "with a zone",
      code,
    );
  throw invalid(
    who,
    `${described(input)} is not a time; give a Date, an ISO string with a zone, a ` +
      "Temporal.Instant or micros(n)",
    code,
  );
}

function invalid(who: string, why: string, code = "TIME_INVALID"): TidemarkError {
  return new TidemarkError(code, `${who}: ${why}`);
}
