/** Durations: a whole number and a unit. */
import { TidemarkError } from "../errors.ts";
import type { Invalid } from "./shape.ts";

/**
 * A duration such as "7d". `d` is 24 hours (law 1: a day never follows a calendar), and `w` is
 * seven of them.
 */
export type Duration = `${bigint}${"s" | "m" | "h" | "d" | "w"}`;

/**
 * A length of time in an option of a call: a duration, or milliseconds such as "500ms". Windows
 * have no milliseconds.
 */
export type TimeLimit = Duration | `${bigint}ms`;

/** The duration itself, or the sentence that refuses it. */
export type CheckDuration<D extends string> = D extends `-${string}` | `0${string}`
  ? Invalid<`'${D}' is no length of time: ${DurationForm<"above zero ">}`>
  : D extends Duration
    ? D
    : Invalid<`'${D}' is not a duration: ${DurationForm<"">}`>;
type DurationForm<Range extends string> =
  `write a whole number ${Range}and s, m, h, d or w, as in '7d'`;

/** A list of at least one duration. */
export type Durations = readonly [string, ...string[]];

/** Each duration, or the sentence that refuses it. A duration listed twice is refused too. */
export type CheckDurations<W extends Durations> = {
  [I in keyof W]: W[I] extends { [J in keyof W]: J extends I ? never : W[J] }[number]
    ? Invalid<`'${W[I]}' is listed twice`>
    : CheckDuration<W[I]>;
};

const unitMicros: Readonly<Record<string, number>> = {
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
  w: 604_800e6,
};
/** The longest duration. It keeps the sum of a time and a duration a safe integer in µs. */
export const MAX_DURATION: number = 100_000 * 86_400e6;

/**
 * Reads a duration as µs.
 *
 * @throws DURATION_INVALID when the text is no duration, or longer than 100000d.
 */
export function durationMicros(who: string, text: unknown): number {
  const found = typeof text === "string" ? /^([1-9][0-9]*)([smhdw])$/.exec(text) : null;
  if (found === null) {
    throw new TidemarkError(
      "DURATION_INVALID",
      `${who}: ${typeof text === "string" ? JSON.stringify(text) : String(text)} is not a ` +
        'duration; write a whole number above zero and s, m, h, d or w, as in "7d"',
    );
  }
  const length = Number(found[1]) * unitMicros[found[2]!]!;
  if (length > MAX_DURATION)
    throw new TidemarkError(
      "DURATION_INVALID",
      `${who}: "${String(text)}" is longer than the longest duration, 100000d`,
    );
  return length;
}

/**
 * Reads a retention as µs: a duration, or "0s" for none.
 *
 * @throws DURATION_INVALID when the text is neither.
 */
export function retentionMicros(who: string, text: unknown): number {
  return text === "0s" ? 0 : durationMicros(who, text);
}

/** The longest time limit in ms. A timer of JavaScript takes no longer one. */
const MAX_TIME_LIMIT = 2 ** 31 - 1;

/**
 * Reads an option of a call as ms.
 *
 * @throws DURATION_INVALID when the text is no duration, shorter than `least`, or longer than 24d.
 */
export function timeLimitMillis(option: string, text: unknown, least = 0): number {
  const found = typeof text === "string" ? /^([0-9]{1,15})(ms|[smhdw])$/.exec(text) : null;
  const unit = found?.[2];
  const millis = Number(found?.[1]) * (unit === "ms" ? 1 : (unitMicros[unit ?? ""] ?? NaN) / 1000);
  if (millis >= least && millis <= MAX_TIME_LIMIT) return millis;
  throw new TidemarkError(
    "DURATION_INVALID",
    `${option}: ${typeof text === "string" ? JSON.stringify(text) : String(text)} is ` +
      (Number.isNaN(millis)
        ? 'not a duration; write a whole number and ms, s, m, h or d, as in "10s"'
        : millis < least
          ? "too short; write a duration above zero"
          : "too long; write at most 24d"),
  );
}

/**
 * Formats a length in µs as definitions write it: `7d`. Weeks are written as days.
 *
 * @example
 * durationText(604_800_000_000); // "7d"
 */
export function durationText(micros: number): string {
  const [unitLength, unit] = (
    [
      [86_400e6, "d"],
      [3600e6, "h"],
      [60e6, "m"],
    ] as const
  ).find(([length]) => micros % length === 0) ?? [1e6, "s"];
  return `${micros / unitLength}${unit}`;
}
